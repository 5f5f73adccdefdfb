"""A first parser looks for --config only; a function is the type of the colour."""

import argparse
import string

import tornado.web
from tornado.options import OptionParser


def colour(text):
    digits = text.removeprefix("#")
    if len(text) != 7 or len(digits) != 6 or not set(digits) <= set(string.hexdigits):
        raise ValueError(f"{text!r} is no colour")
    number = int(digits, 16)
    return [number >> 16, number >> 8 & 0xFF, number & 0xFF]


class Sign(tornado.web.RequestHandler):
    async def get(self):
        await self.finish(self.settings["sign"])


def make_app(arguments=()):
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config")
    found, _ = first.parse_known_args(list(arguments))
    options = OptionParser()
    options.define("port", 8000)
    options.define("config", "")
    options.define("greeting", "Welcome")
    options.define("colour", None, type=str)
    options.define("guest", None, type=str)
    if found.config:
        options.parse_config_file(found.config)
    options.parse_command_line(["program", *arguments])
    guests = [each.split("=", 1)[1] for each in arguments if each.startswith("--guest=")]
    text = options.colour
    sign = {
        "greeting": options.greeting,
        "colour": None if text is None else colour(text),
        "guests": guests,
    }
    return tornado.web.Application([("/", Sign)], sign=sign, port=options.port)
