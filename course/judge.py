"""Judging many exercises: pytest, the checks and what an exercise imports are in memory once, and forked for each exercise."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from course.checks import ENVIRONMENT, SECONDS, CheckError, Verdict, arguments, read
from course.environment import ROOT
from course.manifest import Chapter

CHECKS = ROOT / "tests" / "exercises"


class Judge:
    """A process that has pytest and the checks in memory, until `close()`."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course.judge"],
            env=os.environ | ENVIRONMENT,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches us, and we close it
        )

    def is_caught(self, chapter: Chapter, text: str) -> bool:
        """Whether a check of the chapter is red on a program with this text, or does not end."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            Path(folder, "exercise.py").write_text(text, encoding="utf-8")
            return self._status(chapter, f"--answers={folder}", "-x") != 0

    def verdict(self, chapter: Chapter, answers: Path) -> Verdict:
        """As course.checks.run(chapter, answers). Raises CheckError if the checks did not end."""
        with tempfile.TemporaryDirectory(prefix="course-") as folder:
            file = Path(folder, "verdict")
            status = self._status(chapter, f"--answers={answers}", f"--verdict={file}")
            if not file.exists():
                raise CheckError(f"the checks ended with exit status {status}, and no verdict")
            return read(chapter, file)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _status(self, chapter: Chapter, *options: str) -> int:
        order = [*arguments(chapter.checks), *options]
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Fork:
    """A process that runs a function, with what harness.process needs of a subprocess.Popen."""

    def __init__(self, run):
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                run()
            finally:
                os._exit(1)

    def poll(self) -> int | None:
        """The exit status of a process that has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, seconds: float = SECONDS) -> int:
        """The exit status. Raises TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.01)
        return self.returncode


def fork_host(arguments: list[str], printed: int, inherited: tuple[int, ...]) -> Fork:
    """As harness.process.start_host, but Tornado and mongomock are imported already."""
    from harness import host, process

    def run():
        os.setpgid(0, 0)
        process.limit_output()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor, source in ((0, null), (1, printed), (2, null)):
            os.dup2(source, descriptor)
        sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
        sys.stderr = open(2, "w", buffering=1, closefd=False)
        sys.dont_write_bytecode = True
        gc.enable()
        sys.argv = [host.__file__, *arguments]
        host.main()
        os._exit(0)

    fork = Fork(run)
    with contextlib.suppress(OSError):  # whoever is first, we or it: it is ended as a group
        os.setpgid(fork.pid, fork.pid)
    return fork


def serve() -> None:
    """Be a Judge's process: import all that is needed; then run pytest in a fork for each line of arguments, and write
    its exit status."""
    gc.disable()
    sys.path.insert(0, str(CHECKS))
    import pytest

    from harness import host, process

    host.catch_up()
    process.start_host = fork_host
    statuses, sys.stdout = sys.stdout, sys.stderr
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
    checks = sorted(CHECKS.glob("test_*.py"))
    pytest.main([*arguments(checks[0]), *map(str, checks[1:]), "--collect-only"])
    gc.freeze()
    for line in sys.stdin:
        with tempfile.TemporaryDirectory(prefix="course-") as folder:
            run = Fork(partial(_run_pytest, folder, json.loads(line)))
            try:
                status = run.wait()
            except TimeoutError:
                os.kill(run.pid, signal.SIGINT)  # which gives it the time to end the program's
                status = run.wait()
        print(status, file=statuses, flush=True)


def _run_pytest(folder: str, given: list[str]) -> None:
    import pytest

    os.chdir(folder)
    os._exit(pytest.main(given))


if __name__ == "__main__":
    serve()
