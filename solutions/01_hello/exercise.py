"""Chapter 1, exercise: two handlers that read what a client sends.

Run it:    make run-1
Try it:    curl http://127.0.0.1:8000/reverse/stressed
           curl http://127.0.0.1:8000/wrap --data-urlencode 'text=one two three' -d width=5
Check it:  make check-1

Task 1  Reverse a word from the path.

    - Request: GET /reverse/WORD. Any word is allowed, also 中文.
    - Response: 200. The body is the word backwards: for /reverse/stressed it is `desserts`.
    - The Content-Type is text/plain, because text that comes from a client must not become HTML.

Task 2  Wrap text from a form.

    - Request: POST /wrap with the form fields `text` and `width`. Without `width`, the width is 40.
    - Response: 200. The body is the text, wrapped at the width: no line is longer, and words stay
      whole where they fit. textwrap.fill does that.
    - The Content-Type is text/plain here too.

Task 3  Refuse a width that is not a positive whole number.

    - Request: POST /wrap with a width such as `abc`, `0`, `-5`, `1.5` or the empty string.
    - Response: 400. The body is up to you, but it must not show the client's text as HTML.
"""

import asyncio
import sys
import textwrap

import tornado.web
from tornado.options import define, options, parse_command_line


class ReverseHandler(tornado.web.RequestHandler):
    def get(self, word):
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(word[::-1])


class WrapHandler(tornado.web.RequestHandler):
    def post(self):
        text = self.get_body_argument("text")
        width = self.get_body_argument("width", "40")
        try:
            wrapped = textwrap.fill(text, width=int(width))
        except ValueError as error:
            raise tornado.web.HTTPError(400) from error
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(wrapped)


def make_app():
    return tornado.web.Application(
        [
            (r"/reverse/([^/]+)", ReverseHandler),
            (r"/wrap", WrapHandler),
        ]
    )


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
