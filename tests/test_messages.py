"""Hostile and unlucky exercises: each ends in a clear message within 30 s, and leaves nothing running."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from course.harness import Failure, Wrong
from course.harness.learner import Learner
from course.harness.process import Gone
from course.learner import check
from course.manifest import chapters

from servers import ROOT

HELLO = chapters()[0]
SOLUTION = HELLO.solution.read_text(encoding="utf-8")


def first(text: str) -> str:
    """The solution with `text` above it."""
    return f"{text}\n{SOLUTION}"


def changed(old: str, new: str) -> str:
    """The solution with one thing changed."""
    assert old in SOLUTION
    return SOLUTION.replace(old, new)


FILES = {
    # name: (the file, the kind of failure, the first red task, what the message must say, the learner's line)
    "sys.exit() at import": (
        first("import sys; sys.exit(3)"),
        "exit",
        1,
        "__main__",
        "sys.exit(3)",
    ),
    "os._exit() at import": (first("import os; os._exit(3)"), "exit", 1, "exit status 3", None),
    "a syntax error": (
        changed("def post(self):", "def post(self)"),
        "import",
        1,
        "expected ':'",
        "def post(self)",
    ),
    "not UTF-8": (
        changed('"40"', '"40\xe9"').encode("latin-1", "ignore"),
        "import",
        1,
        "UTF-8",
        None,
    ),
    "not UTF-8, in a comment": (
        f"{SOLUTION}# caf\xe9\n".encode("latin-1", "ignore"),
        "import",
        1,
        "UTF-8",
        None,
    ),
    "a package that is not there": (first("import numpi"), "import", 1, "numpi", "import numpi"),
    "no make_app": (changed("make_app", "build"), "missing", 1, "make_app", None),
    "make_app returns nothing": (
        changed("    return tornado.web.Application(", "    tornado.web.Application("),
        "error",
        1,
        "NoneType",
        None,
    ),
    "a server of its own at import": (
        first(
            "import socket\na = socket.create_server(('127.0.0.1', 0))\n"
            "b = socket.create_server(a.getsockname())"
        ),
        "port",
        1,
        "port",
        "b = socket.create_server",
    ),
    "a server left running at import": (
        changed('if __name__ == "__main__":', "if True:").replace("default=8000", "default=0"),
        "timeout",
        1,
        "__main__",
        "asyncio.run(main())",
    ),
    "time.sleep(60) in a handler": (
        changed(
            "        text = self.get",
            "        __import__('time').sleep(60)\n        text = self.get",
        ),
        "blocks",
        2,
        "event loop",
        "sleep(60)",
    ),
    "an answer that never ends": (
        changed("def post(self):", "async def post(self):\n        await asyncio.Event().wait()"),
        "timeout",
        2,
        "waits",
        "async def post(self)",
    ),
    "exit in a handler": (
        changed("        self.write(word[::-1])", "        __import__('os')._exit(4)"),
        "error",
        1,
        "exit status 4",
        None,
    ),
    "a crash in a handler": (
        changed("        self.write(word[::-1])", "        __import__('ctypes').string_at(0)"),
        "error",
        1,
        "exit status -11",
        None,
    ),
    "a child that outlives os._exit()": (
        changed(
            "        self.write(word[::-1])",
            "        import os, subprocess\n        subprocess.Popen(['sleep', '999'])\n"
            "        subprocess.Popen(['sleep', '999'], start_new_session=True)\n        os._exit(4)",
        ),
        "error",
        1,
        "exit status 4",
        None,
    ),
    "a response that does not end": (
        changed(
            "    def get(self, word):",
            "    async def get(self, word):\n        while True:\n"
            "            self.write('x' * 1_000_000)\n            await self.flush()\n",
        ),
        "error",
        1,
        "does not end",
        "async def get",
    ),
    "a byte now and then, and no end": (
        changed(
            "    def get(self, word):",
            "    async def get(self, word):\n        while True:\n"
            "            self.write('x')\n            await self.flush()\n            await asyncio.sleep(0.5)\n",
        ),
        "timeout",
        1,
        "never finishes its response",
        "async def get",
    ),
    "memory without an end": (
        changed("word[::-1]", "word * 2**40"),
        "error",
        1,
        "MemoryError",
        "word * 2**40",
    ),
    "50 MB of exception text": (
        changed("word[::-1]", "int(__import__('os').environ['x' * 50_000_000])"),
        "error",
        1,
        "KeyError",
        "environ",
    ),
    "escapes and half characters": (
        changed("word[::-1]", "{}['\\x1b[2J\\ud800 \\u202e']"),
        "error",
        1,
        "KeyError",
        "{}[",
    ),
    "another name is meant": (
        changed("self.write(word", "self.wirte(word"),
        "error",
        1,
        "Did you mean: 'write'",
        "wirte",
    ),
    "a coroutine that is never awaited": (
        changed(
            "    def get(self, word):",
            "    async def help(self, word):\n        self.write(word[::-1])\n\n"
            "    def get(self, word):\n        return self.help(word) and None\n",
        ),
        "error",
        1,
        "never awaited",
        "self.help(word) and None",
    ),
    "the client's HTTPError": (
        changed(
            "        self.write(word[::-1])",
            "        import tornado.httpclient\n        raise tornado.httpclient.HTTPError(404)",
        ),
        "error",
        1,
        "tornado.httpclient's",
        "raise tornado",
    ),
    "a TODO of another module": (
        changed(
            "        self.write(word[::-1])",
            "        import mongomock; mongomock.MongoClient().start_session()",
        ),
        "error",
        1,
        "does not support sessions",
        "start_session",
    ),
    "an exception in a handler": (
        changed("word[::-1]", "word[::0]"),
        "error",
        1,
        "slice step cannot be zero",
        "word[::0]",
    ),
    "a wrong answer": (
        changed("word[::-1]", "word"),
        "wrong",
        1,
        "stressed",
        "def get(self, word)",
    ),
    "a route that is missing": (changed("/wrap", "/rap"), "wrong", 2, "No route", "def make_app()"),
    "a method that is missing": (
        changed("def post", "def put"),
        "wrong",
        2,
        "no method post()",
        None,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_it_ends_in_a_clear_message(name, tmp_path):
    text, kind, task, says, line = FILES[name]
    folder = tmp_path / "我的 课程 é"
    folder.mkdir()
    file = folder / "exercise.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.monotonic()
    red = check.run(HELLO, folder).first_red
    assert time.monotonic() - began < 30
    assert red is not None
    failure = red[1].failure
    assert (failure["kind"], red[0].number) == (kind, task), failure
    said = "\n".join(str(value) for value in failure.values())
    assert says in said
    if line:
        assert line in failure["lines"][-1]["code"], failure["lines"]
    # Nothing of the harness in it: the lines are all the learner's.
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for each in failure["lines"]:
        assert lines[each["line"] - 1].strip() == each["code"].strip()
    assert "harness" not in said
    assert "host.py" not in said
    assert nothing_in(folder)


@pytest.mark.parametrize(
    "text",
    [
        first("import threading, time\nthreading.Thread(target=lambda: time.sleep(999)).start()"),
        first("print('rubbish ' * 1_300_000)"),
        first("import subprocess; subprocess.Popen(['sleep', '999'])"),
        first("import logging; logging.basicConfig(level=0); logging.disable()"),
    ],
    ids=["a thread that never ends", "10 MB of output", "a process of its own", "no logging"],
)
def test_right_answers_stay_right_whatever_else_the_file_does(text, tmp_path):
    (tmp_path / "exercise.py").write_text(text, encoding="utf-8")
    assert check.run(HELLO, tmp_path).green == 3
    assert nothing_in(tmp_path)


def test_what_the_code_printed_is_shown(tmp_path):
    text = changed("        self.write(word[::-1])", "        print('look:', word)")
    (tmp_path / "exercise.py").write_text(text, encoding="utf-8")
    _, result = check.run(HELLO, tmp_path).first_red
    assert result.failure["printed"] == "look: stressed"


def test_the_request_is_replayed_as_one_can_paste_it(tmp_path):
    (tmp_path / "exercise.py").write_text(changed('"40"', '"41"'), encoding="utf-8")
    _, result = check.run(HELLO, tmp_path).first_red
    assert result.failure["replay"].startswith("curl -i --data-urlencode 'text=It is")
    assert result.failure["replay"].endswith(" http://127.0.0.1:8000/wrap")


def those_in(folder) -> list[psutil.Process]:
    """The processes that work in `folder`."""
    return [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]


def nothing_in(folder) -> bool:
    """Whether no process works in `folder`, or soon none does."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not those_in(folder):
            return True
        time.sleep(0.05)
    return False


