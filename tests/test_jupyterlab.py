"""`make notebook-1`: the learner's own copy, and all its cells run in JupyterLab in a real browser."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course.environment import CourseError
from course.learner import notebook

from servers import CHROMIUM, ROOT, free_port, no_browser

NAME = "01_hello.ipynb"
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
FOLDERS += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "HOME", "TMPDIR")


@pytest.fixture
def course(tmp_path):
    """A copy of the course, without its own .venv, for work/ to be made in."""
    copy = tmp_path / "course"
    for name in ("course", "chapters/01_hello"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "notebooks").mkdir()
    for name in (NAME, "live.py"):
        shutil.copy(ROOT / "notebooks" / name, copy / "notebooks")
    shutil.copy(ROOT / "course.toml", copy)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture
def start(course, tmp_path):
    """`start()` runs open_notebook(1, PORT) as `make notebook-1` does, and returns the process and what it printed."""
    running = []
    scratch = {name: str(tmp_path / "scratch" / name.lower()) for name in FOLDERS}
    for folder in scratch.values():
        Path(folder).mkdir(parents=True)
    blank = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"), "")

    def start(port=None):
        code = f"from course.learner.notebook import open_notebook\nraise SystemExit(open_notebook(1, {port or free_port()}))"
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=course,
            env={
                **os.environ,
                **scratch,
                **blank,
                "PYTHONPATH": str(course),
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        for each in family(process.pid):
            each.kill()
        process.wait()
        process.stdout.close()


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it has started."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def url_of(process) -> str:
    """The address that the process prints once JupyterLab answers."""
    printed = []
    for line in process.stdout:
        printed.append(line)
        if found := re.search(r"open  (http://\S+)", line):
            return found[1]
    raise AssertionError("".join(printed))


def test_all_cells_run_in_a_browser_after_a_restart_and_once_more(start, course):
    from playwright.sync_api import Error, sync_playwright

    clear(course / "notebooks" / NAME)
    mine = course / "work" / "notebooks" / NAME
    process = start()
    url = url_of(process)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(**CHROMIUM)
        except Error as error:
            no_browser(error)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=40_000)
        page.get_by_text("| Idle").wait_for(
            timeout=40_000
        )  # in the status bar: the kernel is there
        cells = len(code_cells(mine))
        assert counts(mine) == [None] * cells
        for command, first in [
            ("Restart Kernel and Run All Cells", 1),
            ("Run All Cells", cells + 1),
        ]:
            choose(page, "Run", command)
            if command.startswith("Restart"):
                page.locator(".jp-Dialog .jp-mod-accept").click()
            saved_with(page, mine, list(range(first, first + cells)))
            assert errors(mine) == []
        assert (
            page.locator(".jp-Dialog, .Toastify__toast").count() == 0
        )  # it asks the reader nothing
        browser.close()
    started = family(process.pid)
    assert len(started) >= 3  # this one, JupyterLab and a kernel
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert psutil.wait_procs(started, timeout=30)[1] == []
    assert "Traceback" not in process.stdout.read()


def clear(path: Path) -> None:
    """Take the outputs and the counts out of a notebook, so that what is there later was made here."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def counts(path: Path) -> list[int | None]:
    return [cell["execution_count"] for cell in code_cells(path)]


def errors(path: Path) -> list[dict]:
    """The outputs that are errors or text on stderr."""
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    return [each for each in outputs if "ename" in each or each.get("name") == "stderr"]


def choose(page, menu: str, command: str) -> None:
    """Choose a command of a menu."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{command}…?$")).click()


def saved_with(page, path: Path, wanted: list[int], seconds: float = 60) -> None:
    """Save when the kernel is idle, until all cells have run, which their counts say."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        page.get_by_text("| Idle").wait_for(timeout=40_000)
        page.keyboard.press("Control+s")
        page.wait_for_timeout(300)
        with contextlib.suppress(json.JSONDecodeError):  # it is being written at this moment
            if counts(path) == wanted:
                return
    raise AssertionError(f"{counts(path)} after {seconds} s")


# ---------------------------------------------------------------- the learner's copy


@pytest.fixture
def opened(course, monkeypatch):
    """`opened()` runs open_notebook(1) without JupyterLab and returns its status and the copy."""
    monkeypatch.setattr(notebook, "ROOT", course)
    monkeypatch.setattr(notebook, "_jupyterlab", lambda mine, port: 0)
    return lambda: (notebook.open_notebook(1, free_port()), course / "work" / "notebooks" / NAME)


def test_the_copy_is_made_once_and_never_overwritten(opened, capsys):
    status, mine = opened()
    assert status == 0
    assert "Your own copy: work/notebooks/01_hello.ipynb" in capsys.readouterr().out
    mine.write_text("mine", encoding="utf-8")
    assert opened()[0] == 0
    assert mine.read_text(encoding="utf-8") == "mine"
    assert capsys.readouterr().out == ""


def test_a_newer_lesson_is_said_and_how_to_get_it(opened, course, capsys):
    _, mine = opened()
    before = mine.read_bytes()
    path = course / "notebooks" / NAME
    path.write_text(path.read_text("utf-8").replace("Short", "Long").replace("A *h", "One *h"))
    capsys.readouterr()
    assert opened()[0] == 0
    assert mine.read_bytes() == before
    said = capsys.readouterr().out
    move = "mv work/notebooks/01_hello.ipynb work/notebooks/01_hello-old.ipynb"
    assert "has changed since your copy was made" in said
    assert move in said
    mine.rename(mine.with_stem(mine.stem + "-old"))
    assert opened()[0] == 0
    assert "One *h" in mine.read_text("utf-8")


def test_a_link_to_a_file_that_jupyterlab_does_not_see_is_text(opened, course):
    path = course / "notebooks" / NAME
    path.write_text(path.read_text("utf-8").replace("A *h", "See [the page](../bench/x.md). A *h"))
    assert "See the page. A *h" in opened()[1].read_text("utf-8")


def test_a_picture_lies_beside_the_copy(opened, course):
    picture = course / "chapters" / "01_hello" / "request.png"
    mine = opened()[1]
    text = mine.read_text("utf-8")
    [name] = re.findall(r"!\[[^]]+\]\(([\w.]+)\)", text)
    assert (mine.parent / name).read_bytes() == picture.read_bytes()


def test_an_output_that_changed_is_no_newer_lesson(opened, course, capsys):
    opened()
    clear(course / "notebooks" / NAME)
    capsys.readouterr()
    opened()
    assert capsys.readouterr().out == ""


def test_what_is_not_possible_is_one_line(course, monkeypatch):
    monkeypatch.setattr(notebook, "ROOT", course)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(CourseError, match="is in use"):
            notebook.open_notebook(1, sock.getsockname()[1])
    with pytest.raises(CourseError, match="chapter 2 has no notebook"):
        notebook.open_notebook(2, free_port())
    assert not (course / "work").exists()
