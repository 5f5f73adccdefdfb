"""Chapter 2, exercise: three more options for the sign on the café's door.

make_app(arguments) takes the arguments of a command line, such as ["--colour=#ffcc00"].
GET / returns the sign as JSON.

Run it:    make run-2
Try it:    curl http://127.0.0.1:8000/
Check it:  make check-2

Task 1  An option with a type of your own: --colour.

    - The value is # and six hexadecimal digits, such as #ffcc00 or #FFCC00.
    - On the sign, `colour` is a list of three numbers, red, green and blue: [255, 204, 0].
    - For any other value, such as `red`, `#fc0` or `#gggggg`, make_app() raises an exception.
    - Without the option, `colour` is null.

Task 2  An option that may be given more than once: --guest.

    - On the sign, `guests` is the list of all names, in their order. The arguments --guest=Ada and
      "--guest=Hopper, Grace" make it ["Ada", "Hopper, Grace"]: a comma belongs to the name.
    - Two guests may have the same name; the list then has it twice.
    - Each call of make_app() starts with an empty list.

Task 3  A config file that the command line overrules: --config=FILE.

    - The file is read as parse_config_file() reads it, and sets the options that it names.
    - An option on the command line overrules the file, wherever --config stands.
    - The file does not name any guests, and each --guest is still added exactly once.
    - If the file has a value that its option refuses, make_app() raises an exception.
"""

import asyncio
import json
import re
import sys

import tornado.web
from tornado.options import OptionParser


class Colour(list):
    """Three numbers from 0 to 255. An option's type may be any class that takes a string."""

    def __init__(self, text):
        # TODO task 1: raise ValueError if the string is not a colour; re.fullmatch() compares a whole
        # string with a pattern. Otherwise call super().__init__() with the three numbers.
        raise NotImplementedError("task 1")


class SignHandler(tornado.web.RequestHandler):
    def initialize(self, sign):
        self.sign = sign

    def get(self):
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(self.sign)


def make_app(arguments=()):
    parser = OptionParser()
    guests = []
    parser.define("port", default=8000, type=int)
    parser.define("config", type=str)
    parser.define("greeting", default="Welcome", type=str)
    parser.define("colour", type=Colour)
    # TODO task 2: make each --guest add its name to the list of guests.
    parser.define("guest", type=str)
    # TODO task 3: read the file that --config names; the command line overrules it.
    parser.parse_command_line(["exercise.py", *arguments])
    sign = {"greeting": parser.greeting, "colour": parser.colour, "guests": guests}
    text = json.dumps(sign, ensure_ascii=False) + "\n"
    return tornado.web.Application([(r"/", SignHandler, {"sign": text.encode()})], port=parser.port)


async def main():
    app = make_app(sys.argv[1:])
    app.listen(app.settings["port"], address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"exercise.py: {error}")
