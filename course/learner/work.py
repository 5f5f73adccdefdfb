"""The learner's own folder, work/: laid out as solutions/ is, ignored by git, never overwritten."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from course.environment import ROOT, CourseError
from course.manifest import Chapter


def start(chapter: Chapter) -> int:
    """Copy the exercise's starter into work/, unless something is there. Returns the exit status."""
    number, place = chapter.number, chapter.work.relative_to(ROOT)
    if chapter.work.exists():
        print(f"{place} exists already and stays as it is. A fresh one: make reset-{number}")
        for added in _copy_modules(chapter):
            print(f"{added.relative_to(ROOT)} was missing, and has been added.")
        return 0
    _copy_modules(chapter)
    _copy(chapter.starter, chapter.work)
    print(f"{place} is yours to edit: its first lines say what the tasks are.")
    print(f"Then: make check-{number}, or make watch-{number} to check at every save.")
    return 0


def reset(chapter: Chapter, force: bool) -> int:
    """Replace the learner's work by a fresh starter, and keep it as a dated backup.

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
    _copy_modules(chapter)
    backup = _free_name(chapter.work)
    _copy(chapter.starter, chapter.work, backup)
    print(f"{place} is fresh; your work is kept as {backup.relative_to(ROOT)}")
    return 0


def _copy(source: Path, target: Path, backup: Path | None = None) -> None:
    """Copy a file whole or not at all; with `backup`, keep the old one there.

    Raises CourseError when the disk is full or the folder is read-only: `target` is then as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            copy = Path(folder, target.name)
            shutil.copyfile(source, copy)
            if backup:
                target.rename(backup)
            copy.replace(target)
    except OSError as error:
        kept = ""
        if backup:
            kept = f"; your work is {(target if target.exists() else backup).relative_to(ROOT)}"
        place = target.relative_to(ROOT)
        raise CourseError(f"Cannot write {place}: {error.strerror}{kept}") from None


def _copy_modules(chapter: Chapter) -> list[Path]:
    """Copy the modules that the starter imports where they are missing. Returns the new files."""
    missing = [
        (module, chapter.work.with_name(module.name))
        for module in chapter.starter_modules
        if not chapter.work.with_name(module.name).exists()
    ]
    for module, copy in missing:
        _copy(module, copy)
    return [copy for _, copy in missing]


def _free_name(path: Path) -> Path:
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    names = [f"{path.stem}-{stamp}{extra}{path.suffix}" for extra in ("", *"bcdefghij")]
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())
