"""Hostile and unlucky exercises: each ends in a clear message within 10 s, and leaves nothing running."""

import time

import psutil
import pytest

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
    "endless loop at import": (first("while True: pass"), "timeout", 1, "__main__", "while True"),
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
        "no answer",
        None,
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
    file = tmp_path / "exercise.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.monotonic()
    red = check.run(HELLO, tmp_path).first_red
    assert time.monotonic() - began < 10
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
    assert nobody_in(tmp_path)


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
    assert nobody_in(tmp_path)


def test_what_the_code_printed_is_shown(tmp_path):
    text = changed("        self.write(word[::-1])", "        print('look:', word)")
    (tmp_path / "exercise.py").write_text(text, encoding="utf-8")
    _, result = check.run(HELLO, tmp_path).first_red
    assert result.failure["printed"] == "look: stressed"


def test_the_request_is_replayed_as_one_can_paste_it(tmp_path):
    (tmp_path / "exercise.py").write_text(changed('"40"', '"41"'), encoding="utf-8")
    _, result = check.run(HELLO, tmp_path).first_red
    assert result.failure["replay"].startswith("curl -i --data-urlencode 'text=It is")
    assert result.failure["replay"].endswith(" http://localhost:8000/wrap")


def nobody_in(folder) -> bool:
    """Whether no process works in `folder`, or soon none does."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        here = [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]
        if not here:
            return True
        time.sleep(0.05)
    return False


def test_the_checks_leave_no_file_behind(tmp_path):
    (tmp_path / "exercise.py").write_text(SOLUTION, encoding="utf-8")
    check.run(HELLO, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["exercise.py"]
    assert not list(ROOT.glob("tests/exercises/*.json*"))
