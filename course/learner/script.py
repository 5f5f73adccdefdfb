"""`make chapter-N` and `make run-N`: run a chapter's program, or the learner's own, as a person would."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from course.environment import ROOT, CourseError
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


def need_port(port: int, target: str) -> None:
    """Raises CourseError if a server may not listen on this port; it says how to give `make target` another one."""
    if not port_is_free(port):
        other = f"PORT={port % 65535 + 1} make {target}"
        raise CourseError(f"Port {port} is in use or not allowed. Another one: {other}")


def run_chapter(chapter: Chapter, port: int) -> NoReturn:
    """Say what to open and what to type, and become the chapter's program. Raises CourseError if the port is in use."""
    if chapter.open:
        need_port(port, f"chapter-{chapter.number}")
    print(f"Chapter {chapter.number}: {chapter.title}    {chapter.script.relative_to(ROOT)}")
    if chapter.open:
        print(f"  open  {chapter.open.format(port=port)}")
    for line in chapter.tries:
        print(f"  type  {line.format(port=port)}")
    if chapter.open:
        print("  Ctrl-C ends it")
    _become(chapter.script, port if chapter.open else None)


def run_work(chapter: Chapter, port: int) -> NoReturn:
    """Become the learner's own exercise, on `port` if the chapter serves something.

    Raises CourseError if there is no exercise yet, or the port is in use.
    """
    chapter.need_work()
    if chapter.open:
        need_port(port, f"run-{chapter.number}")
        print(f"{chapter.work.relative_to(ROOT)} on http://127.0.0.1:{port}    Ctrl-C ends it")
    _become(chapter.work, port if chapter.open else None)


def _become(script: Path, port: int | None) -> NoReturn:
    sys.stdout.flush()
    options = [f"--port={port}"] if port else []
    os.execv(sys.executable, [sys.executable, str(script), *options])
