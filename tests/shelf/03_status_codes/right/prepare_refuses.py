"""prepare() refuses what the handler has no method for; the errors are JSON by send_error()."""

import tornado.web
from tornado.web import HTTPError


class BaseHandler(tornado.web.RequestHandler):
    def initialize(self, notes=None):
        self.notes = notes

    def prepare(self):
        if self.request.method not in self.mine():
            raise HTTPError(405)

    def mine(self):
        empty = tornado.web.RequestHandler._unimplemented_method
        return [m for m in self.SUPPORTED_METHODS if getattr(self, m.lower()).__func__ is not empty]

    def send_error(self, status_code=500, **kwargs):
        self.clear()
        self.set_status(status_code)
        if status_code == 405:
            self.set_header("allow", ", ".join(self.mine()))
        self.finish({"error": self._reason, "status": self.get_status()})

    def options(self, _=""):
        self.set_header("allow", ", ".join(self.mine()))
        raise tornado.web.Finish if self.set_status(204) else tornado.web.Finish()


class NotesHandler(BaseHandler):
    def get(self):
        self.write({"notes": sorted(self.notes)})


class NoteHandler(BaseHandler):
    def get(self, name):
        try:
            text = self.notes[name]
        except KeyError:
            raise HTTPError(404) from None
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write(text)

    def put(self, name):
        body = self.request.body
        try:
            body = body.decode("utf-8")
        except UnicodeDecodeError:
            self.send_error(400)
            return
        if name in self.notes:
            self.set_status(204)
        else:
            self.set_status(201)
            self.set_header("Location", self.request.path)
            self.write(body)
        self.notes[name] = body

    def delete(self, name):
        if name not in self.notes:
            raise HTTPError(404)
        del self.notes[name]
        self.set_status(204)


class BrokenHandler(BaseHandler):
    def get(self):
        self.write({"answer": 1 / 0})


class NotFoundHandler(BaseHandler):
    def prepare(self):
        raise HTTPError(404)


def make_app():
    notes = {}
    return tornado.web.Application(
        [
            (r"/notes", NotesHandler, {"notes": notes}),
            (r"/notes/([^/]+)", NoteHandler, {"notes": notes}),
            (r"/broken", BrokenHandler, {"notes": notes}),
        ],
        default_handler_class=NotFoundHandler,
    )
