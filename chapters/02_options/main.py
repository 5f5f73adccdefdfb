"""Chapter 2, options: the sign on a café's door, written by the command line. In the notes: options.

Run it:  python main.py --port=8000 --guests=Ada,Grace --pause=90m --open=false
Try it:  curl http://localhost:8000/
         python main.py --help
         python main.py --port=abc
"""

import asyncio
import json
import sys
from contextlib import suppress
from datetime import datetime, timedelta

import tornado.web
from tornado.options import Error, options


class SignHandler(tornado.web.RequestHandler):
    def initialize(self, sign):
        self.sign = sign

    def get(self):
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.write(json.dumps(self.sign, default=str, ensure_ascii=False) + "\n")


def make_app(sign):
    return tornado.web.Application([(r"/", SignHandler, {"sign": sign})])


def check_port(port):
    if not 1 <= port <= 65535:
        raise Error("a port is a number from 1 to 65535")


def define_options(parser):
    # A group is a heading of --help and, by group_dict(), a dictionary.
    where = "the port to listen on"
    parser.define("port", default=8000, help=where, type=int, callback=check_port, group="server")
    parser.define("config", help="a file of options", type=str, group="server")
    # One option of each type that define() knows.
    since = datetime(2011, 10, 30)
    pause = timedelta(minutes=30)
    parser.define("greeting", default="Welcome", type=str, help="a text", group="sign")
    parser.define("seats", default=12, type=int, help="a whole number", group="sign")
    parser.define("coffee", default=2.5, type=float, help="a price", group="sign")
    parser.define("open", default=True, type=bool, help="yes or no", group="sign")
    parser.define("since", default=since, type=datetime, help="a date, a time", group="sign")
    parser.define("pause", default=pause, type=timedelta, help="how long", group="sign")
    parser.define("guests", type=str, multiple=True, help="some texts", group="sign")
    parser.define("tables", type=int, multiple=True, help="some numbers", group="sign")


def parse(parser, arguments):
    # One argument at a time, so that the message can name the one that is wrong.
    for argument in arguments:
        name = argument.lstrip("-").partition("=")[0]
        if not argument.startswith("-") or name not in parser:
            raise Error(f"{argument}: there is no such option")
        try:
            parser.parse_command_line(["main.py", argument], final=False)
        except Exception as error:  # each type raises errors of its own
            raise Error(f"{argument}: {str(error) or 'not understood'}") from error


def read_options(parser, arguments):
    parse(parser, arguments)
    if parser.config:
        try:
            parser.parse_config_file(parser.config, final=False)
        except Exception as error:  # the file is Python: anything may happen
            raise Error(f"{parser.config}: {error}") from error
        parse(parser, arguments)  # again: the command line has the last word
    parser.run_parse_callbacks()


async def main():
    define_options(options)
    try:
        read_options(options, sys.argv[1:])
    except Error as error:
        print(f"main.py: {error} (--help shows what there is)", file=sys.stderr)
        sys.exit(2)
    sign = options.group_dict("sign")
    make_app(sign).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