def test_the_checks_leave_no_file_behind(tmp_path):
    (tmp_path / "exercise.py").write_text(SOLUTION, encoding="utf-8")
    check.run(HELLO, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["exercise.py"]
    assert not list(ROOT.glob("tests/exercises/*.json*"))


def test_what_is_shown_commands_no_terminal(tmp_path):
    text = changed("word[::-1]", "word + '\\x1b[2J\\x9b'")
    text = text.replace("        self.write(", "        print('\\x1b[31m')\n        self.write(", 1)
    (tmp_path / "exercise.py").write_text(text, encoding="utf-8")
    _, result = check.run(HELLO, tmp_path).first_red
    said = json.dumps(result.failure, ensure_ascii=False)
    assert "\\\\x1b[2J" in said
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", said)


@pytest.mark.parametrize("kind", ["a FIFO", "a folder", "a broken link"])
def test_a_file_that_cannot_be_read(kind, tmp_path):
    file = tmp_path / "exercise.py"
    {"a FIFO": os.mkfifo, "a folder": os.mkdir, "a broken link": lambda f: f.symlink_to("x")}[kind](
        file
    )
    verdict = check.run(HELLO, tmp_path)
    assert verdict.green == 0
    assert verdict.first_red[1].failure["whole"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    return tornado.web.App",
            "    __import__('time').sleep(1.9)\n    return tornado.web.App",
        ),
        (
            "    def get(self, word):",
            "    async def get(self, word):\n        await asyncio.sleep(3)",
        ),
    ],
    ids=["make_app", "every response"],
)
def test_what_is_slow_each_time_ends_and_names_the_task(old, new, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "SECONDS", 5)
    (tmp_path / "exercise.py").write_text(changed(old, new), encoding="utf-8")
    task, result = check.run(HELLO, tmp_path).first_red
    assert (task.number, result.failure["kind"]) == (1, "timeout")
    assert "within 5 s" in result.failure["expected"]
    assert nothing_in(tmp_path)


