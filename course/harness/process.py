"""The process that the learner's code runs in, seen from the checks' side: orders go in, replies come out."""

from __future__ import annotations

import contextlib
import ctypes
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
from collections.abc import Iterator
from pathlib import Path


class Stuck(Exception):
    """The learner's process did not reply in time."""


class Gone(Exception):
    """The learner's process has ended."""


class Process:
    """A host process. It has imported Tornado when the first order comes, not yet the exercise.

    A check's requests are threads, which may outlive the check: once closed, the process is Gone for them too.
    """

    def __init__(self, file: Path):
        self.file = file.resolve()
        orders, self._orders = os.pipe()
        self._replies, replies = os.pipe()
        self._printed = tempfile.TemporaryFile()
        self._stacks = tempfile.TemporaryFile()
        inherited = (orders, replies, self._stacks.fileno())
        arguments = [*map(str, inherited), str(self.file)]
        self._popen = start_host(arguments, self._printed.fileno(), inherited)
        os.close(orders)
        os.close(replies)
        self._unread = b""
        self._number = 0
        self._asking = threading.Lock()
        self._reading = threading.Lock()
        self._closed = False

    def ask(self, order: dict, seconds: float) -> dict:
        """Give an order and wait for its reply. Raises Stuck after `seconds`, Gone if the process has ended."""
        with self._asking:
            if self._closed:
                raise Gone
            self._number += 1
            line = json.dumps(order | {"number": self._number}).encode() + b"\n"
            with contextlib.suppress(BrokenPipeError):
                os.write(self._orders, line)
            deadline = time.monotonic() + seconds
            while (reply := self._reply(deadline)).pop("number") != self._number:
                pass  # the reply to an order that was given up
            return reply

    def _reply(self, deadline: float) -> dict:
        while b"\n" not in self._unread:
            left = max(0, deadline - time.monotonic())
            if not select.select([self._replies], [], [], min(left, 0.5))[0]:
                if self._popen.poll() is not None:  # a child may hold the pipe open
                    raise Gone
                if not left:
                    raise Stuck
                continue
            read = os.read(self._replies, 65536)
            if not read:
                raise Gone
            self._unread += read
        line, self._unread = self._unread.split(b"\n", 1)
        return json.loads(line)

    def is_stuck(self) -> bool:
        """Whether the event loop does not turn at all."""
        try:
            self.ask({"do": "ping"}, 2.0)
        except (Stuck, Gone):
            return True
        return False

    def stands_still(self) -> bool:
        """Whether the event loop's thread is at the same line of the exercise before and after an order without a reply."""
        before = self.stuck_lines(main_thread=True)
        try:
            self.ask({"do": "ping"}, 1.0)
        except (Stuck, Gone):
            return bool(before) and before == self.stuck_lines(main_thread=True)
        return False

    def printed(self, lines: int = 5) -> str:
        """The last lines of what was printed."""
        with self._reading:
            if self._closed:
                return ""
            size = self._printed.seek(0, os.SEEK_END)
            self._printed.seek(max(0, size - 2000))
            return "\n".join(self._printed.read().decode(errors="replace").splitlines()[-lines:])

    def stuck_lines(self, main_thread: bool = False) -> list[dict]:
        """The lines of the exercise that are being run now, outermost first, in the main thread or else in another."""
        with self._reading:
            stack = "" if self._closed else self._stack()
        source = self.file.read_text(errors="replace").splitlines()
        for part in (stack.split("\n\n")[-1], *([] if main_thread else [stack])):  # it comes last
            found = re.findall(r'File "(.+)", line (\d+) in', part)
            numbers = [int(line) for name, line in found if Path(name).resolve() == self.file]
            if numbers:
                once = [number for number, _ in itertools.groupby(reversed(numbers))]
                return [
                    {"line": n, "code": source[n - 1].strip(), "file": self.file.name} for n in once
                ]
        return []

    def _stack(self) -> str:
        """The stacks of all threads, the main thread last; empty if the process does not write them within 2 s."""
        self._stacks.truncate(0)
        self._popen.send_signal(signal.SIGUSR1)
        stack, deadline = "", time.monotonic() + 2
        while not stack.endswith("\n") and time.monotonic() < deadline:
            time.sleep(0.02)
            self._stacks.seek(0)
            stack = self._stacks.read(2**20).decode(errors="replace")
        # faulthandler writes letters such as 中 as \u4e2d, here in the path of a file.
        code = r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))"
        return re.sub(code, lambda found: chr(int(found[1] or found[2] or found[3], 16)), stack)

    def status(self) -> int:
        """The exit status of a process that has ended."""
        return self._popen.wait(10)

    def close(self) -> None:
        """End the process and its group, also if it ended before them, and close what connects to it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        with self._asking, self._reading:
            if not self._closed:
                os.close(self._orders)
                os.close(self._replies)
                self._printed.close()
                self._stacks.close()
            self._closed = True


SAME_EVERYWHERE = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8:replace",
    "PYTHONWARNINGS": "",
    "PYTHONASYNCIODEBUG": "",
    "no_proxy": "*",  # requests to this machine never go to a proxy
    "NO_PROXY": "*",
}
"""What no setting of the learner's machine may change for a verdict."""


def start_host(arguments: list[str], printed: int, inherited: tuple[int, ...]) -> subprocess.Popen:
    """Start host.py in a session for itself; what it prints goes to the file descriptor `printed`."""
    host = Path(__file__).with_name("host.py")
    return subprocess.Popen(
        [sys.executable, "-B", "-W", "always::RuntimeWarning", host, *arguments],
        pass_fds=inherited,
        env=os.environ | SAME_EVERYWHERE,
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=limit,
    )


def limit() -> None:
    """Bound what this process may take: the files that it prints to, its memory, and its computing if it is left alone."""
    import resource

    for what, most in (
        (resource.RLIMIT_FSIZE, 2**26),
        (resource.RLIMIT_DATA, 2**31),
        (resource.RLIMIT_CPU, 120),
    ):
        with contextlib.suppress(OSError, ValueError):  # a lower limit stands already
            resource.setrlimit(what, (most, most))


def adopt_orphans() -> None:
    """Become the parent of every process that the learner's code starts and leaves behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def end_children() -> None:
    """End all processes that this one has started or adopted, and theirs: those that are orphaned come here next (Linux)."""
    for _ in range(20):  # not forever: one may be another user's, and stay
        children = [pid for pid, parent in _parents() if parent == os.getpid()]
        if not children:
            break
        for pid in children:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _parents() -> Iterator[tuple[int, int]]:
    """Each process, and its parent."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, _, rest = stat.read_text(errors="replace").partition(" ")
            yield int(pid), int(rest.rpartition(")")[2].split()[1])
