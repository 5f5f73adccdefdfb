"""The process that the learner's code runs in, seen from the checks' side: orders go in, replies come out."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


class Stuck(Exception):
    """The learner's process did not reply in time."""


class Gone(Exception):
    """The learner's process has ended."""


class Process:
    """A host process. It has imported Tornado when the first order comes, not yet the exercise."""

    def __init__(self, file: Path):
        orders, self._orders = os.pipe()
        self._replies, replies = os.pipe()
        self._printed = tempfile.TemporaryFile()
        self._stacks = tempfile.TemporaryFile()
        inherited = (orders, replies, self._stacks.fileno())
        arguments = [*map(str, inherited), str(file.resolve())]
        self._popen = start_host(arguments, self._printed.fileno(), inherited)
        os.close(orders)
        os.close(replies)
        self._unread = b""
        self._number = 0
        self._lock = threading.Lock()  # a check's requests are threads, and each may ask

    def ask(self, order: dict, seconds: float) -> dict:
        """Give an order and wait for its reply. Raises Stuck after `seconds`, Gone if the process has ended."""
        with self._lock:
            self._number += 1
            line = json.dumps(order | {"number": self._number}).encode() + b"\n"
            with contextlib.suppress(BrokenPipeError):
                os.write(self._orders, line)
            deadline = time.monotonic() + seconds
            while (reply := self._reply(deadline)).pop("number") != self._number:
                pass  # it is late: nobody waits for it any more
            return reply

    def _reply(self, deadline: float) -> dict:
        while b"\n" not in self._unread:
            left = max(0, deadline - time.monotonic())
            if not select.select([self._replies], [], [], left)[0]:
                raise Stuck
            read = os.read(self._replies, 65536)
            if not read:
                raise Gone
            self._unread += read
        line, self._unread = self._unread.split(b"\n", 1)
        return json.loads(line)

    def printed(self, lines: int = 5) -> str:
        """The last lines of what was printed."""
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - 2000))
        return "\n".join(self._printed.read().decode(errors="replace").splitlines()[-lines:])

    def standing_at(self, file: Path) -> list[dict]:
        """The lines of `file` that are being run at this moment, outermost first."""
        self._stacks.truncate(0)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._popen.pid, signal.SIGUSR1)
        time.sleep(0.05)
        self._stacks.seek(0)
        stack = self._stacks.read().decode(errors="replace")
        source = file.read_text(errors="replace").splitlines()
        numbers = []
        for part in (
            stack.split("\n\n")[-1],
            stack,
        ):  # the main thread comes last, and counts first
            found = re.findall(r'File "(.+)", line (\d+) in', part)
            numbers = numbers or [int(n) for name, n in found if Path(name).resolve() == file]
        once = [number for number, _ in itertools.groupby(reversed(numbers))]
        return [{"line": n, "code": source[n - 1].strip()} for n in once]

    def status(self) -> int:
        """The exit status of a process that has ended."""
        return self._popen.wait(2)

    def close(self) -> None:
        """End the process and all that it started, and close what connects to it."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        for descriptor in (self._orders, self._replies):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._printed.close()
        self._stacks.close()


def start_host(arguments: list[str], printed: int, inherited: tuple[int, ...]) -> subprocess.Popen:
    """Start host.py in a session of its own; what it prints goes to the file descriptor `printed`."""
    return subprocess.Popen(
        [sys.executable, "-B", Path(__file__).with_name("host.py"), *arguments],
        pass_fds=inherited,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8:replace"},
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=limit_output,
    )


def limit_output() -> None:
    """Let no file of this process grow over 64 MB: what it prints goes to a file."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (2**26, 2**26))
