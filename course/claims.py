"""claims.toml, what the notes claim and what is so today, as objects; and the notebooks' cells that show it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from course.environment import ROOT

FILE = ROOT / "claims.toml"
KINDS = ("claim-", "defect-", "api-")
STATUS = ("works", "changed", "deprecated", "removed", "never")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


class ClaimsError(Exception):
    """claims.toml has a hole; the message is one line."""


@dataclass(frozen=True)
class Section:
    """A heading of the notes, its English title, and the chapter of the book behind it."""

    notes: str
    title: str
    book: int


@dataclass(frozen=True)
class Source:
    """A release note or a page that the entries cite."""

    title: str
    url: str


@dataclass(frozen=True)
class Claim:
    """A statement of the notes, in English and in Chinese (`zh`). If no cell can show it, `document` is a source's key and `why` says why no cell can."""

    id: str
    section: str
    says: str
    zh: str
    verdict: str
    today: str
    source: list[str]
    chapter: int
    then: str = ""
    since: str = ""
    document: str = ""
    why: str = ""


@dataclass(frozen=True)
class Defect:
    """A mistake in a listing of the notes; `test` is the pytest node that holds our own version."""

    number: int
    listing: str
    says: str
    zh: str
    mended: str
    chapter: int
    test: str

    @property
    def id(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class Name:
    """A name that the notes use, or with `ours` do not use; `error` is the exact text that it raises today."""

    name: str
    aliases: list[str]
    status: str
    today: str
    source: list[str]
    chapter: int
    since: str = ""
    deprecated: str = ""
    note: str = ""
    error: str = ""
    ours: bool = False

    @property
    def id(self) -> str:
        return self.name


Entry = Claim | Defect | Name


@dataclass(frozen=True)
class Claims:
    """All of claims.toml."""

    sections: list[Section]
    claims: list[Claim]
    defects: list[Defect]
    names: list[Name]
    sources: dict[str, Source]

    @property
    def entries(self) -> list[Entry]:
        """Everything that a cell may show."""
        return [*self.claims, *self.defects, *self.names]


def tags(entry: Entry) -> set[str]:
    """The tags of the cells that show an entry, in lower case; a name may be tagged with any of its aliases."""
    kind = {Claim: "claim", Defect: "defect", Name: "api"}[type(entry)]
    return {f"{kind}-{each}".lower() for each in [entry.id, *getattr(entry, "aliases", [])]}


def read(file: Path = FILE) -> Claims:
    """What claims.toml holds.

    Raises ClaimsError where a field is missing, empty or unknown, or names something that does not exist.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ClaimsError(f"{file.name}: {error}") from None
    sources = data.pop("source", {})
    kinds = {"section": Section, "claim": Claim, "defect": Defect, "api": Name, "source": Source}
    made: dict[str, list] = {kind: [] for kind in [*kinds, *data]}
    for kind, values in {**data, "source": list(sources.values())}.items():
        for place, value in enumerate(values, 1):
            try:
                made[kind].append(kinds[kind](**value))
            except (TypeError, KeyError) as error:
                raise ClaimsError(f"{file.name}, {kind} {place}: {error}") from None
    known = dict(zip(sources, made["source"], strict=True))
    claims = Claims(made["section"], made["claim"], made["defect"], made["api"], known)
    for hole in _holes(claims):
        raise ClaimsError(f"{file.name}, {hole}")
    return claims


def _holes(claims: Claims) -> Iterator[str]:
    headings = {section.notes for section in claims.sections}
    seen: set[str] = set()
    for entry in claims.entries:
        name = f"{type(entry).__name__.lower()} {entry.id}"
        for each in fields(entry):
            value = getattr(entry, each.name)
            if each.default is MISSING and isinstance(value, str) and not value.strip():
                yield f"{name}: {each.name} is empty"
        for key in [*getattr(entry, "source", []), getattr(entry, "document", "")]:
            if key and key not in claims.sources:
                yield f"{name}: the source {key} does not exist"
        if seen & tags(entry):
            yield f"{name}: another entry has the same name"
        seen |= tags(entry)
        match entry:
            case Claim() if entry.section not in headings:
                yield f"{name}: the section {entry.section} does not exist"
            case Claim() if entry.verdict not in ("true", "changed", "false"):
                yield f"{name}: unknown verdict {entry.verdict}"
            case Claim() if bool(entry.document) != bool(entry.why):
                yield f"{name}: document and why need each other"
            case Name() if entry.status not in STATUS:
                yield f"{name}: unknown status {entry.status}"


@dataclass(frozen=True)
class Cell:
    """A tagged code cell of a notebook: `number` is its In [n], `heading` the nearest heading above it."""

    chapter: int
    notebook: str
    number: int
    heading: str
    tags: frozenset[str]

    @property
    def link(self) -> str:
        """Where to read it, relative to the top folder; the anchor is made as Jupyter makes it."""
        return f"notebooks/{self.notebook}#{self.heading.replace('`', '').replace(' ', '-')}"


def cells(root: Path = ROOT) -> list[Cell]:
    """The tagged cells of all notebooks, in order; their tags are in lower case."""
    found = []
    for file in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        heading = ""
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                heading = (HEADING.findall("".join(cell["source"])) or [heading])[-1]
            mine = frozenset(tag.lower() for tag in cell["metadata"].get("tags", []))
            if cell["cell_type"] == "code" and any(tag.startswith(KINDS) for tag in mine):
                number = cell["execution_count"] or 0
                found.append(Cell(int(file.name[:2]), file.name, number, heading, mine))
    return found


def cells_of(entry: Entry, found: list[Cell]) -> list[Cell]:
    """The cells among `found` that show an entry, those of its own chapter first."""
    mine = [cell for cell in found if tags(entry) & cell.tags]
    return sorted(mine, key=lambda cell: cell.chapter != entry.chapter)