LOOP = "while True: pass"
KEEPS_THE_GIL = "import re; re.match('(a+)+b', 'a' * 99)"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (signal.SIGHUP, LOOP),
        (signal.SIGTERM, LOOP),
        (signal.SIGKILL, LOOP),
        (signal.SIGKILL, KEEPS_THE_GIL),
    ],
)
def test_when_the_command_is_killed_everything_ends(number, text, tmp_path):
    child = "import subprocess; subprocess.Popen(['sleep', '999'], start_new_session=True)"
    (tmp_path / "exercise.py").write_text(first(f"{child}\n{text}"), encoding="utf-8")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    code = "import sys, pathlib; from course.learner import check; from course.manifest import chapter\n"
    code += "check.run(chapter('1'), pathlib.Path(sys.argv[1]))"
    command = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup ignores it
    )
    wait_for(lambda: len(those_in(tmp_path)) == 2)
    command.send_signal(number)
    command.wait(60)
    assert nothing_in(tmp_path)
    wait_for(lambda: not list(temporary.iterdir()))


def test_when_the_checks_are_killed_the_learners_process_ends(tmp_path):
    (tmp_path / "exercise.py").write_text(first("import time; time.sleep(60)"), encoding="utf-8")
    run = check.Run(HELLO, tmp_path)
    run._process.stdin.write(b"go\n")
    run._process.stdin.flush()
    wait_for(lambda: those_in(tmp_path))
    run._process.kill()
    assert nothing_in(tmp_path)
    run.cancel()


