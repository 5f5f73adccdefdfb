"""Chapter 3, exercise: a pinboard of notes, with the right status for everything.

GET /notes returns the names of all notes. It is finished, and so is GET /broken, which always fails.

Run it:    make run-3
Try it:    curl -i -X PUT http://127.0.0.1:8000/notes/milk -d 'two litres'
           curl -i http://127.0.0.1:8000/notes/milk
Check it:  make check-3

Task 1  Every error as JSON.

    - Every 400, 404, 405 and 500 of every handler has a JSON body (Content-Type application/json)
      with the number of the status and its standard phrase: {"status": 404, "error": "Not Found"}.
    - A path that no route matches returns such a 404 too, whatever the method.

Task 2  Store, return and delete notes.

    - PUT /notes/NAME stores the body of the request, which is text in UTF-8, under the name. It
      returns 201 if no note had this name, and 204 if the new text replaces another.
    - PUT with a body that is not UTF-8 returns 400, and the stored notes do not change.
    - GET /notes/NAME returns 200 and the text, with the Content-Type text/plain.
    - DELETE /notes/NAME deletes the note and returns 204.
    - GET and DELETE return 404 if no note has the name.

Task 3  Allow with every 405, and OPTIONS.

    - Every 405 has a header Allow. It names the methods that this path has, and no others: on
      /notes, for example, `GET, OPTIONS`.
    - OPTIONS returns 204 and the same header, on every path that has a route.
"""

import asyncio
import json
import sys

import tornado.web
from tornado.options import define, options, parse_command_line


class BaseHandler(tornado.web.RequestHandler):
    def initialize(self, notes=None):
        self.notes = notes

    def write(self, chunk):
        if isinstance(chunk, dict):  # Tornado's own JSON shows 中文 as \u4e2d\u6587
            self.set_header("Content-Type", "application/json; charset=utf-8")
            chunk = json.dumps(chunk, ensure_ascii=False)
        super().write(chunk)

    # TODO task 1: write every error as JSON.
    # TODO task 3: send Allow with a 405, and respond to OPTIONS.


class NotesHandler(BaseHandler):
    def get(self):
        self.write({"notes": sorted(self.notes)})


class NoteHandler(BaseHandler):
    def get(self, name):
        # TODO task 2: write the text, or send a 404.
        raise tornado.web.HTTPError(501)

    def put(self, name):
        # TODO task 2: store the text; self.request.body holds its bytes.
        raise tornado.web.HTTPError(501)

    def delete(self, name):
        # TODO task 2: delete the note, or send a 404.
        raise tornado.web.HTTPError(501)


class BrokenHandler(BaseHandler):
    def get(self):
        self.write({"answer": 1 / 0})


# TODO task 1: a handler for the paths that no route matches; make_app() must name it.


def make_app():
    notes = {}
    routes = [
        (r"/notes", NotesHandler, {"notes": notes}),
        (r"/notes/([^/]+)", NoteHandler, {"notes": notes}),
        (r"/broken", BrokenHandler),
    ]
    return tornado.web.Application(routes)  # TODO task 1: for all other paths


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"exercise.py: {error}")
