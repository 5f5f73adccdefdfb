"""The shelf of wrong and right answers: what is on it, and what the checks say of each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field

from course.learner import show
from course.learner.check import Verdict
from course.manifest import Chapter, chapters

from servers import ROOT

SHELF = ROOT / "tests" / "shelf"


@dataclass(frozen=True)
class Answer:
    """One answer on the shelf. Of a wrong one the first red task is `task`, it fails as `kind`, and the message has the
    words of `says` in it; of a right one all is green."""

    chapter: Chapter
    name: str
    text: str
    right: bool
    task: int = 0
    kind: str = "wrong"
    says: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.chapter.folder}: {self.name}"


def answers(chapter: Chapter) -> list[Answer]:
    """All answers of a chapter's shelf; those that are patches, applied to the solution."""
    folder = SHELF / chapter.folder
    solution = chapter.solution.read_text(encoding="utf-8")
    entries = tomllib.loads((folder / "answers.toml").read_text(encoding="utf-8"))
    found = []
    for right in (False, True):
        for entry in entries.get("right" if right else "wrong", []):
            text = _patched(solution, entry, f"{chapter.folder}: {entry['name']}")
            found.append(Answer(chapter, text=text, right=right, **entry))
    for file in sorted((folder / "right").glob("*.py")):
        text = file.read_text(encoding="utf-8")
        found.append(Answer(chapter, file.stem.replace("_", " "), text, right=True))
    return found


def _patched(text: str, entry: dict, name: str) -> str:
    """The text with the patch of an entry applied; what it replaces must stand there exactly once."""
    old, new = entry.pop("old"), entry.pop("new")
    pairs = [(old, new)] if isinstance(old, str) else list(zip(old, new, strict=True))
    for before, after in pairs:
        assert text.count(before) == 1, f"{name}: {text.count(before)} times {before!r}"
        text = text.replace(before, after)
    return text


def shelf() -> list[Answer]:
    """All answers of all chapters that have a shelf."""
    kept = [chapter for chapter in chapters() if (SHELF / chapter.folder).exists()]
    return [answer for chapter in kept for answer in answers(chapter)]


def message(found: Verdict) -> str:
    """A verdict as the learner reads it."""
    with show.console.capture() as capture:
        show.show(found)
    return capture.get()
