"""`make test`: everything, in one run of pytest, so that it closes on pytest's own summary line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from course.environment import ROOT

NBVAL = ["--nbval", "--nbval-sanitize-with", "tests/sanitize.cfg", "--nbval-cell-timeout", "60"]
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
INSTALL = {  # the commands of each package manager, in order
    "apt-get": ["update -qq", "install -y -qq chromium-headless-shell", "install -y -qq chromium"],
    "dnf": ["install -y -q chromium"],
}


def run(arguments: list[str]) -> int:
    """Run all tests and all notebooks; `arguments` go to pytest. Returns its exit status.

    Without a browser the tests that need one are skipped, and the last lines say so: tests/conftest.py.
    """
    if not browser_starts() and not _download_browser():
        _install_browser()
    # A notebook's cells share a kernel, so a file's tests stay in one process. Twice as many processes as a small
    # machine has cores, since many tests wait.
    return _pytest(["-n", "4", "--dist", "loadfile", *NBVAL, *arguments])


def run_shelf(folder: str | None) -> int:
    """Run the checks on the whole shelf of wrong and right answers, or on a chapter's. Returns the exit status."""
    os.environ["SHELF"] = "all"
    return _pytest(["-n", "4", "tests/test_shelf.py", *(["-k", folder] if folder else [])])


def run_slow() -> int:
    """Run the tests that are marked as slow. Returns the exit status."""
    return _pytest(["-n", "4", "-m", "slow", "tests"])


def lint() -> int:
    """What answers within seconds: style, types, stale notebooks. Returns the exit status."""
    commands = ["ruff check", "ruff format --check", "mypy", "course weave --check"]
    done = [subprocess.run([sys.executable, "-m", *each.split()], cwd=ROOT) for each in commands]
    return int(any(each.returncode for each in done))


def _pytest(arguments: list[str]) -> int:
    # The tests start hundreds of Pythons, and each would compile the course again where this is set.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def browser_on_path() -> str | None:
    """The path of a Chromium that is on the PATH; None if there is not one: Playwright then takes its own."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def browser_starts() -> bool:
    """Whether a Chromium starts: the one on the PATH, else Playwright's own."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            playwright.chromium.launch(executable_path=browser_on_path(), args=["--no-sandbox"])
        except Error:
            return False
    return True


def _download_browser() -> bool:
    """Have Playwright download its Chromium. Returns whether that starts."""
    print("Downloading a browser for the tests of pages", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0 and browser_starts()


def _install_browser() -> None:
    """Have the system's package manager install a Chromium, if this user may run it without a password."""
    manager = next(filter(shutil.which, INSTALL), None)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not manager or (root and not shutil.which("sudo")):
        return
    if subprocess.run([*root, "true"], capture_output=True).returncode == 0:
        line = f"No browser could be downloaded: installing one with {manager}"
        print(line, file=sys.stderr, flush=True)
        for each in INSTALL[manager]:
            command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", manager, *each.split()]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
            if browser_on_path():
                return