def wait_for(state) -> None:
    deadline = time.monotonic() + 30
    while not state():
        assert time.monotonic() < deadline
        time.sleep(0.05)


MISTAKES = {
    # name: (the body of an async function, words of the cause)
    "with on a Condition": ("with asyncio.Condition(): pass", "async with"),
    "with on a timeout": ("with asyncio.timeout(1): pass", "async with"),
    "with on a Semaphore": ("with asyncio.Semaphore(): pass", "async with"),
    "with on a Lock": ("with asyncio.Lock(): pass", "async with"),
    "no lambda": (
        "c = asyncio.Condition()\n    async with c: await c.wait_for(1 > 2)",
        "lambda",
    ),
    "notify without the lock": ("asyncio.Condition().notify_all()", "async with condition"),
    "gather as JSON": ("json.dumps(asyncio.gather(asyncio.sleep(0)))", "Future"),
    "an attribute of a Future": ("asyncio.gather(asyncio.sleep(0)).code", "yield"),
    "a coroutine as JSON": ("json.dumps(asyncio.sleep(0))", "await is missing"),
    "a key of a coroutine": ("asyncio.sleep(0)['word']", "await is missing"),
    "a task of a Future": (
        "asyncio.create_task(asyncio.gather(asyncio.sleep(0)))",
        "started already",
    ),
    "a loop over a set that changes": ("a = {1, 2}\n    for b in a: a.add(b + 2)", "a copy"),
    "an await on find": ("await mongomock.MongoClient().db.c.find()", "returns a cursor"),
    "to_list": ("mongomock.MongoClient().db.c.find().to_list()", "list(cursor)"),
    "to_list of aggregate": (
        "mongomock.MongoClient().db.c.aggregate([]).to_list()",
        "list(cursor)",
    ),
    "bulk_write": (
        "mongomock.MongoClient().db.c.bulk_write([pymongo.ReplaceOne({}, {})])",
        "replace_one",
    ),
    "sort by two names": (
        "c = mongomock.MongoClient().db.c\n    c.insert_one({})\n    list(c.find().sort(['a', 'b']))",
        '("name", 1)',
    ),
    "a session": ("mongomock.MongoClient().start_session()", "mongomock, the embedded database"),
    "an old method": ("mongomock.MongoClient().db.c.find_and_modify({})", "does not exist today"),
    "an old name": ("tornado.web.asynchronous", "make now NAME=web.asynchronous"),
    "the global options": (
        "from tornado.options import define\n    define('port')\n    define('port')",
        "OptionParser()",
    ),
    "no configuration": (
        "from tornado.options import OptionParser\n    OptionParser().parse_config_file(None)",
        "None here",
    ),
    "UnboundLocalError": ("if 0: a = 1\n    return a", "no value in the branch"),
    "a bool that is called": ("(1 > 2)()", "lambda"),
    "a list as a header": (
        "tornado.web.RequestHandler._convert_header_value(None, ['GET'])",
        "', '.join",
    ),
    "TimeoutError": ("async with asyncio.timeout(0): await asyncio.sleep(1)", "time limit"),
    "another name": ("jsn", "Did you mean: 'json'"),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    """An exercise in which each mistake is a function."""
    folder = tmp_path_factory.mktemp("mistakes")
    names = ["import asyncio, json, mongomock, pymongo, tornado.web"]
    names += [
        f"async def m{number}():\n    {body}" for number, (body, _) in enumerate(MISTAKES.values())
    ]
    (folder / "exercise.py").write_text("\n".join(names))
    (folder / "stage.py").write_text("def do(exercise, name): return getattr(exercise, name)()")
    learner = Learner(folder / "exercise.py", folder / "stage.py")
    yield learner
    learner.close()


@pytest.mark.parametrize("name", MISTAKES)
def test_the_cause_fits_the_exception(name, mistakes):
    body, words = MISTAKES[name]
    with pytest.raises(Wrong) as wrong:
        mistakes.call("do", name=f"m{list(MISTAKES).index(name)}")
    failure = wrong.value.failure
    assert failure.kind == "error"
    assert words in f"{failure.got}\n{failure.cause}", failure
    assert failure.lines[-1]["code"] in body


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A served exercise with a handler that works, one that fails and one that refuses."""
    file = tmp_path_factory.mktemp("two") / "exercise.py"
    file.write_text(
        "import asyncio, tornado.web\n"
        "class Fine(tornado.web.RequestHandler):\n"
        "    async def get(self): await asyncio.sleep(0.3); self.write('fine')\n"
        "class Fails(tornado.web.RequestHandler):\n"
        "    def get(self): raise ValueError('too late')\n"
        "class Refuses(tornado.web.RequestHandler):\n"
        "    def get(self): raise tornado.web.HTTPError(404)\n"
        "def make_app():\n"
        "    return tornado.web.Application([('/fine', Fine), ('/fails', Fails), ('/no', Refuses)])\n"
    )
    learner = Learner(file, file)
    yield learner
    learner.close()


def failure_of(check) -> Failure:
    with pytest.raises(Wrong) as wrong:
        check()
    return wrong.value.failure


def test_the_exception_of_another_request_is_shown(two):
    app = two.serve()
    app.ask("/fails")
    failure = failure_of(lambda: app.ask("/fine").expect(200, text="good", cause="write good"))
    assert "GET /fails raised ValueError: too late" in failure.got
    assert failure.cause != "write good"
    assert "ValueError" in failure.lines[-1]["code"]
    failure = failure_of(lambda: app.ask("/fine").expect(200, text="good", cause="write good"))
    assert (failure.cause, "ValueError" in failure.got) == ("write good", False)
    app.ask("/fails")
    failure = failure_of(lambda: two.serve().ask("/fine").expect(text="good", cause="write good"))
    assert "ValueError" not in failure.got, "an error of the check before"


def test_the_cause_of_a_wrong_body_is_not_shown_for_a_wrong_status(two):
    app = two.serve()
    failure = failure_of(lambda: app.ask("/no").expect(200, text="good", cause="write good"))
    assert "404" in failure.cause
    assert "HTTPError(404)" in failure.lines[-1]["code"]
    assert failure_of(lambda: app.ask("/no").expect(400, text="", cause="a 400")).cause == "a 400"
    failure = failure_of(lambda: app.ask("/fails").expect(400, cause="a 400"))
    assert "The client should get 400" in failure.cause
    failure = failure_of(lambda: app.ask("/fails").expect(400, cause="a 400", raised="ValueError"))
    assert failure.cause == "a 400"


def test_only_what_make_run_shows_too_is_said_to_be_reproducible(two):
    app = two.serve()
    assert failure_of(lambda: app.ask("/fine").expect(404)).reproducible
    app.ask("/fine", "DELETE")
    assert not failure_of(lambda: app.ask("/fine").expect(404)).reproducible
    app.reproducible = False
    assert not failure_of(lambda: app.ask("/fine").expect(404)).reproducible


def test_a_request_that_outlives_its_process_has_nothing_to_do_with_the_next(two):
    pending = two.serve().start("/fine")
    old = two._process
    two.replace()
    assert "the program ended" in failure_of(pending.answer).got, "it asked the next process"
    with pytest.raises(Gone):
        old.ask({"do": "ping"}, 1)
    assert (old.is_stuck(), old.stuck_lines(), old.printed()) == (True, [], "")
    two.serve().ask("/fine").expect(200, text="fine")
