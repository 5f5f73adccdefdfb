"""try and except; async handlers; a base class for what both have in common."""

from textwrap import fill

from tornado.web import Application, HTTPError, RequestHandler


class PlainHandler(RequestHandler):
    def set_default_headers(self):
        self.set_header("Content-Type", "text/plain")


class Reverse(PlainHandler):
    async def get(self, word):
        await self.finish("".join(reversed(word)))


class Wrap(PlainHandler):
    async def post(self):
        try:
            width = int(self.get_argument("width", 40))
            wrapped = fill(self.get_argument("text"), width)
        except ValueError:
            raise HTTPError(400)
        await self.finish(wrapped + "\n")


def make_app():
    return Application([("/reverse/(.*)", Reverse), ("/wrap/?", Wrap)])
