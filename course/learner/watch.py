"""`make watch-N`: the checks at every save."""

from __future__ import annotations

import sys

from watchfiles import watch as changes

from course.learner import show
from course.learner.check import CheckError, Run
from course.manifest import Chapter


def watch(chapter: Chapter) -> int:
    """Check at once, and again whenever the exercise was saved, until Ctrl-C. Returns 0, or 1 if there is no work."""
    if not chapter.work.exists():
        print(chapter.to_start, file=sys.stderr)
        return 1
    run = Run(chapter, chapter.work.parent)
    try:
        _show(run)
        run = Run(chapter, chapter.work.parent)  # gets ready while the learner writes
        for saved in changes(chapter.work.parent, debounce=200, step=50, raise_interrupt=True):
            if any(path.endswith(".py") for _, path in saved):
                show.console.clear()
                _show(run)
                run = Run(chapter, chapter.work.parent)
    except KeyboardInterrupt:
        print()
    finally:
        run.cancel()
    return 0


def _show(run: Run) -> None:
    try:
        show.show(run.verdict())
        show.console.print("[dim]watching; Ctrl-C ends it[/]")
    except CheckError as error:
        show.console.print(str(error))
