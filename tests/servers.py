"""What the tests start: chapters' scripts and MongoDB servers, each on a free port, each always stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from course.authors.suite import browser_on_path
from course.environment import ROOT
from course.learner import mongo
from course.learner.script import free_port


def wait_for_port(port: int, process: subprocess.Popen, seconds: float = 10.0) -> None:
    """Return when somebody listens on `port`.

    Raises RuntimeError if `process` ends first, TimeoutError after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with exit status {process.returncode}")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s")


NOT_TESTED = "not tested without "


def not_tested(what: str, how: str) -> None:
    """Skip the test for want of `what`, and say at the end of the run `how` to get it; in CI the test fails instead."""
    end = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    end(f"{NOT_TESTED}{what}: {how}")


IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where Linux keeps files in memory. What is killed leaves them there for its next start, as on a disk, only quicker."""

CHROMIUM = {
    "executable_path": browser_on_path(),
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
}
"""What Playwright's launch() takes: the same headless browser for all the tests of pages."""


def no_browser(error: Exception) -> None:
    """The test needs a browser, and Playwright's launch() raised this."""
    reason = str(error).splitlines()[0]
    how = f"install Chromium (Debian, Ubuntu: apt install chromium). The reason: {reason}"
    not_tested("a browser", how)


def copy_course(folder: Path) -> Path:
    """Copy what git knows of the course, or will know, to `folder`: what a clone gives, and nothing installed."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


class Script:
    """A chapter's script, running as a person runs it.

    `file` is the script, `args` are its further options; `port` is a free one unless given. Its stdout and stderr go to
    one file.
    """

    def __init__(self, file: Path, *args: str, env=None, wait=True, port: int | None = None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._out = tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen(
            [sys.executable, str(file), f"--port={self.port}", *args],
            cwd=tempfile.gettempdir(),
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if wait:
            try:
                wait_for_port(self.port, self.process)
            except Exception as error:
                self.kill()
                raise RuntimeError(f"{error}\n{self.output()}") from error

    def work(self) -> float:
        """Seconds of CPU time that the script, what it started and this test itself have had so far."""
        script = psutil.Process(self.process.pid)
        times = [each.cpu_times() for each in (psutil.Process(), script, *script.children())]
        return sum(each.user + each.system for each in times)

    def output(self) -> str:
        """All that the script has printed so far."""
        self._out.seek(0)
        return self._out.read().decode()

    def stop(self, number: int = signal.SIGINT, seconds: float = 30.0) -> int:
        """Send a signal, as Ctrl-C does, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End the script and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Mongod(mongo.Mongod):
    """A real mongod with its data in a temporary folder; without any mongod, what needs it is not tested."""

    def __init__(self, replica_set: bool = False, port: int | None = None):
        try:
            mongo.find_mongod()
        except mongo.MongoError as error:
            not_tested("a real MongoDB", f"install mongod so that it is on the PATH. {error}")
        folder = Path(tempfile.mkdtemp(prefix="mongod-", dir=IN_MEMORY))
        super().__init__(folder, port, replica_set)
        self.start()

    def close(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder)
