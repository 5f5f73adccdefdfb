"""`python -m course grade FOLDER`: the verdicts on many learners' work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from course.learner import show
from course.learner.check import Verdict
from course.manifest import Chapter


def grade(folder: Path, chapters: list[Chapter], as_json: bool = False) -> int:
    """Judge FOLDER/alice/01_hello/exercise.py and so on; a learner's folder is laid out as work/ is.

    Prints a table of learners and chapters with the number of green tasks, or JSON: a list with, for each exercise,
    `learner`, the fields of Verdict.as_dict(), or `chapter` and `error`, the line that says why there is no verdict.
    Returns 0, or 2 if there is no exercise in the folder.
    """
    work = [
        (learner.name, chapter, file.resolve())
        for learner in (sorted(folder.iterdir()) if folder.is_dir() else [])
        for chapter in chapters
        if (file := learner / chapter.folder / "exercise.py").exists()
    ]
    if not work:
        print(f"No learner's work in {folder}: it needs NAME/01_hello/exercise.py", file=sys.stderr)
        return 2
    found = list(show.verdicts([(chapter, file) for _, chapter, file in work]))
    if as_json:
        rows = [
            {"learner": name}
            | (
                verdict.as_dict()
                if isinstance(verdict, Verdict)
                else {"chapter": chapter.number, "error": verdict}
            )
            for (name, chapter, _), verdict in zip(work, found, strict=True)
        ]
        print(json.dumps(rows, indent=2))
        return 0
    _print(work, found)
    return 0


def _print(work: list[tuple[str, Chapter, Path]], found: list[Verdict | str]) -> None:
    from rich.table import Table
    from rich.text import Text

    numbers = sorted({chapter.number for _, chapter, _ in work})
    cells, problems = {}, []
    for (name, chapter, _), verdict in zip(work, found, strict=True):
        if isinstance(verdict, str):
            problems.append(f"{name}, chapter {chapter.number}: {verdict}")
            cells[name, chapter.number] = "?"
        else:
            cells[name, chapter.number] = f"{verdict.green}/{len(chapter.tasks)}"
    table = Table(box=None, pad_edge=False)
    for title in ("learner", *map(str, numbers)):
        table.add_column(title)
    for name in dict.fromkeys(name for name, _, _ in work):
        table.add_row(Text(name), *[cells.get((name, number), "") for number in numbers])
    show.console.print(table)
    for problem in problems:
        show.console.print(Text(problem))
