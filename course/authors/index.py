"""Write THEN-AND-NOW.md, the index for a reader of the notes, from claims.toml and the notebooks' tagged cells."""

from __future__ import annotations

import re

from course.claims import Cell, Claim, Claims, Defect, Entry, Name, cells, cells_of, read
from course.environment import ROOT

PAGE = ROOT / "THEN-AND-NOW.md"
INTRO = """\
# Then and now

<!-- Made from claims.toml by `python -m course weave`; to change it, change that file. -->

You have the notes of 2012 open, or the book behind them, *Introduction to Tornado* (2012). This page says what is left of
each of their statements on Tornado 6.6, PyMongo 4.20 and Python 3.11 or newer, what to write today, and which cell of which
notebook shows it. The tests run these cells and compare their outputs.

- [What the notes claim](#what-the-notes-claim), section by section
- [The old names](#the-old-names): what became of each, and what to write
- [What is wrong in the listings](#what-is-wrong-in-the-listings)

In the terminal, `make now NAME=gen.Task` looks up a name, and `make now NAME=C44` a claim.

## What the notes claim

{count} claims: {true} are true today, {changed} have changed, {false} are false. {then} of them were already wrong in 2012.

- *true*: it holds as the notes say it.
- *changed*: it holds, but under another name, or only in part.
- *false*: it does not hold today. *Then too*: it did not hold in 2012 either.
"""
SECTION = """
### {heading}

In the book: chapter {book}.

| | the notes say | verdict | today | shown in | source |
|---|---|---|---|---|---|
"""
NAMES = """
## The old names

Each name that the notes use. An error is the exact text that it raises today.

| in the notes | status | today's error | write | shown in | source |
|---|---|---|---|---|---|
"""
DEFECTS = """
## What is wrong in the listings

{count} mistakes in the notes' programs that were mistakes in 2012 too. The cell shows the notes' version failing; the test
holds ours.

| | listing | what is wrong | mended | shown in | test |
|---|---|---|---|---|---|
"""


def write(check: bool = False) -> bool:
    """Write the page, or with `check` only look. Returns whether it was stale. Raises ClaimsError."""
    text = page(read(), cells())
    stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text
    if stale and not check:
        PAGE.write_text(text, encoding="utf-8")
    return stale


def page(claims: Claims, found: list[Cell]) -> str:
    """The text of THEN-AND-NOW.md."""
    verdicts = [claim.verdict for claim in claims.claims]
    counts = {verdict: verdicts.count(verdict) for verdict in ("true", "changed", "false")}
    then = sum(claim.then == "false" for claim in claims.claims)
    parts = [INTRO.format(count=len(verdicts), then=then, **counts)]
    for section in claims.sections:
        same = section.title == section.notes
        heading = section.notes + ("" if same else f" ({section.title})")
        parts.append(SECTION.format(heading=heading, book=section.book))
        mine = [claim for claim in claims.claims if claim.section == section.notes]
        parts += [_claim(claims, claim, found) for claim in mine]
    parts.append(NAMES)
    names = sorted(claims.names, key=lambda name: name.chapter)
    parts += [_name(claims, name, found) for name in names]
    parts.append(DEFECTS.format(count=len(claims.defects)))
    parts += [_defect(defect, found) for defect in claims.defects]
    return "".join(parts)


def _claim(claims: Claims, claim: Claim, found: list[Cell]) -> str:
    verdict = f"*{claim.verdict}*"
    if claim.then == "false":
        verdict += ", then too" if claim.verdict == "false" else ", and so it was then"
    return _row(
        f'<a id="{claim.id}"></a>{claim.id}',
        _text(claim.says),
        verdict,
        _text(claim.today) + (f" (Since {claim.since}.)" if claim.since else ""),
        f"no cell: {claim.why[0].lower()}{claim.why[1:]}" if claim.why else _links(claim, found),
        _sources(claims, claim.source),
    )


def _name(claims: Claims, name: Name, found: list[Cell]) -> str:
    status = name.status + (f" ({name.since})" if name.since else "")
    return _row(
        _code(name.name),
        status + (f", deprecated ({name.deprecated})" if name.deprecated else ""),
        _code(name.error) if name.error else "",
        _code(name.today) + (f"<br>{_text(name.note)}" if name.note else ""),
        _links(name, found),
        _sources(claims, name.source),
    )


def _defect(defect: Defect, found: list[Cell]) -> str:
    file, *names = defect.test.split("::")
    title = names[-1].partition("[")[0].removeprefix("test_").replace("_", " ")
    mended, links = _text(defect.mended), _links(defect, found)
    test = f"[{title}]({file})"
    return _row(defect.id, _text(defect.listing), _text(defect.says), mended, links, test)


def _row(*fields: str) -> str:
    return "| " + " | ".join(fields) + " |\n"


def _text(text: str) -> str:
    """A text of claims.toml for a Markdown table; code in backticks stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*<\[]|(?<!\w)_)", r"\\\1", part) for part in parts[::2]]
    return "".join(parts).replace("|", r"\|")


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _links(entry: Entry, found: list[Cell]) -> str:
    places = [
        f"[chapter {cell.chapter}, In [{cell.number}]]({cell.link})"
        for cell in cells_of(entry, found)
    ]
    return ", ".join(places) or f"chapter {entry.chapter}"


def _sources(claims: Claims, keys: list[str]) -> str:
    return ", ".join(f"[{claims.sources[key].title}]({claims.sources[key].url})" for key in keys)
