"""What the learner reads: the verdict on a chapter, hints, the way to the solution, progress."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.text import Text

from course.environment import ROOT, CourseError
from course.learner import check
from course.learner.check import Verdict
from course.manifest import Chapter

console = Console(highlight=False, soft_wrap=True)
HINTS = ROOT / "work" / ".hints.json"


def marks() -> tuple[str, str, str]:
    """The marks for green, red and not started; in ASCII where the terminal has no others."""
    try:
        "✓✗·".encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return "v", "x", "."
    return "✓", "✗", "·"


def judge(chapter: Chapter) -> Verdict:
    """The verdict on the learner's work. Raises CourseError, in one line, if there is no verdict."""
    chapter.need_work()
    if problem := obstacle(chapter, chapter.work):
        raise CourseError(problem)
    return check.run(chapter, chapter.work.parent)


def obstacle(chapter: Chapter, work: Path) -> str:
    """Why an exercise cannot be checked, in one line: a module is missing, it is a starter of the first edition."""
    modules = chapter.starter_modules
    if not work.is_file() or not modules:
        return ""
    try:
        text = work.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # the checks say it
    number, place = chapter.number, work.parent.name
    used = [each for each in modules if re.search(rf"\b{each.stem}\b", text)]
    if not used and (old := re.search(r"import mongomock|def start_timeline", text)):
        return (
            f"{place}/{work.name} is from the first edition of the course ({old[0]}), and the checks have changed: "
            f"make reset-{number} puts a new starter there and keeps your work as a backup."
        )
    for each in used:
        if not work.with_name(each.name).exists():
            return f"{each.name} is missing in {place}: make start-{number} puts it there."
    return ""


def check_work(chapter: Chapter, as_json: bool = False) -> int:
    """Check the learner's work and print the verdict, or the JSON of Verdict.as_dict(). Returns 0 if all is green, else 1."""
    verdict = judge(chapter)
    if not as_json:
        return show(verdict)
    print(json.dumps(verdict.as_dict(), indent=2))
    return 0 if verdict.first_red is None else 1


def show(verdict: Verdict) -> int:
    """Print a verdict: a line a task, then the first red one in full. Returns 0 if all is green, else 1."""
    chapter = verdict.chapter
    place = chapter.work.relative_to(ROOT)
    console.print(f"[bold]Chapter {chapter.number}: {chapter.title}[/]    {place}")
    width = max(len(task.title) for task in chapter.tasks)
    for task in chapter.tasks:
        results = verdict.of(task)
        passed = sum(result.outcome == "passed" for result in results)
        green = verdict.is_green(task)
        line = Text(f"  {marks()[not green]} ", style="green" if green else "red")
        line.append(f"Task {task.number}  {task.title:{width}}  ", style="default")
        if green:
            line.append(_checks(passed), style="dim")
        elif not results or any(each.failure and each.failure["whole"] for each in results):
            line.append("not checked", style="red")
        elif any(each.failure and each.failure["kind"] == "todo" for each in results):
            line.append("to do", style="yellow")
        else:
            line.append(f"red after {passed} of {_checks(len(results))}", style="red")
        console.print(line)
    red = verdict.first_red
    if red is None:
        console.print(f"\nAll green. Compare with the solution: make diff-{chapter.number}")
        return 0
    console.print()
    _explain(chapter, *red)
    return 1


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"


def _explain(chapter: Chapter, task, result) -> None:
    failure = result.failure
    file = chapter.work.relative_to(ROOT)
    title = f"Task {task.number}: {result.check}"
    if failure["whole"]:
        title = "Nothing can be checked before this is fixed:"
    console.print(Text(title, style="bold"))
    if failure["replay"]:
        console.print(Text(f"  {failure['replay']}", style="cyan"))
    for name in ("expected", "got"):
        if failure[name]:
            first, *rest = failure[name].splitlines() or [""]
            console.print(Text(f"  {name:9} {first}"))
            for line in rest[:12]:
                console.print(Text(f"  {'':9} {line}"))
    if failure["cause"]:
        console.print(Text(f"  {failure['cause']}", style="yellow"))
    for line in failure["lines"][-4:]:
        at = file.with_name(line.get("file", file.name))
        console.print(Text(f"  {at}:{line['line']}    {line['code'][:200]}"))
    if failure["printed"]:
        console.print(Text("  it printed:", style="dim"))
        for line in failure["printed"].splitlines():
            console.print(Text(f"    {line[:200]}", style="dim"))
    step = "check" if failure["whole"] else "hint"
    console.print(f"\nnext: make {step}-{chapter.number}")
    if failure["reproducible"] and failure["replay"]:
        console.print(
            f"to send that request yourself: make run-{chapter.number} in another terminal"
        )


