"""THEN-AND-NOW.md, made from claims.toml: for a reader who comes with the notes or the book in hand."""

from __future__ import annotations

import re

from course.evidence import ROOT, Cell, cells_of

INTRO = """\
# Then and now

<!-- Made from claims.toml by `python -m course weave`; to change it, change that file. -->

You have the notes of 2012 at hand, or the book behind them, *Introduction to Tornado* (2012). This page says what is left
of each of their statements on Tornado 6.6, PyMongo 4.20 and Python 3.11 or newer, what to write today, and which cell of
which notebook shows it. Nothing here is said from memory: the cells are run by the tests, and their outputs are compared.

- [What the notes claim](#what-the-notes-claim), section by section
- [The old names](#the-old-names): what became of each, and what to write
- [What is wrong in the listings](#what-is-wrong-in-the-listings)

On the terminal: `make claims` prints this page as tables; `make now NAME=gen.Task` finds one name, `make now NAME=C44` one
claim.
"""
CLAIMS = """
## What the notes claim

{counts}

- *true*: it holds as the notes say it.
- *changed*: it holds, but under another name, or not in all of it.
- *false*: it does not hold today. *Then too*: nor did it in 2012.
"""
NAMES = """
## The old names

Each name that the notes use. An error is the exact text that it raises today.

| in the notes | status | today's error | write | shown in | source |
|---|---|---|---|---|---|
"""
DEFECTS = """
## What is wrong in the listings

{number} mistakes of the notes' programs that no new version made: they were mistakes in 2012 too. The cell shows the notes'
way failing; the test holds ours.

| | listing | what is wrong | mended | shown in | test |
|---|---|---|---|---|---|
"""


def counts(data: dict) -> str:
    """How many claims are true, changed and false, in one sentence."""
    number = {
        verdict: sum(claim["verdict"] == verdict for claim in data["claim"])
        for verdict in ("true", "changed", "false")
    }
    before = sum(claim.get("then") == "false" for claim in data["claim"])
    return (
        f"{len(data['claim'])} claims: {number['true']} are true today, {number['changed']} have "
        f"changed, {number['false']} are false. {before} of them were wrong in 2012 already."
    )


def page(data: dict, found: list[Cell]) -> str:
    """The text of THEN-AND-NOW.md."""
    parts = [INTRO, CLAIMS.format(counts=counts(data))]
    for section in data["section"]:
        mine = [claim for claim in data["claim"] if claim["section"] == section["notes"]]
        heading = section["notes"]
        if section["title"] != heading:
            heading += f" ({section['title']})"
        parts.append(f"\n### {heading}\n\nIn the book: chapter {section['book']}.\n")
        parts.append("\n| | the notes say | verdict | today | shown in | source |\n")
        parts.append("|---|---|---|---|---|---|\n")
        parts += [_claim(data, claim, found) for claim in mine]
    parts.append(NAMES)
    parts += [_api(data, api, found) for api in sorted(data["api"], key=lambda api: api["chapter"])]
    parts.append(DEFECTS.format(number=len(data["defect"])))
    parts += [_defect(data, defect, found) for defect in data["defect"]]
    return "".join(parts)


def _claim(data: dict, claim: dict, found: list[Cell]) -> str:
    verdict = f"*{claim['verdict']}*"
    if claim.get("then") == "false":
        verdict += ", then too" if claim["verdict"] == "false" else ", and so it was then"
    since = f" (Since {claim['since']}.)" if "since" in claim else ""
    shown = _links(found, "claim", claim["id"], claim)
    if "why" in claim:
        shown = "no cell: " + claim["why"][0].lower() + claim["why"][1:]
    return _row(
        f'<a id="{claim["id"]}"></a>{claim["id"]}',
        _text(claim["says"]),
        verdict,
        _text(claim["today"]) + since,
        shown,
        _sources(data, claim),
    )


def _api(data: dict, api: dict, found: list[Cell]) -> str:
    status = api["status"] + (f" ({api['since']})" if "since" in api else "")
    if "deprecated" in api:
        status += f", deprecated ({api['deprecated']})"
    write = _code(api["today"]) + (f"<br>{_text(api['note'])}" if "note" in api else "")
    error = _code(api["error"]) if "error" in api else ""
    shown = _links(found, "api", api["name"], api)
    return _row(_code(api["name"]), status, error, write, shown, _sources(data, api))


def _defect(data: dict, defect: dict, found: list[Cell]) -> str:
    number = str(defect["number"])
    test = defect.get("test", "")
    if not (ROOT / test.partition("::")[0]).is_file():
        test = ""  # its chapter is not there yet
    if test:
        name = test.rpartition("::")[2].partition("[")[0]
        test = f"[{name.removeprefix('test_').replace('_', ' ')}]({test.partition('::')[0]})"
    return _row(
        number,
        _text(defect["listing"]),
        _text(defect["says"]),
        _text(defect["mended"]),
        _links(found, "defect", number, defect),
        test,
    )


def _row(*fields: str) -> str:
    return "| " + " | ".join(fields) + " |\n"


def _text(text: str) -> str:
    """A text of claims.toml for a table of Markdown; what stands in backticks stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*<\[]|(?<!\w)_)", r"\\\1", part) for part in parts[::2]]
    return "".join(parts).replace("|", r"\|")


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _links(found: list[Cell], kind: str, name: str, entry: dict) -> str:
    mine = cells_of(found, kind, name, entry)
    if not mine:
        return f"chapter {entry['chapter']}"
    return ", ".join(f"[chapter {cell.chapter}, In [{cell.number}]]({cell.link})" for cell in mine)


def _sources(data: dict, entry: dict) -> str:
    found = [data["source"][key] for key in entry.get("source", [])]
    return ", ".join(f"[{source['title']}]({source['url']})" for source in found)
