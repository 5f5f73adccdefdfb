"""The shelf: wrong answers as learners write them are caught, and told why; right ones of any making pass.

`make test` runs one of each kind, to see that the shelf works; `make shelf`, which CI runs beside it, runs all (SHELF=all).
"""

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from shelving import SHELF, answers, message, shelf

from course.learner import check
from course.manifest import chapters

WHICH = os.environ.get("SHELF", "")
ALL = shelf()
CHAPTERS = [chapter for chapter in chapters() if (SHELF / chapter.folder).exists()]


def some(right: bool) -> list:
    """Parameters for the answers to be judged now."""
    found = [answer for answer in ALL if answer.right == right]
    if not WHICH:
        found = found[:1]
    return [pytest.param(answer, id=answer.id) for answer in found]


@pytest.fixture
def found(answer):
    """What the checks say of an answer."""
    with tempfile.TemporaryDirectory(prefix="shelf-") as folder:
        Path(folder, "exercise.py").write_text(answer.text, encoding="utf-8")
        for module in answer.chapter.starter_modules:
            shutil.copy(module, folder)
        return check.run(answer.chapter, Path(folder))


@pytest.mark.parametrize("answer", some(right=False))
def test_a_wrong_answer_is_caught_and_told_why(answer, found):
    assert found.first_red is not None, "all is green"
    task, result = found.first_red
    failure = result.failure
    text = message(found)
    assert (task.number, failure["kind"]) == (answer.task, answer.kind), text
    for words in answer.says:
        assert words in text, f"{words!r} is not in:\n{text}"
    assert failure["cause"], text
    assert failure["lines"], f"no line of the learner's in:\n{text}"
    lines = answer.text.splitlines()
    for line in failure["lines"]:
        assert line["code"].strip() == lines[line["line"] - 1].strip()
    for words in ("harness", "host.py", "Traceback", "site-packages", "test_", "stages/"):
        assert words not in text, f"{words!r} is in:\n{text}"
    assert "next: make " in text


@pytest.mark.parametrize("answer", some(right=True))
def test_a_right_answer_is_green(answer, found):
    assert found.first_red is None, message(found)
    assert found.green == 3


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.folder)
def test_the_shelf_holds_enough(chapter):
    found = answers(chapter)
    wrong = Counter(answer.task for answer in found if not answer.right)
    assert all(wrong[task.number] >= 4 for task in chapter.tasks), wrong
    assert sum(answer.right for answer in found) >= 3
    names = [answer.name for answer in found if not answer.right]
    assert len(set(names)) == len(names), names


def test_every_chapter_has_a_shelf():
    assert chapters() == CHAPTERS
