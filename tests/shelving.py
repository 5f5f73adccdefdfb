"""The shelf of wrong and right answers: what is on it, and what the checks say of each."""

from __future__ import annotations

import fcntl
import os
import re
import tomllib
from dataclasses import dataclass, field

from course import verdict
from course.checks import Verdict
from course.manifest import Chapter, chapters

from servers import ROOT

SHELF = ROOT / "tests" / "shelf"


@dataclass(frozen=True)
class Answer:
    """One answer on the shelf. Of a wrong one the first red task is `task`, it fails as `kind`, and the message has the
    words of `says` in it, and what matches `varies` differs from run to run; of a right one all is green."""

    chapter: Chapter
    name: str
    text: str
    right: bool
    task: int = 0
    kind: str = "wrong"
    says: list[str] = field(default_factory=list)
    varies: str = ""

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


def message(found: Verdict, varies: str = "") -> str:
    """A verdict as the learner reads it, with nothing in it that differs from run to run."""
    with verdict.console.capture() as capture:
        verdict.show(found)
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    for pattern, stable in [
        (varies or "(?!)", "SOMETHING"),
        (r"held up for [\d.]+ s", "held up for SOME s"),
        (r"\b\d\.\d+ s (?=later)|(?<=204 after )\d\.\d+ s", "SOME s "),
        (r"definition \d", "definition N"),
        (r"\d{4}-\d\d-\d\dT[\d:.]*(\+00:00)?", "TIME"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b[0-9a-f]{24}\b", "OBJECTID"),
        (r"0x[0-9a-f]{6,}", "0xADDRESS"),
        (r"/\S*/(?:shelf|course|pytest)-[^/\s']+(/\S*?(?=[\w.]+\b(?!/)))?", "FOLDER/"),
    ]:
        text = re.sub(pattern, stable, text)
    return text


def kept(chapter: Chapter) -> dict[str, str]:
    """The messages that were kept, by the names of the answers."""
    file = SHELF / chapter.folder / "messages.txt"
    parts = re.split(r"^=== (.+)\n", file.read_text(encoding="utf-8"), flags=re.M)[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def keep(answer: Answer, text: str) -> None:
    """Keep an answer's message in the place of an older one, in the order of the shelf."""
    file = SHELF / answer.chapter.folder / "messages.txt"
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # another worker may be writing its own
        texts = kept(answer.chapter) if file.exists() else {}
        texts[answer.name] = text
        names = [each.name for each in answers(answer.chapter) if not each.right]
        parts = [f"=== {name}\n{texts[name]}\n" for name in names if name in texts]
        file.write_text("\n".join(parts), encoding="utf-8")
    finally:
        os.close(folder)
