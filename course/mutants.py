"""`make mutants`: how many slips in the solutions the learner's checks catch."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from queue import Queue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from course.environment import ROOT
from course.judge import Judge
from course.manifest import Chapter
from course.mutate import Mutant, mutants

LIST = ROOT / "tests" / "shelf" / "survivors.toml"
WANTED = 0.95
"""The part of the mutants that change behaviour which the checks must catch."""
WORKERS = 2

console = Console(highlight=False, soft_wrap=True)


@dataclass
class Count:
    """What became of a chapter's mutants.

    Those that survived are `given` (in a line that the starter has as well: no task asks for it), listed as `equal` or as
    `open`, or unlisted, in `new`.
    """

    chapter: Chapter
    caught: int = 0
    given: int = 0
    equal: int = 0
    open: int = 0
    new: list[Mutant] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The caught part of those that change behaviour."""
        return self.caught / max(1, self.caught + self.open + len(self.new))


def listed(chapter: Chapter) -> dict[tuple[str, str, str], dict]:
    """The survivors that are known, each with its reason: `equal` ones change nothing that can be seen, `open` ones
    change what the task leaves open."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8")).get(chapter.folder, [])
    return {(entry["where"], entry["old"], entry["new"]): entry for entry in entries}


def main(chapters: list[Chapter]) -> int:
    """Run the checks on every mutant of the chapters' solutions, and print a table.

    Returns 1 if a survivor is not listed, if too few are caught, or if the list names what is no longer there.
    """
    found = {each.number: mutants(each.solution.read_text(encoding="utf-8")) for each in chapters}
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    ]
    with ExitStack() as stack:
        judges: Queue[Judge] = Queue()
        for _ in range(WORKERS):
            judges.put(stack.enter_context(closing(Judge())))
        bar = stack.enter_context(Progress(*columns, console=console))
        pool = stack.enter_context(ThreadPoolExecutor(WORKERS))
        stack.callback(pool.shutdown, cancel_futures=True)  # Ctrl-C drops what has not begun
        step = bar.add_task("mutants", total=len(chapters) + sum(map(len, found.values())))
        counts = []
        for chapter in chapters:
            bar.update(step, description=f"chapter {chapter.number}")
            verdicts = _judged(chapter, found[chapter.number], pool, judges, bar, step)
            if verdicts is None:
                console.print(f"The solution of chapter {chapter.number} itself is red.")
                return 1
            counts.append(_count(chapter, verdicts))
    return _report(counts)


def _judged(
    chapter: Chapter, found: list[Mutant], pool, judges: Queue[Judge], bar: Progress, step
) -> list[tuple[Mutant, bool]] | None:
    """Each mutant and whether it is caught; None if the solution itself is red."""

    def is_caught(text: str) -> bool:
        judge = judges.get()
        try:
            return judge.is_caught(chapter, text)
        finally:
            judges.put(judge)
            bar.advance(step)

    if is_caught(chapter.solution.read_text(encoding="utf-8")):
        return None
    return list(zip(found, pool.map(is_caught, [each.text for each in found]), strict=True))


def _count(chapter: Chapter, verdicts: list[tuple[Mutant, bool]]) -> Count:
    count, known, own = Count(chapter), listed(chapter), chapter.own_lines
    for mutant, caught in verdicts:
        entry = known.pop(mutant.key, None)
        if caught:
            count.caught += 1
            if entry:
                count.stale.append(f"it is caught now: {mutant}")
        elif mutant.line not in own:
            count.given += 1
        elif entry is None:
            count.new.append(mutant)
        elif entry["kind"] == "equal":
            count.equal += 1
        else:
            count.open += 1
    count.stale += [f"no mutant is so any more: {' | '.join(key)}" for key in known]
    return count


def _report(counts: list[Count]) -> int:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in (
        "chapter",
        "mutants",
        "caught",
        "given",
        "equal",
        "left open",
        "not listed",
        "rate",
    ):
        table.add_column(name, justify="right" if name != "chapter" else "left")
    total = Count(counts[0].chapter)
    for count in counts:
        table.add_row(*_row(str(count.chapter.number), count))
        total.caught += count.caught
        total.given += count.given
        total.equal += count.equal
        total.open += count.open
        total.new += count.new
        total.stale += count.stale
    if len(counts) > 1:
        table.add_row(*_row("all", total))
    console.print(table)
    for count in counts:
        for mutant in count.new:
            console.print(f"survived in chapter {count.chapter.number}, {mutant}", markup=False)
        for text in count.stale:
            console.print(f"listed for chapter {count.chapter.number}, but {text}", markup=False)
    too_few = [count for count in counts if count.rate < WANTED]
    for count in too_few:
        console.print(f"chapter {count.chapter.number}: fewer than {WANTED:.0%} are caught")
    return 1 if total.new or total.stale or too_few else 0


def _row(name: str, count: Count) -> list[str]:
    survived = (count.given, count.equal, count.open, len(count.new))
    numbers = (count.caught + sum(survived), count.caught, *survived)
    return [name, *map(str, numbers), f"{count.rate:.1%}"]
