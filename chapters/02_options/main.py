"""Chapter 2, options: the sign on a café's door, written by the command line.

Run it:  make chapter-2    (or: .venv/bin/python chapters/02_options/main.py --port=8000)
Try it:  curl http://127.0.0.1:8000/
         .venv/bin/python chapters/02_options/main.py --guests=Ada,Grace --pause=90m --open=false
         .venv/bin/python chapters/02_options/main.py --help
         .venv/bin/python chapters/02_options/main.py --port=abc
"""

import asyncio
import json
import sys
from datetime import datetime, timedelta

import tornado.web
from tornado.options import Error, options


class SignHandler(tornado.web.RequestHandler):
    def initialize(self, sign):
        self.sign = sign

    def get(self):
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(self.sign)


def make_app(sign):
    # JSON has no dates and no durations: default=str writes them as strings.
    text = json.dumps(sign, default=str, ensure_ascii=False) + "\n"
    return tornado.web.Application([(r"/", SignHandler, {"sign": text.encode()})])


def check_port(port):
    if not 1 <= port <= 65535:
        raise Error("a port is a number from 1 to 65535")


def define_options(parser):
    # A group is a heading of --help, and group_dict() returns its options as a dictionary.
    parser.define(
        "port",
        default=8000,
        help="the port to listen on",
        type=int,
        callback=check_port,
        group="server",
    )
    parser.define("config", help="a file of options", type=str, group="server")
    # One option of each type that define() knows.
    since = datetime(2011, 10, 30)
    pause = timedelta(minutes=30)
    parser.define("greeting", default="Welcome", type=str, help="a string", group="sign")
    parser.define("seats", default=12, type=int, help="a whole number", group="sign")
    parser.define("coffee", default=2.5, type=float, help="a price", group="sign")
    parser.define("open", default=True, type=bool, help="true or false", group="sign")
    parser.define("since", default=since, type=datetime, help="a date or a time", group="sign")
    parser.define("pause", default=pause, type=timedelta, help="a duration", group="sign")
    parser.define("guests", type=str, multiple=True, help="strings", group="sign")
    parser.define("tables", type=int, multiple=True, help="whole numbers", group="sign")


def read_options(parser, arguments):
    """Read the command line and the file that --config names; the command line wins."""
    # final=False: the callbacks that set up logging run once, at the end.
    remaining = parser.parse_command_line(arguments, final=False)
    if parser.config:
        parser.parse_config_file(parser.config, final=False)
        parser.parse_command_line(arguments, final=False)  # again: what is read last wins
    if remaining:
        raise Error(f"{remaining[0]!r} is not an option")
    parser.run_parse_callbacks()


async def main():
    define_options(options)
    try:
        read_options(options, sys.argv)
        app = make_app(options.group_dict("sign"))
    except Exception as error:  # each type of option raises its own exceptions
        print(f"main.py: {str(error) or 'a value has the wrong type'}", file=sys.stderr)
        sys.exit(2)
    app.listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"main.py: {error}")
