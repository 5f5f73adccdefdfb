"""The gate: every starter is red for the reason that it states, and differs from its solution at TODOs only.

That every solution is green, tests/exercises says.
"""

import difflib
import re
import shutil

import pytest

from course.learner import check
from course.manifest import chapters

from servers import ROOT

CHAPTERS = chapters()
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.folder)


def not_red(chapter, verdict) -> list[str]:
    """What is wrong with a verdict on the untouched starter: tasks that are green, or red for another reason than the stated one."""
    problems = []
    for task in chapter.tasks:
        kinds = [result.failure["kind"] for result in verdict.of(task) if result.failure]
        if kinds != [task.starter]:
            problems.append(f"task {task.number}: {kinds or 'green'}, not {task.starter}")
    return problems


@each_chapter
def test_every_task_of_the_starter_is_red_for_the_stated_reason(chapter):
    assert not_red(chapter, check.run(chapter, chapter.starter.parent)) == []


@each_chapter
def test_starter_and_solution_differ_only_where_the_starter_says_todo(chapter):
    starter, solution = (
        file.read_text(encoding="utf-8").splitlines()
        for file in (chapter.starter, chapter.solution)
    )
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(
        None, starter, solution, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            changed = "\n".join(["starter:", *starter[i1:i2], "solution:", *solution[j1:j2]])
            assert any("TODO" in line for line in starter[max(0, i1 - 1) : i2]), changed
    assert "TODO" not in "\n".join(solution)


def test_the_gate_fails_when_a_check_is_weakened(tmp_path):
    chapter = CHAPTERS[0]
    weakened = tmp_path / "exercises"
    shutil.copytree(ROOT / "tests" / "exercises", weakened)
    file = weakened / chapter.checks.name
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"(mark\.task\(1\)\n(?:.*\n)*?def .*:\n)", r"\1    return\n", text)
    file.write_text(text, encoding="utf-8")
    verdict = check.run(chapter, chapter.starter.parent, file)
    assert not_red(chapter, verdict) == ["task 1: green, not todo"]
