"""`make notebook-N`: JupyterLab on the learner's own copy of a lesson."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from course.environment import ROOT
from course.learner.script import port_is_free

START = 30  # seconds that JupyterLab may take
LINK = re.compile(r"\[([^]]+)\]\(\.\./[^)]*\)")


def open_notebook(number: int, port: int) -> int:
    """Open the learner's copy of a chapter's notebook in JupyterLab, until Ctrl-C. Returns the exit status.

    The copy, work/notebooks/NN_name.ipynb, is made where there is none and never overwritten. 1, with one line said: the
    chapter has no notebook, the port is in use, JupyterLab does not start.
    """
    [*found] = (ROOT / "notebooks").glob(f"{number:02d}_*.ipynb")
    if not found:
        print(f"chapter {number} has no notebook", file=sys.stderr)
        return 1
    if not port_is_free(port):
        other = f"PORT={port % 65535 + 1} make notebook-{number}"
        print(f"Port {port} is in use or not allowed. Another one: {other}", file=sys.stderr)
        return 1
    mine = ROOT / "work" / "notebooks" / found[0].name
    if not mine.exists():
        _copy(found[0], mine)
        print(f"Your own copy: {mine.relative_to(ROOT)}")
    elif _changed_since(found[0], mine):
        place = mine.relative_to(ROOT)
        print(f"{found[0].relative_to(ROOT)} has changed since your copy was made. To get the new")
        print(f"one and keep yours: mv {place} {place.with_stem(place.stem + '-old')}")
    return _jupyterlab(mine, port)


def _copy(source: Path, mine: Path) -> None:
    """Copy a notebook and note in its metadata which text it was made from."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    notebook["metadata"]["course"] = {"copied_from": _fingerprint(source)}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            # JupyterLab sees work/ only: a link that leads out of it is text.
            cell["source"] = [LINK.sub(r"\1", line) for line in cell["source"]]
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _changed_since(source: Path, mine: Path) -> bool:
    try:
        metadata = json.loads(mine.read_text(encoding="utf-8"))["metadata"]
        return metadata["course"]["copied_from"] != _fingerprint(source)
    except (ValueError, KeyError, TypeError):
        return False  # not a copy of ours, or damaged: JupyterLab will say so


def _fingerprint(source: Path) -> str:
    """A hash over the cells' texts: a new output alone is no reason to change one's copy."""
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    return hashlib.sha256(json.dumps([cell["source"] for cell in cells]).encode()).hexdigest()[:16]


def _jupyterlab(mine: Path, port: int) -> int:
    token = secrets.token_urlsafe(16)
    server = f"http://127.0.0.1:{port}"
    url = f"{server}/lab/tree/{mine.parent.name}/{mine.name}?token={token}"
    command = [sys.executable, "-m", "jupyterlab", "-y", "--no-browser", "--log-level=ERROR"]
    command.append("--LabApp.log_level=ERROR")
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={mine.parent.parent}", "--LabApp.extension_manager=readonly"]
    if os.name == "posix" and os.geteuid() == 0:
        command.append("--allow-root")
    # In the same process group: Ctrl-C, or a terminal that closes, reaches it too.
    environment = {**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": _settings()}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        print("JupyterLab starts ...", flush=True)
        if not _wait(f"{server}/api", process):
            return 1
        print(
            f"  open  {url}\n  Run > Run All Cells runs the lesson; Ctrl-C here ends it", flush=True
        )
        if _has_browser():
            webbrowser.open(url)
        process.wait()
    except KeyboardInterrupt:
        print(flush=True)
    finally:
        _end(process)
    return 0


def _settings() -> str:
    """Where JupyterLab looks for settings besides the reader's own: ours keep it from asking about news."""
    ours = str(ROOT / "course" / "jupyter")
    return os.pathsep.join(filter(None, [ours, os.environ.get("JUPYTER_CONFIG_PATH")]))


def _wait(url: str, process: subprocess.Popen) -> bool:
    """Whether the server answered within START seconds; says why if it did not."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urlopen(url, timeout=1).close()
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return True
    print("JupyterLab did not start; what it says stands above.", file=sys.stderr)
    return False


def _has_browser() -> bool:
    """Whether there is a graphical browser to open: one in the terminal would take it over."""
    graphical = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not (graphical or os.environ.get("BROWSER") or sys.platform in ("darwin", "win32")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _end(process: subprocess.Popen) -> None:
    """Wait for JupyterLab to shut its kernels down and end; not longer than ten seconds."""
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
