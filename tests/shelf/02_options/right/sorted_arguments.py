"""The file is read by a callback of --config, which is put in front of all other arguments."""

import json

import tornado.web
from tornado.options import Error, OptionParser


class Guests:
    def __init__(self):
        self.names = []

    def add(self, name):
        self.names += [name]


class Colour:
    def __init__(self, text):
        try:
            assert len(text) == 7 and text[0] == "#" and text.isascii() and text[1:].isalnum()
            self.numbers = tuple(int(text[i : i + 2], base=16) for i in (1, 3, 5))
        except (AssertionError, ValueError):
            raise Error("--colour takes # and six hexadecimal digits") from None


def make_app(arguments=()):
    guests = Guests()
    parser = OptionParser()
    parser.define("port", default=8000, type=int)
    parser.define(
        "config", type=str, callback=lambda path: parser.parse_config_file(path, final=False)
    )
    parser.define("greeting", default="Welcome", type=str)
    parser.define("colour", type=Colour)
    parser.define("guest", type=str, callback=guests.add)
    in_order = sorted(arguments, key=lambda argument: not argument.startswith("--config"))
    parser.parse_command_line(["", *in_order])

    class SignHandler(tornado.web.RequestHandler):
        def get(self):
            self.set_header("Content-Type", "application/json")
            colour = parser.colour and parser.colour.numbers
            sign = dict(greeting=parser.greeting, colour=colour, guests=guests.names)
            self.write(json.dumps(sign))

    return tornado.web.Application([(r"/", SignHandler)], port=parser.port)
