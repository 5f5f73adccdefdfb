"""Chapter 2's script."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from tornado.options import Error, OptionParser

from servers import ROOT

SCRIPT = ROOT / "chapters" / "02_options" / "main.py"


@pytest.fixture
def read(load):
    """`read("--seats=3")` is a parser that has read these arguments."""
    module = load(2)

    def read(*arguments):
        parser = OptionParser()
        module.define_options(parser)
        module.read_options(parser, arguments)
        return parser

    return read


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--greeting=Grüß Gott", "greeting", "Grüß Gott"),
        ("--greeting=", "greeting", ""),
        ("--greeting=a=b", "greeting", "a=b"),
        ("--seats=30", "seats", 30),
        ("--coffee=3.2", "coffee", 3.2),
        ("--open=false", "open", False),
        ("--open", "open", True),
        ("--since=2011-11-02", "since", datetime(2011, 11, 2)),
        ("--pause=90m", "pause", timedelta(minutes=90)),
        ("--guests=Ada,Grace", "guests", ["Ada", "Grace"]),
        ("--tables=1,3,8:11", "tables", [1, 3, 8, 9, 10, 11]),
        ("--port=65535", "port", 65535),
        ("-port=9000", "port", 9000),
    ],
)
def test_each_type_is_read(read, argument, name, value):
    assert read(argument)[name] == value


def test_defaults(read):
    parser = read()
    assert (parser.port, parser.config, parser.tables) == (8000, None, [])


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--port=abc", "--port=abc: invalid literal"),
        ("--port=", "--port=: invalid literal"),
        ("--port", "--port: Option 'port' requires a value"),
        ("--port=0", "--port=0: a port is a number from 1 to 65535"),
        ("--port=65536", "a port is a number from 1 to 65535"),
        ("--pause=soon", "--pause=soon: not understood"),
        ("--pause=1h30m", "--pause=1h30m: "),
        ("--since=never", "--since=never: Unrecognized date/time format"),
        ("--coffee=cheap", "--coffee=cheap: could not convert"),
        ("--tables=1:x", "--tables=1:x: invalid literal"),
        ("--nope", "--nope: there is no such option"),
        ("port=8000", "port=8000: there is no such option"),
        ("–help", "–help: there is no such option"),
        ("--", "--: there is no such option"),
        ("", ": there is no such option"),
        ("--config=missing.conf", "missing.conf: [Errno 2] No such file"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(read, argument, says):
    with pytest.raises(Error) as raised:
        read(argument)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("config_first", [True, False])
def test_the_command_line_overrules_the_file_and_the_file_the_default(read, tmp_path, config_first):
    file = tmp_path / "cafe.conf"
    file.write_text("greeting = 'file'\nseats = 20\nguests = ['Ada']\n")
    arguments = [f"--config={file}", "--seats=30"]
    parser = read(*(arguments if config_first else reversed(arguments)))
    values = (parser.greeting, parser.seats, parser.coffee, parser.guests)
    assert values == ("file", 30, 2.5, ["Ada"])


@pytest.mark.parametrize(
    "text", ["seats = 'many'", "seats = (", "1 / 0", "port = 99999", "guests = 3"]
)
def test_a_wrong_file_is_named(read, tmp_path, text):
    file = tmp_path / "cafe.conf"
    file.write_text(text)
    with pytest.raises(Error, match=r"cafe\.conf: "):
        read(f"--config={file}")


async def test_the_sign_is_json(load, serve, fetch, read):
    sign = read("--guests=中文", "--pause=90m").group_dict("sign")
    response = await fetch(serve(load(2).make_app(sign)))
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    got = json.loads(response.body)
    assert got["guests"] == ["中文"]
    assert got["pause"] == "1:30:00"
    assert got["since"] == "2011-10-30 00:00:00"
    assert set(got) == {
        "greeting",
        "seats",
        "coffee",
        "open",
        "since",
        "pause",
        "guests",
        "tables",
    }


@pytest.mark.parametrize("arguments", [["--port=abc"], ["--nope"], ["port=1"], ["--port", "1"]])
def test_a_wrong_command_is_one_line_and_status_2(arguments):
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("main.py: ")


async def test_the_script_shows_what_the_command_line_says(script, fetch):
    running = script(2, "--seats=3", "--tables=1:3")
    sign = json.loads((await fetch(running.url)).body)
    assert (sign["seats"], sign["tables"]) == (3, [1, 2, 3])
