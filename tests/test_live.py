"""notebooks/live.py: what the lessons use to serve, to ask and to read the log."""

import importlib
import logging

import nbformat
import pytest
import tornado.web

from course.authors import weave

from servers import ROOT

LOGGERS = ("tornado", "asyncio")


@pytest.fixture
async def live():
    """The module, freshly imported; its servers are stopped, and the loggers are given back."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    saved = [(logger.handlers[:], logger.propagate) for logger in loggers]
    module = importlib.reload(importlib.import_module("live"))
    yield module
    for name in list(module._servers):
        await module.stop(name)
    for logger, (handlers, propagate) in zip(loggers, saved, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate


class Echo(tornado.web.RequestHandler):
    def get(self, path):
        if path == "crash":
            raise KeyError("a\nb")
        self.write(f"{path} {self.get_argument('q', '-')}")

    def post(self, path):
        kind = self.request.headers.get("Content-Type", "-")
        self.write(f"{kind} {self.request.body!r}")

    def delete(self, path):
        self.set_status(204)


def app():
    return tornado.web.Application([(r"/([^/]*)", Echo)])


async def test_an_answer_shows_its_request_its_status_and_its_body(live):
    url = await live.serve(app())
    assert url.startswith("http://127.0.0.1:")
    assert repr(await live.ask(url + "/hello?q=1")) == (
        "GET /hello?q=1\n200 OK  text/html; charset=UTF-8\nhello 1"
    )
    assert repr(await live.ask(url, "DELETE")) == "DELETE /\n204 No Content\n(no body)"


async def test_a_url_may_have_letters_and_blanks_as_in_a_browser(live):
    answer = await live.ask(await live.serve(app()) + "/中文?q=a b")
    assert answer.text == "中文 a b"
    assert answer.request == "GET /%E4%B8%AD%E6%96%87?q=a%20b"


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ({"form": {"a": "ü", "b": ["1", "2"]}}, b"a=%C3%BC&b=1&b=2"),
        ({"json": {"a": None}}, b'{"a": null}'),
        ({"json": []}, b"[]"),
        ({"body": "ü"}, "ü".encode()),
        ({"body": b"\xff"}, b"\xff"),
        ({}, b""),
    ],
)
async def test_what_is_posted(live, given, got):
    answer = await live.ask(await live.serve(app()), "POST", **given)
    assert answer.text.endswith(repr(got))


async def test_a_long_body_is_cut_and_bytes_are_shown(live):
    headers = tornado.httputil.HTTPHeaders()
    answer = live.Answer("GET /", 200, "OK", headers, b"x\n" * 25)
    assert repr(answer).splitlines()[-1] == "... and 5 more lines"
    assert live.Answer("GET /", 200, "OK", headers, b"\xff").text == "\\xff"
    assert live.Answer("GET /", 200, "OK", headers, b"[1]").json() == [1]


async def test_the_earlier_server_of_a_name_is_stopped_and_others_are_not(live):
    first, other = await live.serve(app()), await live.serve(app(), name="other")
    second = await live.serve(app())
    with pytest.raises(ConnectionRefusedError):
        await live.ask(first)
    assert (await live.ask(second)).status == (await live.ask(other)).status == 200
    await live.stop()
    await live.stop("nobody")
    with pytest.raises(ConnectionRefusedError):
        await live.ask(second)


async def test_many_may_ask_at_once(live):
    import asyncio

    url = await live.serve(app())
    answers = await asyncio.gather(*(live.ask(f"{url}/{n}", timeout=10) for n in range(50)))
    assert [answer.text for answer in answers] == [f"{n} -" for n in range(50)]


async def test_the_log_is_printed_once(live, capsys):
    url = await live.serve(app())
    await live.ask(url + "/crash")
    await live.ask(url + "/a/b")
    live.log()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["ERROR Uncaught exception GET /crash (127.0.0.1)", r"    KeyError: 'a\nb'"]
    assert lines[2].startswith("ERROR 500 GET /crash (127.0.0.1) ")
    assert lines[3].startswith("WARNING 404 GET /a/b (127.0.0.1) ")
    live.log()
    assert capsys.readouterr().out == "(nothing logged)\n"


async def test_the_log_about_something(live, capsys):
    url = await live.serve(app())
    await live.ask(url + "/a/b")
    await live.ask(url + "/c/d")
    live.log("/c/d")
    assert capsys.readouterr().out.startswith("WARNING 404 GET /c/d")
    live.log()
    assert capsys.readouterr().out == "(nothing logged)\n"


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("print('a')", "a"),
        (
            "import tornado.web; tornado.web.asynchronous",
            "AttributeError: module 'tornado.web' has no attribute 'asynchronous'",
        ),
        (
            "\n    print 'a'\n",
            "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?",
        ),
        ("def f():\n    return 1\nprint(f())", "1"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_an_attempt_prints_the_error_in_one_line(live, capsys, source, printed):
    live.attempt(source)
    assert capsys.readouterr().out == printed + "\n"


def test_run_prints_both_streams_and_the_status(live, capsys):
    live.run(
        "import os, sys; print(sys.argv[1:], os.environ['A']); print('e', file=sys.stderr)",
        *["x", "ü"],
        env={"A": "1"},
    )
    assert capsys.readouterr().out == "['x', 'ü'] 1\ne\nexit status 0\n"


def test_run_cuts_tracebacks_and_paths(live, capsys, tmp_path):
    script = tmp_path / "a.py"
    script.write_text("try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('x')\n")
    live.run(script)
    assert capsys.readouterr().out == "KeyError: 'x'\nexit status 1\n"
    live.run("import tornado; print(tornado.__file__)")
    assert capsys.readouterr().out.startswith("site-packages/tornado/__init__.py")


def test_run_ends_what_does_not_end(live, capsys):
    live.run("print('a', flush=True)\nwhile True: pass", timeout=0.5)
    assert capsys.readouterr().out == "a\nstill running after 0.5 s, ended\n"


def test_a_folder_is_found(live):
    assert live.folder(1) == ROOT / "chapters" / "01_hello"


def test_in_a_kernel_prints_and_logs_of_handlers_come_from_the_cell_that_asks():
    """And nothing goes to stderr, where it would come at another time."""
    cells = [
        """
import tornado.web
from live import ask, log, serve

class Handler(tornado.web.RequestHandler):
    def get(self):
        print("asked")

url = await serve(tornado.web.Application([(r"/", Handler)]))""",
        "await ask(url)",
        "answer = await ask(url + '/nope')\nlog()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    weave.execute(notebook, "test", ROOT / "notebooks")
    served, asked, logged = [
        "".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells
    ]
    assert (served, asked) == ("", "asked\n")
    assert logged.startswith("WARNING 404 GET /nope")


def test_everything_is_closed_at_the_end_of_a_script():
    import subprocess
    import sys

    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::ResourceWarning",
            "-c",
            "import asyncio, tornado.web\n"
            "from live import ask, serve, stop\n"
            "async def main():\n"
            "    url = await serve(tornado.web.Application([]))\n"
            "    print((await ask(url)).status)\n"
            "    await stop()\n"
            "asyncio.run(main())",
        ],
        cwd=ROOT / "notebooks",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("404\n", "")
