"""What the notes claim and what is so today: `claims` prints it, `now NAME` finds an old name, and the page is written."""

from __future__ import annotations

import difflib
import re
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from course.evidence import ROOT, Cell, cells, cells_of, entries, load
from course.then_and_now import counts, page

PAGE = ROOT / "THEN-AND-NOW.md"
COLOURS = {"true": "green", "changed": "yellow", "false": "red"}
COLOURS |= {"works": "green", "deprecated": "yellow", "removed": "red", "never": "red"}


def write_page() -> bool:
    """Write THEN-AND-NOW.md anew from claims.toml and the notebooks. Returns whether it has changed."""
    if page_is_fresh():
        return False
    PAGE.write_text(page(load(), cells()), encoding="utf-8")
    return True


def page_is_fresh() -> bool:
    """Whether THEN-AND-NOW.md is what claims.toml and the notebooks would give now."""
    return PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page(load(), cells())


# --------------------------------------------------------------------------------------------- claims


def print_claims() -> int:
    """Print the claims, the defects and the old names as tables. Returns the exit status, 0."""
    data, found, console = load(), cells(), _console()
    table = _table("What the notes claim", "", "the notes say", "verdict", "today", "chapter: In")
    for section in data["section"]:
        table.add_section()
        table.add_row("", f"[bold]{escape(section['notes'])}[/] {escape(section['title'])}")
        for claim in data["claim"]:
            if claim["section"] == section["notes"]:
                says, today = plain(claim["says"]), plain(claim["today"])
                place = _places(found, "claim", claim["id"], claim)
                table.add_row(claim["id"], says, _coloured(claim["verdict"]), today, place)
    console.print(table)
    console.print(counts(data), "\n", sep="")
    table = _table(
        "What is wrong in the notes' listings", "", "what is wrong", "mended", "chapter: In"
    )
    for defect in data["defect"]:
        place = _places(found, "defect", str(defect["number"]), defect)
        table.add_row(str(defect["number"]), plain(defect["says"]), plain(defect["mended"]), place)
    console.print(table, "")
    table = _table("The old names", "in the notes", "status", "since", "today", "chapter: In")
    for api in data["api"]:
        place = _places(found, "api", api["name"], api)
        status = _coloured(api["status"])
        table.add_row(plain(api["name"]), status, api.get("since", ""), plain(api["today"]), place)
    console.print(table)
    console.print("More of each: make now NAME=gen.Task, make now NAME=C44")
    return 0


