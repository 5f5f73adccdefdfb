"""The command line is parsed twice, but the guests are collected the second time only."""

import re

from tornado.options import OptionParser
from tornado.web import Application, RequestHandler

HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\Z", re.IGNORECASE | re.ASCII)


def read_colour(text):
    match = HEX.match(text)
    if match is None:
        raise ValueError(text)
    return [int(group, 16) for group in match.groups()]


class SignHandler(RequestHandler):
    def initialize(self, parser, guests):
        self.parser, self.guests = parser, guests

    def get(self):
        colour = self.parser.colour
        self.write(
            {
                "greeting": self.parser.greeting,
                "colour": read_colour(colour) if colour else None,
                "guests": self.guests,
            }
        )


def make_app(arguments=()):
    guests = []
    parser = OptionParser()
    parser.define("port", default=8000)
    parser.define("config", default=None, type=str)
    parser.define("greeting", default="Welcome")
    parser.define("colour", type=str, callback=read_colour)
    parser.define("guest", type=str, callback=guests.append)
    line = ["", *arguments]
    parser.parse_command_line(line, final=False)
    if parser.config is not None:
        guests.clear()
        parser.parse_config_file(parser.config, final=False)
        parser.parse_command_line(line)
    return Application([(r"/", SignHandler, dict(parser=parser, guests=guests))], port=parser.port)
