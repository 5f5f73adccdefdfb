"""course.toml, the one ordered list of chapters, tasks and hints, as objects."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path

from course.environment import ROOT, CourseError


class ManifestError(Exception):
    """course.toml lacks something, or a command names a chapter that it does not list."""


@dataclass(frozen=True)
class Task:
    """One task of an exercise; `starter` is the kind of failure with which the untouched starter is red."""

    number: int
    title: str
    starter: str
    hints: list[str]


@dataclass(frozen=True)
class Chapter:
    """One chapter; `open` and `tries` have `{port}` where the port goes, `open` is empty where nothing is served."""

    number: int
    name: str
    title: str
    notes: str
    section: str
    tries: list[str]
    tasks: list[Task]
    open: str = ""

    @property
    def folder(self) -> str:
        """The name of its folder in chapters/, solutions/ and work/."""
        return f"{self.number:02d}_{self.name}"

    @property
    def script(self) -> Path:
        return ROOT / "chapters" / self.folder / "main.py"

    @property
    def starter(self) -> Path:
        return ROOT / "chapters" / self.folder / "exercise.py"

    @property
    def solution(self) -> Path:
        return ROOT / "solutions" / self.folder / "exercise.py"

    @property
    def starter_modules(self) -> list[Path]:
        """The modules of the chapter's folder that the starter imports, directly or through one of them, by name."""
        found: set[Path] = set()
        todo = [self.starter]
        while todo:
            for name in _imports(todo.pop()):
                module = self.starter.with_name(f"{name}.py")
                if module.exists() and module not in found:
                    found.add(module)
                    todo.append(module)
        return sorted(found)

    @property
    def work(self) -> Path:
        """Where the learner's own exercise is, or will be."""
        return ROOT / "work" / self.folder / "exercise.py"

    @property
    def checks(self) -> Path:
        return ROOT / "tests" / "exercises" / f"test_{self.folder}.py"

    def need_work(self) -> None:
        """Raises CourseError, which says what to do, if the learner has not started."""
        if not self.work.exists():
            start = f"make start-{self.number} puts the exercise there."
            raise CourseError(f"Nothing in work/{self.folder}/ yet: {start}")


def _imports(file: Path) -> list[str]:
    """The modules that a file imports at its top level, such as ["asyncio", "memory"]."""
    names: list[str] = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def chapters(file: Path = ROOT / "course.toml") -> list[Chapter]:
    """All chapters, in order.

    Raises ManifestError, in one line, where the file is not TOML, a key is missing or unknown, a hint is empty or a number
    is out of order.
    """
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))["chapter"]
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{file.name}: {error}") from None
    found = []
    for index, entry in enumerate(entries, 1):
        try:
            tasks = [
                Task(number, **task) for number, task in enumerate(entry.pop("task", []), start=1)
            ]
            chapter = Chapter(**entry, tasks=tasks)
        except TypeError as error:
            raise ManifestError(f"{file.name}, chapter {index}: {error}") from None
        if chapter.number != index:
            raise ManifestError(f"{file.name}: chapter {chapter.number} stands in place {index}")
        for task in tasks:
            if not task.hints or not all(hint.strip() for hint in task.hints):
                raise ManifestError(f"{file.name}: an empty hint in {index}, task {task.number}")
        if not tasks:
            raise ManifestError(f"{file.name}: chapter {index} has no task")
        found.append(chapter)
    return found


def chapter(number: str) -> Chapter:
    """The chapter with this number. Raises ManifestError, in one line, if it does not exist."""
    known = chapters()
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= len(known)):
        raise ManifestError(f"there is no chapter {number}: the chapters are 1 to {len(known)}")
    return known[int(number) - 1]
