"""`make chapter-N`: runs a chapter's script as a person would."""

from __future__ import annotations

import os
import socket
import sys

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


def run(chapter: Chapter, port: int) -> int:
    """Say what to open and what to type, and become the script.

    Returns 1, with one line said, where the port is in use; else it does not return.
    """
    if chapter.open and not port_is_free(port):
        print(
            f"Port {port} is in use or not allowed. "
            f"Another one: PORT={port % 65535 + 1} make chapter-{chapter.number}",
            file=sys.stderr,
        )
        return 1
    print(f"Chapter {chapter.number}: {chapter.title}    {chapter.script.parent}")
    if chapter.open:
        print(f"  open  {chapter.open.format(port=port)}")
    for line in chapter.tries:
        print(f"  type  {line.format(port=port)}")
    if chapter.open:
        print("  Ctrl-C ends it")
    sys.stdout.flush()
    options = [f"--port={port}"] if chapter.open else []
    os.execv(sys.executable, [sys.executable, str(chapter.script), *options])
