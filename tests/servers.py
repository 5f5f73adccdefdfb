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

from course.authors.suite import browser_on_path
from course.learner.mongo import find_mongod

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port on loopback that nothing listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


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


def crowded() -> float:
    """How many times as long as alone a piece of work takes now, since others use this machine."""
    began, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < 0.2:
        pass
    return (time.perf_counter() - began) / (time.process_time() - cpu)


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

    def stop(self, number: int = signal.SIGINT, seconds: float = 5.0) -> int:
        """Send a signal, as Ctrl-C does, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End the script and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Mongod:
    """A real mongod with its data in a temporary folder.

    `replica_set`: run as a one-member replica set, which change streams need. Raises MongoError where there is
    no mongod, neither on the PATH nor from the pinned wheel: a missing database is a failure, never a skip.
    """

    def __init__(self, replica_set: bool = False, port: int | None = None):
        self.port = port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="mongod-", dir=IN_MEMORY))
        self.replica_set = replica_set
        self.uri = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        self.start()

    def start(self) -> None:
        """Start it on the same data and the same port; ready when this returns."""
        command = [find_mongod(), "--dbpath", str(self.folder), "--port", str(self.port)]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet"]
        command += ["--replSet", "rs0"] if self.replica_set else ["--nojournal"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for_port(self.port, self.process, 30)
        if self.replica_set:
            self._become_primary()

    def _become_primary(self) -> None:
        import pymongo

        with pymongo.MongoClient(self.uri) as client:
            try:
                member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            except pymongo.errors.OperationFailure as error:
                if error.code != 23:  # AlreadyInitialized: this is a second start
                    raise
            deadline = time.monotonic() + 20
            while not client.admin.command("hello").get("isWritablePrimary"):
                if time.monotonic() > deadline:
                    raise TimeoutError("the replica set has no primary after 20 s")
                time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a power cut does; the data stay."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder)