def _console() -> Console:
    """A console that is 120 columns wide where nobody looks at a terminal."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=True)
    for column in columns:
        wide = column not in ("", "verdict", "status", "since", "chapter: In", "in the notes")
        table.add_column(
            column,
            ratio=1 if wide else None,
            max_width=None if wide else 20,
            no_wrap=column in ("", "verdict"),
        )
    return table


def plain(text: str) -> str:
    """A text of claims.toml for the terminal: without Markdown's backticks, and with rich's brackets escaped."""
    return escape(text.replace("`", ""))


def _coloured(word: str) -> str:
    return f"[{COLOURS[word]}]{word}[/]"


def _places(found: list[Cell], kind: str, name: str, entry: dict) -> str:
    mine = cells_of(found, kind, name, entry)
    if not mine:
        return "document" if "document" in entry else f"chapter {entry['chapter']}"
    return escape(", ".join(f"{cell.chapter}: [{cell.number}]" for cell in mine))


# ------------------------------------------------------------------------------------------------ now


def now(name: str) -> int:
    """Print what became of an old name, or of a claim (C44) or a defect (defect 12).

    Returns the exit status: 0, or 1 for a name that is not known; then the nearest ones are printed.
    """
    data, console = load(), _console()
    matches = find(data, name)
    if not matches:
        print(f"The notes have no name {name!r}. {_instead(data, name)}", file=sys.stderr)
        return 1
    found = cells()
    for kind, key, entry in matches:
        lines = {"claim": _claim, "defect": _defect, "api": _api}[kind](entry)
        for label, text in [*lines, *_evidence(data, found, kind, key, entry)]:
            console.print(f"[bold]{label:12}[/] {text}", soft_wrap=True)
        console.print()
    return 0


def _instead(data: dict, name: str) -> str:
    """What to try for a name that is not known: the nearest names, and the claims that have it as a word."""
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    places = [claim["id"] for claim in data["claim"] if name and word.search(claim["says"])]
    names = nearest(data, name)
    told = f"Near it: {', '.join(names)}. " if names else ""
    told += f"Claims that speak of it: {', '.join(places[:5])}." if places else ""
    return told.strip() or "`make claims` prints all of them."


def find(data: dict, name: str) -> list[tuple[str, str, dict]]:
    """The entries that a reader may mean by `name`: as it is written, without decoration, then its last part."""
    wanted = simple(name)
    known = [(kind, key, entry, _keys(kind, key, entry)) for kind, key, entry in entries(data)]
    for test in (
        lambda keys: wanted in keys,
        lambda keys: wanted.rpartition(".")[2] in {each.rpartition(".")[2] for each in keys},
    ):
        if matches := [(kind, key, entry) for kind, key, entry, keys in known if test(keys)]:
            return sorted(matches, key=lambda match: match[1].lower() != wanted)
    return []


def simple(name: str) -> str:
    """A name as it is compared: `@tornado.gen.engine`, `gen.engine` and `Gen.engine()` are one."""
    bare = re.sub(r"^@|\(.*\)$|=.*$", "", name.strip()) if not name.startswith("--") else name
    return bare.strip().lower().removeprefix("tornado.").removeprefix("self.") or name


def _keys(kind: str, key: str, entry: dict) -> set[str]:
    if kind == "defect":
        return {f"defect {key}", f"defect-{key}", f"defect{key}"}
    if kind == "claim":
        return {key.lower(), f"claim-{key.lower()}"}
    return {each.lower() for each in [key, *entry["aliases"]]} | {
        simple(each) for each in [key, *entry["aliases"]]
    }


def nearest(data: dict, name: str) -> list[str]:
    """At most five of the notes' names that look like `name`."""
    names = {}
    for api in data["api"]:
        for each in [api["name"], *api["aliases"]]:
            names[simple(each)] = names[simple(each).rpartition(".")[2]] = api["name"]
    close = difflib.get_close_matches(simple(name), names, n=8, cutoff=0.5)
    return list(dict.fromkeys(names[each] for each in close))[:5]


def _api(api: dict) -> list[tuple[str, str]]:
    became = _coloured(api["status"]) + (f", since {api['since']}" if "since" in api else "")
    became = became.replace("never", "never was Python")
    if "deprecated" in api:
        became += f", deprecated since {api['deprecated']}"
    return [
        ("in the notes", f"[bold]{plain(api['name'])}[/]"),
        ("became", became),
        *([("it raises", plain(api["error"]))] if "error" in api else []),
        ("write", f"[green]{plain(api['today'])}[/]"),
        *([("note", plain(api["note"]))] if "note" in api else []),
    ]


def _claim(claim: dict) -> list[tuple[str, str]]:
    then = ", and so it was in 2012" if claim.get("then") == "false" else ""
    since = f", since {claim['since']}" if "since" in claim else ""
    return [
        (claim["id"], f"[bold]{plain(claim['says'])}[/]"),
        ("in the notes", escape(claim["section"])),
        ("verdict", _coloured(claim["verdict"]) + since + then),
        ("today", plain(claim["today"])),
        *([("no cell", plain(claim["why"]))] if "why" in claim else []),
    ]


def _defect(defect: dict) -> list[tuple[str, str]]:
    return [
        (f"defect {defect['number']}", f"[bold]{plain(defect['says'])}[/]"),
        ("in the notes", plain(defect["listing"])),
        ("mended", plain(defect["mended"])),
        *([("test", plain(defect["test"]))] if "test" in defect else []),
    ]


def _evidence(data: dict, found: list[Cell], kind: str, key: str, entry: dict):
    for cell in cells_of(found, kind, key, entry):
        place = f"make notebook-{cell.chapter}, In [{cell.number}], “{cell.heading}”"
        yield "shown in", escape(place.replace("`", ""))
    for source in entry.get("source", []):
        yield (
            "source",
            escape(f"{data['source'][source]['title']}: {data['source'][source]['url']}"),
        )
