"""Chapter 3, status codes: those that Tornado sends by itself, and those that you set.

Run it:  make chapter-3    (or: .venv/bin/python chapters/03_status_codes/main.py --port=8000)
Try it:  curl -i 'http://127.0.0.1:8000/square?number=12'
         curl -i http://127.0.0.1:8000/square              (400, as JSON)
         curl -i -X DELETE http://127.0.0.1:8000/square    (405, with Allow)
"""

import asyncio
import json
import sys

import tornado.web
from tornado.options import define, options, parse_command_line


class JSONHandler(tornado.web.RequestHandler):
    """A handler whose responses are JSON, errors included."""

    def write(self, chunk):
        if isinstance(chunk, dict):  # Tornado's own JSON shows 中文 as \u4e2d\u6587
            self.set_header("Content-Type", "application/json; charset=utf-8")
            chunk = json.dumps(chunk, ensure_ascii=False)
        super().write(chunk)

    def write_error(self, status_code, **kwargs):
        if status_code == 405:  # HTTP requires this header, and Tornado leaves it out
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        self.finish({"error": tornado.httputil.responses.get(status_code, "Unknown")})

    def allowed_methods(self):
        """The methods that this class defines, such as ["GET", "POST"]."""
        default = tornado.web.RequestHandler
        return [
            method
            for method in self.SUPPORTED_METHODS
            if getattr(type(self), method.lower()) is not getattr(default, method.lower())
        ]


class NotFoundHandler(JSONHandler):
    def prepare(self):
        raise tornado.web.HTTPError(404)


class MethodsHandler(JSONHandler):
    """Every method that Tornado knows; each responds with the status that is usual for it."""

    def get(self):
        self.write({"method": "GET"})  # 200, unless you set another status

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
        self.set_header("Allow", ", ".join(self.allowed_methods()))


class SquareHandler(JSONHandler):
    def get(self):
        number = self.get_query_argument("number")  # 400 if it is missing
        if not number.isdecimal():
            self.set_status(400)
            self.write({"error": "number must be a whole number"})
        elif len(number) > 4:
            raise tornado.web.HTTPError(422, "%s digits", len(number))  # for the log only
        else:
            self.write({"square": int(number) ** 2})


class BrokenHandler(JSONHandler):
    def get(self):
        self.write({"answer": 1 / 0})  # 500


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
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"main.py: {error}")
