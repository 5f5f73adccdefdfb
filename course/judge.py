"""Judging many exercises by the checks of a chapter: pytest and the checks are imported once, and forked for each exercise."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from course.checks import ENVIRONMENT, SECONDS, CheckError, Verdict, arguments, read
from course.environment import ROOT
from course.manifest import Chapter


class Judge:
    """A process that has pytest and a chapter's checks in memory, until `close()`."""

    def __init__(self, chapter: Chapter):
        self.chapter = chapter
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course.judge", str(chapter.checks)],
            env=os.environ | ENVIRONMENT,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def is_caught(self, text: str) -> bool:
        """Whether a check is red on a program with this text, or does not end."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            Path(folder, "exercise.py").write_text(text, encoding="utf-8")
            return self._status(f"--answers={folder}", "-x") != 0

    def verdict(self, answers: Path) -> Verdict:
        """As course.checks.run(chapter, answers). Raises CheckError if the checks did not end."""
        with tempfile.TemporaryDirectory(prefix="course-") as folder:
            file = Path(folder, "verdict")
            status = self._status(f"--answers={answers}", f"--verdict={file}")
            if not file.exists():
                raise CheckError(f"the checks ended with exit status {status}, and no verdict")
            return read(self.chapter, file)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _status(self, *options: str) -> int:
        self._process.stdin.write(json.dumps(options) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def serve(checks: Path) -> None:
    """Be a Judge's process: for each line of options, run the checks in a fork, and write pytest's exit status."""
    import pytest

    answers, sys.stdout = sys.stdout, sys.stderr
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
    pytest.main([*arguments(checks), "--collect-only"])  # now all is imported
    for line in sys.stdin:
        with tempfile.TemporaryDirectory(prefix="course-") as folder:
            child = os.fork()
            if child == 0:
                os.chdir(folder)
                os._exit(pytest.main([*arguments(checks), *json.loads(line)]))
            deadline = time.monotonic() + SECONDS
            while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
                time.sleep(0.01)
            if not ended[0]:
                os.kill(
                    child, signal.SIGINT
                )  # which gives it the time to end the program's process
                ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended[1]), file=answers, flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
