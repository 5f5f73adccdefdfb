"""Every handler says its own methods; the notes are an object of the module; a default handler with arguments."""

import tornado.escape
import tornado.web
from tornado.httputil import responses


class Pinboard:
    def __init__(self):
        self.texts = {}


board = Pinboard()


class BaseHandler(tornado.web.RequestHandler):
    methods = ()

    def initialize(self, board=None):
        self.board = board

    def write_error(self, status_code, exc_info=None, **kwargs):
        reason = exc_info and getattr(exc_info[1], "reason", None) or responses[status_code]
        self.set_header("Content-Type", "application/json")
        self.set_header("Allow", ", ".join(self.methods)) if status_code == 405 else None
        self.write(tornado.escape.json_encode({"status": self.get_status(), "error": reason}))

    def options(self, *args, **kwargs):
        self.set_header("Allow", ", ".join(self.methods))
        self.set_status(204)


class NotesHandler(BaseHandler):
    methods = ("GET", "OPTIONS")

    async def get(self):
        self.write(dict(notes=sorted(self.board.texts.keys())))


class NoteHandler(BaseHandler):
    methods = ("GET", "PUT", "DELETE", "OPTIONS")

    def known(self, name):
        if name not in self.board.texts:
            raise tornado.web.HTTPError(404, "no note %s", name)
        return name

    async def get(self, name):
        self.set_header("Content-Type", "text/plain")
        self.write(self.board.texts[self.known(name)].encode())

    async def put(self, name):
        new = name not in self.board.texts
        self.board.texts[name] = self.text_of_the_body()
        self.set_status(201) if new else self.set_status(204)

    def text_of_the_body(self):
        try:
            return tornado.escape.to_unicode(self.request.body)
        except UnicodeError as error:
            raise tornado.web.HTTPError(400) from error

    async def delete(self, name):
        self.board.texts.pop(self.known(name))
        self.set_status(204)
        self.finish()


class BrokenHandler(BaseHandler):
    methods = ("OPTIONS", "GET")

    def get(self):
        raise RuntimeError("it always fails")


class NotFoundHandler(BaseHandler):
    def prepare(self):
        self.set_status(404)
        self.finish({"status": 404, "error": "Not Found"})


def make_app():
    return tornado.web.Application(
        [
            tornado.web.url(r"/notes", NotesHandler, {"board": board}),
            tornado.web.url(r"/notes/(?P<name>[^/]+)", NoteHandler, {"board": board}),
            tornado.web.url(r"/broken", BrokenHandler, {"board": board}),
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args={"board": board},
    )
