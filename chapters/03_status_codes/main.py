"""Chapter 3, status codes: what Tornado answers by itself, and what you make of it. In the notes: 状态码.

Run it:  python main.py --port=8000
Try it:  curl -i http://localhost:8000/square?number=12
         curl -i http://localhost:8000/square             (400, as JSON)
         curl -i -X DELETE http://localhost:8000/square   (405, with Allow)
"""

import asyncio
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line
from tornado.web import HTTPError


class JsonHandler(tornado.web.RequestHandler):
    """What all handlers here have in common: an error is JSON, and a 405 says what is allowed."""

    def write_error(self, status_code, **kwargs):
        if status_code == 405:  # Tornado leaves this header out, and HTTP demands it.
            self.set_header("Allow", ", ".join(self.allowed()))
        self.write({"status": status_code, "error": self._reason})  # as in the status line

    def allowed(self):
        """The methods that this handler defines itself."""
        inherited = tornado.web.RequestHandler
        names = [(method, method.lower()) for method in self.SUPPORTED_METHODS]
        return [m for m, name in names if getattr(type(self), name) != getattr(inherited, name)]


class MethodsHandler(JsonHandler):
    """Every method that Tornado knows; each answers the status that it usually has."""

    def get(self):
        self.write({"method": "GET"})  # 200: nothing else was set

    def head(self):
        self.get()  # the same headers; Tornado leaves the body out

    def post(self):
        self.set_status(201)
        self.set_header("Location", "/methods")
        self.write({"method": "POST"})

    def put(self):
        self.set_status(204)

    def patch(self):
        self.write({"method": "PATCH"})

    def delete(self):
        self.set_status(204)

    def options(self):
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.allowed()))


class SquareHandler(JsonHandler):
    def get(self):
        text = self.get_query_argument("number")  # 400 where it is missing
        if not text.isdecimal():
            raise HTTPError(400, reason="number must be a whole number")
        if len(text) > 4:
            raise HTTPError(422, "%s digits", len(text))  # for the log, not for the client
        self.write({"square": int(text) ** 2})


class BrokenHandler(JsonHandler):
    def get(self):
        self.write({"answer": 1 / 0})  # 500


class NotFoundHandler(JsonHandler):
    def prepare(self):
        raise HTTPError(404)


def make_app():
    routes = [
        (r"/methods", MethodsHandler),
        (r"/square", SquareHandler),
        (r"/broken", BrokenHandler),
    ]
    return tornado.web.Application(routes, default_handler_class=NotFoundHandler)


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
