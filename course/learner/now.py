"""`make now NAME=gen.Task`: what became of an old name, of a claim (C44) or of a defect (defect 12)."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from course.claims import Claim, Claims, Defect, Entry, Name, cells, cells_of, read, tags

COLOURS = {"true": "green", "changed": "yellow", "false": "red"}
COLOURS |= {"works": "green", "deprecated": "yellow", "removed": "red", "never": "red"}


def now(name: str) -> int:
    """Print what became of a name. Returns the exit status: 1 for an unknown name, and then prints the nearest names."""
    claims = read()
    matches = find(claims, name)
    if not matches:
        print(f"The notes have no name {name!r}. {_suggestion(claims, name)}", file=sys.stderr)
        return 1
    console = Console(width=None if sys.stdout.isatty() else 120)
    found = cells()
    for entry in matches:
        for label, text in [*_lines(entry), *_evidence(claims, entry, found)]:
            if text:
                console.print(f"[bold]{label:12}[/] {text}", soft_wrap=True)
        console.print()
    return 0


def find(claims: Claims, name: str) -> list[Entry]:
    """The entries that a reader may mean by `name`: the whole name, its last part, an error's text, or Chinese words."""
    wanted = normalized(name)
    keys = [(entry, _keys(entry)) for entry in claims.entries]
    exact = [entry for entry, names in keys if wanted in names]
    if not exact:
        last = wanted.rpartition(".")[2]
        exact = [entry for entry, names in keys if last in {n.rpartition(".")[2] for n in names}]
    if not exact and len(name.strip()) > 1:
        exact = [entry for entry, _ in keys if _mentions(entry, name.strip())]
    return sorted(exact, key=lambda entry: (entry.id != name, entry.id.lower() != wanted))


def _mentions(entry: Entry, text: str) -> bool:
    """Whether `text` is a part of the entry's error or Chinese line, or a pasted line that ends in the error."""
    error, chinese = getattr(entry, "error", ""), getattr(entry, "zh", "")
    message = error.partition(": ")[2]
    pasted = bool(message) and message.lower() in text.lower()
    part = len(text) > 5 and text.lower() in error.lower()
    return pasted or part or (not text.isascii() and text in chinese)


def normalized(name: str) -> str:
    """A name as it is compared: `@tornado.gen.engine`, `gen.engine` and `Gen.engine()` are the same."""
    bare = name if name.startswith("--") else re.sub(r"^@|\(.*\)$|=.*$", "", name.strip())
    return bare.strip().lower().removeprefix("tornado.").removeprefix("self.") or name


def _keys(entry: Entry) -> set[str]:
    if isinstance(entry, Defect):
        return {f"defect {entry.id}", f"defect-{entry.id}", f"defect{entry.id}"}
    if isinstance(entry, Claim):
        return {entry.id.lower(), *tags(entry)}
    names = [entry.name, *entry.aliases]
    return {each.lower() for each in names} | {normalized(each) for each in names}


def _suggestion(claims: Claims, name: str) -> str:
    """What to try instead of an unknown name: the nearest names, and the claims that contain it as a word."""
    names: dict[str, str] = {}
    for entry in claims.names:
        for each in map(normalized, [entry.name, *entry.aliases]):
            names[each] = names[each.rpartition(".")[2]] = entry.name
    close = difflib.get_close_matches(normalized(name), names, n=8, cutoff=0.5)
    near = list(dict.fromkeys(names[each] for each in close))[:5]
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    places = [claim.id for claim in claims.claims if name and word.search(claim.says)][:5]
    parts = [f"Similar names: {', '.join(near)}."] if near else []
    parts += [f"Claims that mention it: {', '.join(places)}."] if places else []
    return " ".join(parts) or "THEN-AND-NOW.md lists all of them."


def _lines(entry: Entry) -> list[tuple[str, str]]:
    """The label and the text of each line about an entry; the text may be empty."""
    match entry:
        case Name():
            status = _coloured(entry.status).replace("never", "never was Python")
            status += f", since {entry.since}" if entry.since else ""
            status += f", deprecated since {entry.deprecated}" if entry.deprecated else ""
            return [
                ("in the notes", f"[bold]{_plain(entry.name)}[/]"),
                ("became", status),
                ("it raises", _plain(entry.error)),
                ("write", f"[green]{_plain(entry.today)}[/]"),
                ("note", _plain(entry.note)),
            ]
        case Claim():
            verdict = _coloured(entry.verdict) + (f", since {entry.since}" if entry.since else "")
            verdict += ", and so it was in 2012" if entry.then == "false" else ""
            return [
                (entry.id, f"[bold]{_plain(entry.says)}[/]"),
                ("in the notes", escape(entry.section)),
                ("verdict", verdict),
                ("today", _plain(entry.today)),
                ("no cell", _plain(entry.why)),
            ]
    return [
        (f"defect {entry.id}", f"[bold]{_plain(entry.says)}[/]"),
        ("in the notes", _plain(entry.listing)),
        ("mended", _plain(entry.mended)),
        ("test", _plain(entry.test)),
    ]


def _evidence(claims: Claims, entry: Entry, found) -> Iterator[tuple[str, str]]:
    for cell in cells_of(entry, found):
        page = f"notebooks/{cell.notebook}, In [{cell.number}], “{cell.heading}”"
        yield "shown in", _plain(page)
    for key in getattr(entry, "source", []):
        yield "source", escape(f"{claims.sources[key].title}: {claims.sources[key].url}")


def _plain(text: str) -> str:
    """A string of claims.toml for the terminal: without Markdown's backticks, and with rich's brackets escaped."""
    return escape(text.replace("`", ""))


def _coloured(word: str) -> str:
    return f"[{COLOURS[word]}]{word}[/]"
