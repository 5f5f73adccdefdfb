"""What the learner reads: the verdict on a chapter, hints, the way to the solution, progress."""

from __future__ import annotations

import difflib
import json
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console
from rich.text import Text

from course.environment import ROOT
from course.learner import check
from course.learner.check import Verdict
from course.manifest import Chapter

console = Console(highlight=False, soft_wrap=True)
HINTS = ROOT / "work" / ".hints.json"


def check_work(chapter: Chapter) -> int:
    """Check the learner's work and say what came out. Returns 0 if all is green, else 1."""
    if not chapter.work.exists():
        print(chapter.to_start, file=sys.stderr)
        return 1
    return show(check.run(chapter, chapter.work.parent))


def show(verdict: Verdict) -> int:
    """Print a verdict: a line a task, then the first red one in full."""
    chapter = verdict.chapter
    place = chapter.work.relative_to(ROOT)
    console.print(f"[bold]Chapter {chapter.number}: {chapter.title}[/]    {place}")
    width = max(len(task.title) for task in chapter.tasks)
    for task in chapter.tasks:
        results = verdict.of(task)
        passed = sum(result.outcome == "passed" for result in results)
        green = verdict.is_green(task)
        line = Text(f"  {'✓' if green else '✗'} ", style="green" if green else "red")
        line.append(f"Task {task.number}  {task.title:{width}}  ", style="default")
        if green:
            line.append(_checks(passed), style="dim")
        elif any(each.failure and each.failure["whole"] for each in results):
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
    return "1 check" if count == 1 else f"{count} checks"


def _explain(chapter: Chapter, task, result) -> None:
    failure = result.failure
    file = chapter.work.relative_to(ROOT)
    title = f"Task {task.number}: {result.check}"
    if failure["whole"]:
        title = "Nothing can be checked before this is mended:"
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
        console.print(Text(f"  {file}:{line['line']}    {line['code']}"))
    if failure["printed"]:
        console.print(Text("  it printed:", style="dim"))
        for line in failure["printed"].splitlines():
            console.print(Text(f"    {line[:200]}", style="dim"))
    step = "check" if failure["whole"] else "hint"
    console.print(f"\nnext: make {step}-{chapter.number}")
    if "//localhost:8000" in failure["replay"]:
        console.print(f"to send that request yourself, run .venv/bin/python {file} beside it")


def hint(chapter: Chapter) -> int:
    """Print the hints for the first red task, one more each time. Returns 0."""
    if not chapter.work.exists():
        print(chapter.to_start, file=sys.stderr)
        return 1
    red = check.run(chapter, chapter.work.parent).first_red
    if red is None:
        console.print(f"All green, no hint is needed: make diff-{chapter.number}")
        return 0
    task, _ = red
    told = _hints_told()
    key = f"{chapter.folder}/{task.number}"
    count = min(told.get(key, 0) + 1, len(task.hints))
    HINTS.write_text(json.dumps(told | {key: count}))
    console.print(f"[bold]Task {task.number}: {task.title}[/]")
    for number, text in enumerate(task.hints[:count], 1):
        console.print(Text(f"  {number} of {len(task.hints)}  {text}"))
    if count == len(task.hints):
        console.print(f"That was the last one. The solution: FORCE=1 make diff-{chapter.number}")
    return 0


def _hints_told() -> dict[str, int]:
    try:
        return json.loads(HINTS.read_text())
    except (OSError, ValueError):
        return {}


def diff(chapter: Chapter, force: bool) -> int:
    """Print what differs between the learner's work and the solution.

    Returns 1, and prints no solution, while a task is red, unless `force`.
    """
    if not chapter.work.exists():
        print(chapter.to_start, file=sys.stderr)
        return 1
    if not force:
        verdict = check.run(chapter, chapter.work.parent)
        if verdict.green < len(chapter.tasks):
            number = chapter.number
            console.print(
                f"{verdict.green} of {len(chapter.tasks)} tasks are green: make check-{number} says why. "
                f"To see the solution now: FORCE=1 make diff-{number}"
            )
            return 1
    files = [chapter.work, chapter.solution]
    texts = [
        file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        for file in files
    ]
    names = [str(file.relative_to(ROOT)) for file in files]
    lines = "".join(difflib.unified_diff(*texts, *names))
    if not lines:
        console.print("Your work and the solution are the same, letter for letter.")
    elif console.is_terminal:
        from rich.syntax import Syntax

        console.print(Syntax(lines, "diff", theme="ansi_dark", background_color="default"))
    else:
        sys.stdout.write(lines)
    return 0


def progress(chapters: list[Chapter]) -> int:
    """Check all that was started, and print a table of chapters and tasks. Returns 0."""
    from rich.progress import Progress
    from rich.table import Table

    started = [chapter for chapter in chapters if chapter.work.exists()]
    verdicts: dict[int, Verdict] = {}
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
        ThreadPoolExecutor(2) as pool,
    ):
        step = bar.add_task("checking", total=len(started))
        jobs = [pool.submit(check.run, each, each.work.parent) for each in started]
        for job in as_completed(jobs):
            verdicts[job.result().chapter.number] = job.result()
            bar.advance(step)
    table = Table(box=None, pad_edge=False)
    for name in ("chapter", "", "tasks", "next"):
        table.add_column(name)
    for chapter in chapters:
        verdict = verdicts.get(chapter.number)
        marks = Text()
        for task in chapter.tasks:
            green = verdict is not None and verdict.is_green(task)
            marks.append("✓ " if green else "· ", style="green" if green else "dim")
        if verdict is None:
            step = f"make start-{chapter.number}"
        else:
            step = "" if verdict.first_red is None else f"make check-{chapter.number}"
        table.add_row(str(chapter.number), chapter.title, marks, step)
    console.print(table)
    done = sum(verdict.green for verdict in verdicts.values())
    console.print(f"{done} of {sum(len(each.tasks) for each in chapters)} tasks are green")
    return 0
