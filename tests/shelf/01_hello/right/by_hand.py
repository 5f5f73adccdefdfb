"""No textwrap, no slice: everything by hand, and the path is read from the request."""

import re
import urllib.parse

import tornado.web


class ReverseHandler(tornado.web.RequestHandler):
    def get(self):
        word = urllib.parse.unquote(self.request.path.split("/", 2)[2])
        backwards = ""
        for letter in word:
            backwards = letter + backwards
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(backwards.encode("utf-8"))


class WrapHandler(tornado.web.RequestHandler):
    def post(self):
        form = {name: values[-1].decode() for name, values in self.request.body_arguments.items()}
        width = form.get("width", "40")
        if not re.fullmatch("[0-9]*[1-9][0-9]*", width):
            self.send_error(400)
            return
        words, longest = [], int(width)
        for word in form["text"].split():
            words += [word[start : start + longest] for start in range(0, len(word), longest)]
        lines = [""]
        for word in words:
            if lines[-1] and len(lines[-1]) + 1 + len(word) > longest:
                lines.append(word)
            else:
                lines[-1] = (lines[-1] + " " + word).strip()
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        for line in lines:
            self.write(line + "\n")


def make_app():
    return tornado.web.Application([(r"/reverse/.+", ReverseHandler), (r"/wrap", WrapHandler)])
