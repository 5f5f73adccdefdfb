"""`make notebook-N`: JupyterLab on the learner's own copy of a chapter's notebooks."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import webbrowser
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from course.environment import ROOT, CourseError
from course.learner.script import need_port

START = 120  # seconds that JupyterLab may take
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!\w+:|#)([^)#]*)[^)]*\)")
PICTURE = re.compile(r"(!\[[^]]*\])\((\.\./[^)]+)\)")


def open_notebook(number: int, port: int) -> int:
    """Open the learner's copy of a chapter's lesson in JupyterLab, until Ctrl-C. Returns the exit status.

    The copies, work/notebooks/NN_*.ipynb, are made if they are missing, and never overwritten. Raises CourseError if the
    chapter has no notebook, the port is in use or JupyterLab does not start, and OSError if a copy cannot be written.
    """
    sources = sorted((ROOT / "notebooks").glob(f"{number:02d}_*.ipynb"))  # the lesson, its notes
    mine = ROOT / "work" / "notebooks"
    if not sources:
        raise CourseError(f"chapter {number} has no notebook")
    need_port(port, f"notebook-{number}")
    mine.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "notebooks" / "live.py", mine)  # the course's: newer than any copy
    for source in sources:
        _copy(source, mine / source.name, [each.name for each in sources])
    return _jupyterlab(mine / sources[0].name, port)


def _copy(source: Path, mine: Path, names: list[str]) -> None:
    """Copy a notebook and note in its metadata which text it was made from. `names` are the files beside the copy."""
    place = mine.relative_to(ROOT)
    notebook = json.loads(source.read_text(encoding="utf-8"))
    texts = json.dumps([cell["source"] for cell in notebook["cells"]])  # outputs may differ
    made_from = hashlib.sha256(texts.encode()).hexdigest()[:16]
    if mine.exists():
        if _made_from(mine) not in (made_from, None):
            print(f"{source.relative_to(ROOT)} has changed since your copy was made.")
            move = f"mv {place} {place.with_stem(place.stem + '-old')}"
            print(f"To get the new one and keep yours: {move}")
        return
    notebook["metadata"]["course"] = {"copied_from": made_from}

    def beside(link: re.Match) -> str:
        """The picture, copied beside the notebook: JupyterLab sees work/ only."""
        picture = source.parent / link[2]
        name = f"{picture.parent.name}_{picture.name}"  # two chapters may have a page.png
        shutil.copy(picture, mine.parent / name)
        return f"{link[1]}({name})"

    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":  # other links become text
            keep = lambda link: link[0] if link[2] in names else link[1]  # noqa: E731
            lines = [LINK.sub(keep, line) for line in cell["source"]]
            cell["source"] = [PICTURE.sub(beside, line) for line in lines]
    part = mine.with_suffix(".part")  # a full disk leaves no half of a copy
    part.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(mine)
    print(f"Your own copy: {place}")


def _made_from(mine: Path) -> str | None:
    try:
        return json.loads(mine.read_text(encoding="utf-8"))["metadata"]["course"]["copied_from"]
    except (ValueError, KeyError, TypeError):
        return None  # not a copy that we made, or damaged: JupyterLab will say so


def _jupyterlab(mine: Path, port: int) -> int:
    token = secrets.token_urlsafe(16)
    url = f"http://127.0.0.1:{port}/lab/tree/{mine.parent.name}/{mine.name}?token={token}"
    command = [sys.executable, "-m", "jupyterlab", "-y", "--no-browser", "--log-level=ERROR"]
    command += ["--LabApp.log_level=ERROR", "--LabApp.extension_manager=readonly"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={mine.parent.parent}", "--ServerApp.base_url=/"]
    if os.name == "posix" and os.geteuid() == 0:
        command.append("--allow-root")
    environment = {**os.environ, "JUPYTER_TOKEN": token, **_settings(mine.parent.parent)}
    # In the same process group: Ctrl-C, or a terminal that closes, reaches it too.
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        print("JupyterLab is starting ...", flush=True)
        if not _answers(port, process):
            raise CourseError("JupyterLab did not start; its messages are above.")
        print(f"  open  {url}\n  Run > Run All Cells runs the lesson; Ctrl-C ends it", flush=True)
        if _has_browser():
            webbrowser.open(url)
        process.wait()
    except KeyboardInterrupt:
        print(flush=True)
    finally:
        _end(process)
    return 0


def _settings(work: Path) -> dict[str, str]:
    """Environment variables that keep JupyterLab and its kernels from every setting of the reader's but those of its look."""
    ours = work / ".jupyter"
    theirs = Path(os.environ.get("JUPYTER_CONFIG_DIR") or Path.home() / ".jupyter")
    kernel = ours / "ipython" / "profile_default" / "ipython_kernel_config.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_text('{"IPKernelApp": {"log_level": 40}}')  # else it warns of eavesdroppers
    return {
        "IPYTHONDIR": str(kernel.parent.parent),
        "JUPYTER_CONFIG_DIR": str(ours),
        "JUPYTER_CONFIG_PATH": str(ROOT / "course" / "jupyter"),  # it asks about no news
        "JUPYTER_PATH": "",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTERLAB_SETTINGS_DIR": os.environ.get("JUPYTERLAB_SETTINGS_DIR")
        or str(theirs / "lab" / "user-settings"),
    }


def _answers(port: int, process: subprocess.Popen) -> bool:
    """Whether the server answers within START seconds; asked without a proxy."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/api")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
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
