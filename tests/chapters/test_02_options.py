"""Chapter 2's script."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from tornado.options import OptionParser

from servers import ROOT

SCRIPT = ROOT / "chapters" / "02_options" / "main.py"


def run(*arguments) -> subprocess.CompletedProcess:
    """Run the script as a person does."""
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=60,
    )


def refused(*arguments) -> str:
    """The one line that the script prints before it ends with status 2."""
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("main.py: ")
    return done.stderr


@pytest.fixture
def read(load):
    """`read("--seats=3")` is a parser that has read these arguments."""
    module = load(2)

    def read(*arguments):
        parser = OptionParser()
        module.define_options(parser)
        module.read_options(parser, ["main.py", *arguments])
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


@pytest.mark.parametrize("config_first", [True, False])
def test_the_command_line_overrules_the_file_and_the_file_the_default(read, tmp_path, config_first):
    file = tmp_path / "cafe.conf"
    file.write_text("greeting = 'file'\nseats = 20\nguests = ['Ada']\n")
    arguments = [f"--config={file}", "--seats=30"]
    parser = read(*(arguments if config_first else reversed(arguments)))
    values = (parser.greeting, parser.seats, parser.coffee, parser.guests)
    assert values == ("file", 30, 2.5, ["Ada"])


@pytest.mark.parametrize("text", ["seats = 'many'", "seats = (", "1 / 0", "port = 99999"])
def test_a_wrong_file_is_one_line_and_status_2(tmp_path, text):
    file = tmp_path / "cafe.conf"
    file.write_text(text)
    assert refused(f"--config={file}")


def test_a_file_that_is_missing_is_named():
    assert "missing.conf" in refused("--config=missing.conf")


async def test_the_sign_is_json(load, serve, fetch, read):
    sign = read("--guests=中文", "--pause=90m").group_dict("sign")
    response = await fetch(serve(load(2).make_app(sign)))
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port=abc"], "invalid literal for int() with base 10: 'abc'"),
        (["--port"], "Option 'port' requires a value"),
        (["--port", "9000"], "Option 'port' requires a value"),
        (["--port=0"], "a port is a number from 1 to 65535"),
        (["--port=65536"], "a port is a number from 1 to 65535"),
        (["--pause=soon"], "a value has the wrong type"),
        (["--since=never"], "Unrecognized date/time format"),
        (["port=8000"], "'port=8000' is not an option"),
        (["–help"], "'–help' is not an option"),
        ([b"--greeting=\xff"], "can't encode character"),
    ],
)
def test_a_wrong_command_is_one_line_and_status_2(arguments, says):
    assert says in refused(*arguments)


def test_an_unknown_option_prints_the_help_and_one_line():
    done = run("--nope")
    assert (done.returncode, done.stdout) == (2, "")
    *help_text, last = done.stderr.splitlines()
    assert last == "main.py: Unrecognized command line option: 'nope'"
    assert any("--port" in line for line in help_text)


def test_help_is_status_0():
    done = run("--help")
    assert (done.returncode, done.stdout) == (0, "")
    assert "the port to listen on" in done.stderr


async def test_the_script_shows_what_the_command_line_says(script, fetch):
    running = script(2, "--seats=3", "--tables=1:3")
    sign = json.loads((await fetch(running.url)).body)
    assert (sign["seats"], sign["tables"]) == (3, [1, 2, 3])
