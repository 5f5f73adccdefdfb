"""Runs the checks of a chapter on an exercise, in a process of their own, and reads what came out."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from course.environment import ROOT, CourseError
from course.manifest import Chapter, Task

SECONDS = 25
"""How long the checks of a chapter may take in all: this limit only ends what does not end by itself."""
DETAILS = ROOT / "work" / "checks-error.txt"
"""What pytest said when the checks could not be run."""


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
        results = self.of(task)
        return bool(results) and all(result.outcome == "passed" for result in results)

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

    def as_dict(self) -> dict:
        """The verdict as `--json` prints it.

        `chapter`, `title`; `green`, the number of green tasks; `tasks`, each with `number`, `title`, `green`; `checks`, each with
        `name`, `task`, `outcome` ("passed", "failed", or "skipped" after a failed check of its task) and, if it failed,
        `failure`: `kind` (as course/harness/failures.py lists them), `replay` (the request as a command, or ""),
        `expected`, `got`, `cause`, `lines` (each `line`, `code`, `file`), `printed` (the end of the program's output),
        `whole` (it is about the whole file) and `reproducible` (`make run-N` shows the same).
        """
        return {
            "chapter": self.chapter.number,
            "title": self.chapter.title,
            "green": self.green,
            "tasks": [
                {"number": task.number, "title": task.title, "green": self.is_green(task)}
                for task in self.chapter.tasks
            ],
            "checks": [
                {"name": each.check, "task": each.task, "outcome": each.outcome}
                | ({"failure": each.failure} if each.failure else {})
                for each in self.results
            ],
        }


def read(chapter: Chapter, lines: list[str], ended: bool) -> Verdict:
    """The verdict that the checks wrote; a check that had begun when they were `ended` took too long."""
    entries = [json.loads(line) for line in lines]
    results = [Result(**entry) for entry in entries if entry["outcome"] != "begun"]
    if ended and entries and entries[-1]["outcome"] == "begun":
        failure = {
            "kind": "timeout",
            "expected": f"all checks of the chapter within {SECONDS} s",
            "got": "they were ended here",
            "cause": "Every response of your program takes long, or a response never ends.",
            "replay": "",
            "lines": [],
            "printed": "",
            "whole": False,
            "reproducible": False,
        }
        results.append(Result(entries[-1]["check"], entries[-1]["task"], "failed", failure))
    return Verdict(chapter, results)


ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "",
    "PYTHONSAFEPATH": "",
    "PYTHONOPTIMIZE": "",
    "PYTHONWARNINGS": "",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8:replace",
}


def command(file: Path, *options: str) -> list[str]:
    """What runs the checks in `file`: pytest, without the plugins and the configuration that they do not need."""
    quick = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(ROOT), "-qs"]
    quick += ["--confcutdir", str(file.parent), "--import-mode=importlib", "--assert=plain"]
    return [sys.executable, "-m", "pytest", *quick, str(file), *options]


class Run:
    """One run of a chapter's checks. It gets ready immediately, and begins when `verdict()` is called.

    `answers` is the folder that holds the exercise.py to judge, `file` the checks if not the chapter's own. When this process
    ends, however it ends, the run does too: the pipe to it closes.
    """

    def __init__(self, chapter: Chapter, answers: Path, file: Path | None = None):
        self.chapter = chapter
        self._said = tempfile.TemporaryFile()
        read_end, write_end = os.pipe()
        self._verdict = os.fdopen(read_end, "rb", buffering=0)
        options = [f"--answers={answers.resolve()}", f"--verdict={write_end}", "--wait"]
        self._process = subprocess.Popen(
            command(file or chapter.checks, *options),
            env=os.environ | ENVIRONMENT,
            cwd=ROOT,  # where the checks find the package `course`
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            pass_fds=[write_end],
            start_new_session=True,
        )
        os.close(write_end)
        assert self._process.stdin  # as asked for above
        self._go = self._process.stdin

    def verdict(self) -> Verdict:
        """Run the checks. Raises CourseError if they could not be run."""
        try:
            with contextlib.suppress(BrokenPipeError):
                self._go.write(b"go\n")
                self._go.flush()
            told, ended = self._read(time.monotonic() + SECONDS)
            verdict = read(self.chapter, told.decode().splitlines(), ended)
            if not verdict.results or (not ended and self._process.wait(10) not in (0, 1)):
                raise CourseError(self._trouble())
            return verdict
        except subprocess.TimeoutExpired:
            raise CourseError(self._trouble()) from None
        finally:
            self.cancel()

    def _read(self, deadline: float) -> tuple[bytes, bool]:
        """What the checks wrote until they ended, and whether they had to be ended."""
        told, parent = b"", os.getppid()
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or os.getppid() != parent:  # `make` was killed
                return told[: told.rfind(b"\n") + 1], True
            if select.select([self._verdict], [], [], min(left, 1))[0]:
                if not (part := self._verdict.read(65536)):
                    return told, False
                told += part

    def _trouble(self) -> str:
        """One line to say; what pytest said goes into a file."""
        self._said.seek(0)
        line = f"The checks of chapter {self.chapter.number} could not be run"
        try:
            DETAILS.parent.mkdir(exist_ok=True)
            DETAILS.write_bytes(self._said.read(2**20))
        except OSError as error:
            return f"{line}, and no file can be written to {DETAILS.parent}: {error.strerror}"
        place = DETAILS.relative_to(ROOT)
        return f"{line}: make setup-all repairs an installation. The details are in {place}."

    def cancel(self) -> None:
        """End the run, whatever it is doing, with the learner's process."""
        with contextlib.suppress(BrokenPipeError):
            self._go.close()  # this ends it
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._verdict.close()
        self._said.close()


def run(chapter: Chapter, answers: Path, file: Path | None = None) -> Verdict:
    """Run the checks of `chapter`, or those in `file`, on the exercise.py in the folder `answers`."""
    return Run(chapter, answers, file).verdict()
