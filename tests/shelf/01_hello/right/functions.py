"""The work is done in functions; errors are answered by set_status; rules name the routes."""

import textwrap

from tornado.routing import PathMatches, Rule
from tornado.web import Application, RequestHandler


def positive(text):
    """The number that a text stands for, or None."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if number > 0 else None


class ReverseHandler(RequestHandler):
    def get(self, *, word):
        letters = list(word)
        letters.reverse()
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write("".join(letters))


class WrapHandler(RequestHandler):
    def prepare(self):
        self.width = positive(self.get_body_arguments("width")[-1:][0]) if self.has_width() else 40
        if self.width is None:
            self.set_status(400, "Bad width")
            self.finish({"error": "width must be a positive whole number"})

    def has_width(self):
        return "width" in self.request.body_arguments

    def post(self):
        wrapper = textwrap.TextWrapper(width=self.width)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write("\n".join(wrapper.wrap(self.get_body_argument("text"))))


def make_app():
    return Application(
        [
            Rule(PathMatches(r"/reverse/(?P<word>[^/]+)"), ReverseHandler),
            Rule(PathMatches("/wrap"), WrapHandler),
        ]
    )