def hint(chapter: Chapter) -> int:
    """Print the hints for the first red task, one more each time. Returns 0."""
    verdict = judge(chapter)
    if verdict.first_red is None:
        console.print(f"All green, no hint is needed: make diff-{chapter.number}")
        return 0
    task, _ = verdict.first_red
    told = _hints_told()
    key = f"{chapter.folder}/{task.number}"
    count = min(told.get(key, 0) + 1, len(task.hints))
    try:
        HINTS.write_text(json.dumps(told | {key: count}))
    except OSError as error:
        print(
            f"work/{HINTS.name}: {error.strerror}: the next hint will be this one", file=sys.stderr
        )
    console.print(f"[bold]Task {task.number}: {task.title}[/]")
    for number, text in enumerate(task.hints[:count], 1):
        console.print(Text(f"  {number} of {len(task.hints)}  {text}"))
    if count == len(task.hints):
        console.print(f"That was the last one. The solution: FORCE=1 make diff-{chapter.number}")
    return 0


def _hints_told() -> dict[str, int]:
    """How many hints of each task were shown; a damaged file counts as none."""
    try:
        told = json.loads(HINTS.read_bytes())
        return {key: count for key, count in told.items() if type(count) is int and count >= 0}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def diff(chapter: Chapter, force: bool) -> int:
    """Print what differs between the learner's work and the solution.

    Returns 1, and prints no solution, while a task is red, unless `force`.
    """
    chapter.need_work()
    if not force:
        verdict = judge(chapter)
        if verdict.green < len(chapter.tasks):
            number = chapter.number
            console.print(
                f"{verdict.green} of {len(chapter.tasks)} tasks are green: make check-{number} says why. "
                f"To see the solution now: FORCE=1 make diff-{number}"
            )
            return 1
    files = (chapter.work, chapter.solution)
    mine, solution = (
        file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        for file in files
    )
    my_name, its_name = (str(file.relative_to(ROOT)) for file in files)
    lines = "".join(difflib.unified_diff(mine, solution, my_name, its_name))
    if not lines:
        console.print("Your work and the solution are the same, letter for letter.")
    elif console.is_terminal:
        from rich.syntax import Syntax

        console.print(Syntax(lines, "diff", theme="ansi_dark", background_color="default"))
    else:
        sys.stdout.write(lines)
    return 0


def verdicts(work: list[tuple[Chapter, Path]]) -> Iterator[Verdict | str]:
    """The verdict on each exercise, in order, or the line that says why it has no verdict; with a bar on a terminal."""
    from rich.progress import Progress

    def one(chapter: Chapter, file: Path) -> Verdict | str:
        try:
            return obstacle(chapter, file) or check.run(chapter, file.parent)
        except (CourseError, OSError) as error:
            return str(error)

    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
        ThreadPoolExecutor(2) as pool,
    ):
        step = bar.add_task("checking", total=len(work))
        jobs = [pool.submit(one, *each) for each in work]
        for _ in as_completed(jobs):
            bar.advance(step)
    yield from (job.result() for job in jobs)


def progress(chapters: list[Chapter]) -> int:
    """Check all that was started, and print a table of chapters and tasks. Returns 0."""
    from rich.table import Table

    started = [(each, each.work) for each in chapters if each.work.exists()]
    found = dict(zip([each.number for each, _ in started], verdicts(started), strict=True))
    table = Table(box=None, pad_edge=False)
    for name in ("chapter", "", "tasks", "next"):
        table.add_column(name)
    done = 0
    for chapter in chapters:
        verdict = found.get(chapter.number)
        row = Text()
        for task in chapter.tasks:
            green = isinstance(verdict, Verdict) and verdict.is_green(task)
            done += green
            mark = 2 if verdict is None else 0 if green else 1
            row.append(f"{marks()[mark]} ", style=("green", "red", "dim")[mark])
        if verdict is None:
            step = f"make start-{chapter.number}"
        elif isinstance(verdict, str):
            step = verdict
        else:
            step = "" if verdict.first_red is None else f"make check-{chapter.number}"
        table.add_row(str(chapter.number), chapter.title, row, Text(step))
    console.print(table)
    console.print(f"{done} of {sum(len(each.tasks) for each in chapters)} tasks are green")
    return 0
