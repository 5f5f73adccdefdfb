"""The learner's own folder, work/: laid out as solutions/ is, ignored by git, never overwritten."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path

from course.environment import ROOT
from course.manifest import Chapter


def start(chapter: Chapter) -> int:
    """Copy the exercise's starter into work/, unless something is there. Returns the exit status."""
    number, place = chapter.number, chapter.work.relative_to(ROOT)
    if chapter.work.exists():
        print(f"{place} exists already and stays as it is. A fresh one: make reset-{number}")
        for added in _copy_modules(chapter):
            print(f"{added.relative_to(ROOT)} was missing beside it, and is there now.")
        return 0
    _copy(chapter)
    print(f"{place} is yours to edit: its first lines say what the tasks are.")
    print(f"Then: make check-{number}, or make watch-{number} to check at every save.")
    return 0


def reset(chapter: Chapter, force: bool) -> int:
    """Put a fresh starter in the place of the learner's work, which is kept as a dated backup.

    Asks first, unless `force`. Returns the exit status: 1 if the answer is no.
    """
    if not chapter.work.exists():
        return start(chapter)
    place = chapter.work.relative_to(ROOT)
    if not force:
        if not sys.stdin.isatty():
            print(f"To put a fresh starter at {place}: FORCE=1 make reset-{chapter.number}")
            return 1
        if input(f"A fresh starter for {place}? The old one is kept. [y/N] ").lower() != "y":
            return 1
    backup = _free_name(chapter.work)
    chapter.work.rename(backup)
    _copy(chapter)
    print(f"{place} is fresh; your work is kept as {backup.relative_to(ROOT)}")
    return 0


def _copy(chapter: Chapter) -> None:
    """Copy the starter, and the modules of the chapter's folder that it imports."""
    chapter.work.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(chapter.starter, chapter.work)
    _copy_modules(chapter)


def _copy_modules(chapter: Chapter) -> list[Path]:
    """Copy the modules that the starter imports where they are missing. Returns the new files."""
    missing = [
        (module, chapter.work.with_name(module.name))
        for module in chapter.starter_modules
        if not chapter.work.with_name(module.name).exists()
    ]
    for module, copy in missing:
        shutil.copyfile(module, copy)
    return [copy for _, copy in missing]


def _free_name(path: Path) -> Path:
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    names = [f"{path.stem}-{stamp}{extra}{path.suffix}" for extra in ("", *"bcdefghij")]
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())
