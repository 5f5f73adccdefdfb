"""Runs the checks of a chapter on an exercise, in a process of their own, and reads what came out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from course.environment import ROOT
from course.manifest import Chapter, Task

SECONDS = 30
"""How long the checks of a chapter may take in all; each check has a limit of its own."""


class CheckError(Exception):
    """The checks themselves could not be run; the message is what pytest said."""


@dataclass(frozen=True)
class Result:
    """What came out of one check: its sentence, its task, "passed", "failed" or "skipped", and how it failed."""

    check: str
    task: int
    outcome: str
    failure: dict | None


@dataclass(frozen=True)
class Verdict:
    """What came out of all the checks of a chapter."""

    chapter: Chapter
    results: list[Result]

    def of(self, task: Task) -> list[Result]:
        return [result for result in self.results if result.task == task.number]

    def is_green(self, task: Task) -> bool:
        return all(result.outcome == "passed" for result in self.of(task))

    @property
    def green(self) -> int:
        """How many tasks are green."""
        return sum(self.is_green(task) for task in self.chapter.tasks)

    @property
    def first_red(self) -> tuple[Task, Result] | None:
        """The first red task, and its check that failed."""
        for task in self.chapter.tasks:
            for result in self.of(task):
                if result.outcome == "failed":
                    return task, result
        return None


def read(chapter: Chapter, file: Path) -> Verdict:
    """The verdict that the checks wrote to `file`. Raises OSError if there is none."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return Verdict(chapter, [Result(**json.loads(line)) for line in lines])


ENVIRONMENT = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}


def command(file: Path, *options: str) -> list[str]:
    """What runs the checks in `file`: pytest, without the plugins and the configuration that they do not need."""
    quick = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(ROOT), "-qs"]
    quick += ["--confcutdir", str(file.parent), "--import-mode=importlib", "--assert=plain"]
    return [sys.executable, "-m", "pytest", *quick, str(file), *options]


class Run:
    """One run of a chapter's checks. It gets ready at once, and begins when `verdict()` is called.

    `answers` is the folder that holds the exercise.py to judge, `file` the checks if not the chapter's own.
    """

    def __init__(self, chapter: Chapter, answers: Path, file: Path | None = None):
        self.chapter = chapter
        self._folder = tempfile.TemporaryDirectory(prefix="course-")
        self._file = Path(self._folder.name, "verdict")
        self._said = open(Path(self._folder.name, "said"), "w+")
        options = [f"--answers={answers}", f"--verdict={self._file}", "--wait"]
        self._process = subprocess.Popen(
            command(file or chapter.checks, *options),
            env=os.environ | ENVIRONMENT,
            cwd=ROOT,  # where the checks find the package `course`
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def verdict(self) -> Verdict:
        """Run the checks. Raises CheckError if they could not be run."""
        try:
            self._process.communicate(b"go\n", timeout=SECONDS)
            return read(self.chapter, self._file)
        except subprocess.TimeoutExpired:
            raise CheckError(f"the checks did not end within {SECONDS} s") from None
        except OSError:
            self._said.seek(0)
            raise CheckError(self._said.read()) from None
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End the run, whatever it is at. The process gets the time to end the learner's."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.stdin.close()
        self._said.close()
        self._folder.cleanup()


def run(chapter: Chapter, answers: Path, file: Path | None = None) -> Verdict:
    """Run the checks of `chapter`, or those in `file`, on the exercise.py in the folder `answers`."""
    return Run(chapter, answers, file).verdict()
