"""`make test`: everything, in one run of pytest, so that it closes on pytest's own summary line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from course.environment import ROOT

NBVAL = ["--nbval", "--nbval-sanitize-with", "tests/sanitize.cfg", "--nbval-cell-timeout", "60"]
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


def run(arguments: list[str]) -> int:
    """Run all tests and all notebooks; `arguments` go to pytest. Returns its exit status."""
    if find_browser() is None and not fetch_browser():
        print(
            "The pages are tested in a real browser, and none is here: install Chromium "
            f"(Debian, Ubuntu: apt install chromium) so that one of {', '.join(BROWSERS)} is on the PATH.",
            file=sys.stderr,
        )
        return 1
    # A notebook's cells share a kernel, so a file's tests stay in one process. Twice as many processes as a small
    # machine has cores, since many tests wait.
    return _pytest(["-n", "4", "--dist", "loadfile", *NBVAL, *arguments])


def run_shelf(folder: str | None) -> int:
    """Run the checks on the whole shelf of wrong and right answers, or on a chapter's. Returns the exit status."""
    os.environ["SHELF"] = "all"
    return _pytest(["-n", "4", "tests/test_shelf.py", *(["-k", folder] if folder else [])])


def _pytest(arguments: list[str]) -> int:
    # The tests start hundreds of Pythons, and each would compile the course again where this is set.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def browser_on_path() -> str | None:
    """The path of a Chromium that is on the PATH; None if there is none: Playwright then takes its own."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def find_browser() -> str | None:
    """The path of a Chromium: one on the PATH, or the one that Playwright fetched; None if there is none."""
    if found := browser_on_path():
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def fetch_browser() -> bool:
    """Have Playwright fetch its Chromium. Returns whether that went well."""
    print("Fetching a browser for the tests of the pages", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = [sys.executable, "-m", "playwright", "install", "chromium-headless-shell", "chromium"]
    return subprocess.run(command, env=environment).returncode == 0
