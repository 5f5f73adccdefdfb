"""`make chapter-N` and `make run-N`: run a chapter's program, or the learner's own, as a person would."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from course.environment import ROOT
from course.manifest import Chapter


def port_is_free(port: int) -> bool:
    """Whether a server may listen on this port of loopback."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of loopback on which nothing listens now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def run_chapter(chapter: Chapter, port: int) -> int:
    """Say what to open and what to type, and become the chapter's program.

    Returns 1, with one line on stderr, if the port is in use; otherwise it does not return.
    """
    if chapter.open and not port_is_free(port):
        return _in_use(port, f"chapter-{chapter.number}")
    print(f"Chapter {chapter.number}: {chapter.title}    {chapter.script.relative_to(ROOT)}")
    if chapter.open:
        print(f"  open  {chapter.open.format(port=port)}")
    for line in chapter.tries:
        print(f"  type  {line.format(port=port)}")
    if chapter.open:
        print("  Ctrl-C ends it")
    return _become(chapter.script, port if chapter.open else None)


def run_work(chapter: Chapter, port: int) -> int:
    """Become the learner's own exercise, on `port` if the chapter serves something.

    Returns 1, with one line on stderr, if there is no exercise yet or the port is in use; otherwise it does not return.
    """
    if not chapter.work.exists():
        print(chapter.to_start, file=sys.stderr)
        return 1
    if chapter.open and not port_is_free(port):
        return _in_use(port, f"run-{chapter.number}")
    if chapter.open:
        print(f"{chapter.work.relative_to(ROOT)} on http://127.0.0.1:{port}    Ctrl-C ends it")
    return _become(chapter.work, port if chapter.open else None)


def _in_use(port: int, target: str) -> int:
    other = f"PORT={port % 65535 + 1} make {target}"
    print(f"Port {port} is in use or not allowed. Another one: {other}", file=sys.stderr)
    return 1


def _become(script: Path, port: int | None) -> int:
    sys.stdout.flush()
    options = [f"--port={port}"] if port else []
    os.execv(sys.executable, [sys.executable, str(script), *options])
