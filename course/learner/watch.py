"""`make watch-N`: check again at every save."""

from __future__ import annotations

import os

from watchfiles import watch as changes

from course.environment import CourseError
from course.learner import show
from course.learner.check import Run
from course.manifest import Chapter


def watch(chapter: Chapter) -> int:
    """Check now, and again whenever the exercise was saved, until Ctrl-C. Raises CourseError if there is no work."""
    chapter.need_work()
    run, parent = Run(chapter, chapter.work.parent), os.getppid()
    try:
        _show(chapter, run)
        run = Run(chapter, chapter.work.parent)  # gets ready while the learner writes
        for saved in changes(
            chapter.work.parent,
            debounce=200,
            step=50,
            raise_interrupt=True,
            yield_on_timeout=True,
            rust_timeout=1000,
        ):
            if os.getppid() != parent:  # `make` or the terminal has ended
                break
            if any(path.endswith(".py") for _, path in saved):
                show.console.clear()
                _show(chapter, run)
                run = Run(chapter, chapter.work.parent)
    except KeyboardInterrupt:
        print()
    finally:
        run.cancel()
    return 0


def _show(chapter: Chapter, run: Run) -> None:
    try:
        if problem := show.obstacle(chapter, chapter.work):
            run.cancel()
            raise CourseError(problem)
        show.show(run.verdict())
    except CourseError as error:
        show.console.print(str(error), markup=False)
    show.console.print("[dim]watching; Ctrl-C ends it[/]")
