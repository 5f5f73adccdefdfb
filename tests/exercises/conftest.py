"""The checks judge the learner's work and prove the solutions: only the folder they look at differs (--answers)."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import traceback
from pathlib import Path

import pytest

from course.harness.causes import RAISED, add_news
from course.harness.failures import Failure, Wrong, printable
from course.harness.learner import Learner
from course.harness.process import Process, adopt_orphans, end_children

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def pytest_addoption(parser):
    group = parser.getgroup("course")
    group.addoption(
        "--answers", default="", help="the folder of exercise.py, instead of solutions/"
    )
    group.addoption("--verdict", type=int, help="write what came out to this file descriptor")
    group.addoption(
        "--wait", action="store_true", help="wait for a line of input; end when the input does"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "task(number): the task that a check belongs to")
    if config.getoption("--wait", False):
        config.option.basetemp = _temporary  # for tmp_path: pytest would keep its own folders
        adopt_orphans()
        threading.Thread(target=_obey, daemon=True).start()
    if answers := config.getoption("--answers", ""):
        _ready.append(Process(Path(answers, "exercise.py")))  # it starts while pytest goes on


def _obey() -> None:
    """Let the checks begin at the first line of input, and end everything when the command has ended."""
    if os.read(0, 100):
        _go.set()
        os.read(0, 100)
    _leave_nothing()
    os._exit(1)


def _leave_nothing() -> None:
    end_children()
    shutil.rmtree(_temporary, ignore_errors=True)


_temporary = Path(tempfile.gettempdir(), f"course-{os.getpid()}")
_go = threading.Event()
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
    if session.config.getoption("--wait", False) and session.items:
        _learner(session.items[0])
        _go.wait()


def pytest_unconfigure(config):
    for process in [*_learners.values(), *_ready]:
        process.close()
    _learners.clear()
    _ready.clear()
    if config.getoption("--wait", False):
        _leave_nothing()


@pytest.fixture
def learner(request):
    """The learner's exercise, in a process of its own."""
    found = _learner(request.node)
    if not (found.file.is_file() and os.access(found.file, os.R_OK)):
        got = "something else, or no permission" if found.file.exists() else "no such file"
        raise Wrong(Failure("missing", f"a file {found.file.name} to read", got, whole=True))
    yield found
    found.settle()


@pytest.fixture
def app(learner):
    """The learner's application, a new one for each check."""
    return learner.serve()


def pytest_runtest_setup(item):
    """Once a task is red, its other checks are left out: `make check` shows one failure a task."""
    task = _task(item)
    verdict = item.config.getoption("--verdict", None)
    if verdict and task in item.session.stash.setdefault(_red, set()):
        pytest.skip("this task is red already")
    if verdict:
        _say(verdict, item, "begun")


_red = pytest.StashKey[set]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.session.stash.setdefault(_red, set()).add(_task(item))
        if isinstance(call.excinfo.value, Wrong):
            report.longrepr = str(call.excinfo.value)
    verdict = item.config.getoption("--verdict", None)
    if verdict and (report.when == "call" or (report.failed or report.skipped)):
        failure = _failure(item, call.excinfo.value) if report.failed else None
        _say(verdict, item, report.outcome, failure)


def _failure(item, error: BaseException) -> Failure:
    """What to say of an exception that ended a check."""
    if isinstance(error, Wrong):
        failure = error.failure
    else:
        # Such as a KeyError for an answer of another shape, or a connection that broke: the check's, not the learner's.
        failure = Failure("wrong", "an answer that the check can read")
        failure.got = f"the check stopped: {type(error).__name__}: {str(error)[:500]}"
        own = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(item.path)]
        failure.cause = (
            "Your program's answer, or the end of its connection, was not as the check expects."
        )
        if own:
            failure.cause += f" It says: {own[-1].line}"
        for learner in _learners.values():
            try:
                add_news(failure, learner.news())
            except Wrong as ended:
                failure = ended.failure
    if failure.kind == "error":
        failure.cause = failure.cause or RAISED
        failure.expected = failure.expected or "no exception"
    return failure


def _say(verdict: int, item, outcome: str, failure: Failure | None = None) -> None:
    """One line of JSON for a check: which, of which task, what came out."""
    entry = {
        "check": printable(item.originalname.removeprefix("test_").replace("_", " ")),
        "task": _task(item),
        "outcome": outcome,
        "failure": failure and failure.as_dict(),
    }
    line = json.dumps(entry).encode() + b"\n"
    while line:
        line = line[os.write(verdict, line) :]


def _task(item) -> int:
    return item.get_closest_marker("task").args[0]
