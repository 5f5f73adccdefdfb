"""The checks judge the learner's work and prove the solutions: only the folder they look at differs (--answers)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from course.harness.causes import RAISED
from course.harness.failures import Failure, Wrong
from course.harness.learner import Learner
from course.harness.process import Process

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def pytest_addoption(parser):
    group = parser.getgroup("course")
    group.addoption(
        "--answers", default="", help="the folder of exercise.py, instead of solutions/"
    )
    group.addoption("--verdict", default="", help="write what came out to this file, as JSON lines")
    group.addoption(
        "--wait", action="store_true", help="wait for a line of input before the checks"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "task(number): the task that a check belongs to")
    if answers := config.getoption("--answers", ""):
        _ready.append(Process(Path(answers, "exercise.py")))  # it starts while pytest goes on


_learners: dict[Path, Learner] = {}
_ready: list[Process] = []


def _learner(item) -> Learner:
    """The process for the exercise that a check is about; one for all the checks of a file."""
    folder = item.path.stem.removeprefix("test_")
    answers = item.config.getoption("--answers", "")
    file = (Path(answers) if answers else ROOT / "solutions" / folder) / "exercise.py"
    if file not in _learners:
        for other in list(_learners):
            _learners.pop(other).close()
        process = _ready.pop() if _ready else None
        _learners[file] = Learner(file, HERE / "stages" / f"{folder}.py", process)
    return _learners[file]


def pytest_runtestloop(session):
    """With --wait, everything is ready before the word comes: that is how `watch` is quick."""
    if session.config.getoption("--wait", False):
        _learner(session.items[0])
        if not sys.stdin.readline():
            pytest.exit("nobody waits any more", returncode=0)


def pytest_unconfigure(config):
    for process in [*_learners.values(), *_ready]:
        process.close()
    _learners.clear()
    _ready.clear()


@pytest.fixture
def learner(request):
    """The learner's exercise, in a process of its own."""
    found = _learner(request.node)
    if not found.file.exists():
        name = found.file.name
        raise Wrong(
            Failure("missing", f"a file {name}", f"none at {found.file.parent}", whole=True)
        )
    yield found
    found.settle()


@pytest.fixture
def app(learner):
    """The learner's application, a new one for each check."""
    return learner.serve()


def pytest_runtest_setup(item):
    """Once a task is red, its other checks are left out: `make check` shows one failure a task."""
    task = _task(item)
    if item.config.getoption("--verdict", "") and task in item.session.stash.setdefault(
        _red, set()
    ):
        pytest.skip("this task is red already")


_red = pytest.StashKey[set]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.session.stash.setdefault(_red, set()).add(_task(item))
        if isinstance(call.excinfo.value, Wrong):
            report.longrepr = str(call.excinfo.value)
    verdict = item.config.getoption("--verdict", "")
    if verdict and (report.when == "call" or (report.failed or report.skipped)):
        _write(verdict, item, report, call)


def _write(file: str, item, report, call) -> None:
    """One line of JSON for a check: which, of which task, what came out."""
    failure = None
    if report.failed:
        error = call.excinfo.value
        failure = (
            error.failure
            if isinstance(error, Wrong)
            else Failure("wrong", got=f"{type(error).__name__}: {error}")
        )
        if failure.kind == "error":
            failure.cause = failure.cause or RAISED
            failure.expected = failure.expected or "no exception"
    entry = {
        "check": item.originalname.removeprefix("test_").replace("_", " "),
        "task": _task(item),
        "outcome": report.outcome,
        "failure": failure and failure.as_dict(),
    }
    with open(file, "a", encoding="utf-8") as out:
        out.write(json.dumps(entry) + "\n")


def _task(item) -> int:
    return item.get_closest_marker("task").args[0]
