"""Chapter 3, exercise: a pinboard of notes, with the right status for everything.

GET /notes answers the names of all notes. It is done, and so is GET /broken, which always fails.

Task 1  Every error is JSON (Content-Type application/json): {"status": 404, "error": "Not Found"}, with its own number
        and the text of its status line. That means the 400, 404, 405 and 500 of every handler, and the 404 of a path
        that no route has.
Task 2  PUT /notes/NAME stores the request's body, a text, under a name: 201 if there is no note of that name, 204 if
        there is one. GET /notes/NAME answers it as plain text (Content-Type text/plain), 200. DELETE /notes/NAME
        removes it, 204. GET and DELETE of a name that is not there: 404. A PUT whose body is not UTF-8: 400, and
        the notes stay as they were.
Task 3  Every 405 has a header Allow that names the methods of this path, and no other: on /notes, for example,
        "GET, OPTIONS". OPTIONS answers 204 with the same header, on every path that has a route.

Run it:    python exercise.py --port=8000
Check it:  make check-3
"""

import asyncio
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line
from tornado.web import HTTPError


class BaseHandler(tornado.web.RequestHandler):
    def initialize(self, notes=None):
        self.notes = notes

    def write_error(self, status_code, **kwargs):
        if status_code == 405:
            self.allow()
        self.write({"status": status_code, "error": self._reason})

    def options(self, *args):
        self.set_status(204)
        self.allow()

    def allow(self):
        """Set Allow to the methods that are not the ones of Tornado's own class, which answer 405."""
        own = [
            method
            for method in self.SUPPORTED_METHODS
            if getattr(type(self), method.lower())
            is not getattr(tornado.web.RequestHandler, method.lower())
        ]
        self.set_header("Allow", ", ".join(own))


class NotesHandler(BaseHandler):
    def get(self):
        self.write({"notes": sorted(self.notes)})


class NoteHandler(BaseHandler):
    def get(self, name):
        if name not in self.notes:
            raise HTTPError(404)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write(self.notes[name])

    def put(self, name):
        try:
            text = self.request.body.decode()
        except UnicodeDecodeError:
            raise HTTPError(400) from None
        self.set_status(204 if name in self.notes else 201)
        self.notes[name] = text

    def delete(self, name):
        if self.notes.pop(name, None) is None:
            raise HTTPError(404)
        self.set_status(204)


class BrokenHandler(BaseHandler):
    def get(self):
        self.write({"answer": 1 / 0})


class NotFoundHandler(BaseHandler):
    def prepare(self):
        raise HTTPError(404)


def make_app():
    notes = {}
    routes = [
        (r"/notes", NotesHandler, {"notes": notes}),
        (r"/notes/([^/]+)", NoteHandler, {"notes": notes}),
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
