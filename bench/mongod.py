"""A MongoDB server for a few minutes, its data in a folder that goes with it."""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import AbstractContextManager, suppress

import pymongo
from pymongo.errors import PyMongoError

from bench.measure import free_port
from course.learner.mongo import MongoError, find_mongod

# mongod ends, and its data go, when our end of this shell's stdin is closed: however we end.
WATCHED = 'folder=$1; shift; "$@" <&- & cat; kill -9 $!; wait; rm -r "$folder"'


class Mongod(AbstractContextManager):
    """A mongod on a free port of loopback; `.uri` is its address, `.version` its version.

    Without a mongod on this system `.uri` is "", and the chapters keep their words in memory. Raises
    RuntimeError if it is not ready within 30 seconds.
    """

    uri = version = ""
    process = None

    def __enter__(self):
        try:
            program = find_mongod()
        except MongoError:
            return self
        self.folder = tempfile.mkdtemp(prefix="mongod-")
        port = free_port()
        command = [program, "--dbpath", self.folder, "--port", str(port), "--bind_ip", "127.0.0.1"]
        command += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--quiet"]
        self.process = subprocess.Popen(
            ["sh", "-c", WATCHED, "sh", self.folder, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end it
        )
        self.uri = f"mongodb://127.0.0.1:{port}/"
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        with pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=200) as client:
            while time.monotonic() < deadline and self.process.poll() is None:
                with suppress(PyMongoError):
                    self.version = client.server_info()["version"]
                    return
        raise RuntimeError("mongod does not start")

    def __exit__(self, *error):
        if self.process:
            self.process.stdin.close()
            self.process.wait(10)
