"""Write THEN-AND-NOW.md, the index for a reader of the notes, from claims.toml and the notebooks' tagged cells."""

from __future__ import annotations

import re

from course.authors.statements import code, status, verdict
from course.claims import Cell, Claim, Claims, Defect, Entry, Name, cells, cells_of, read
from course.environment import ROOT

PAGE = ROOT / "THEN-AND-NOW.md"
FIRST = (  # the names whose errors a reader of the notes meets first
    *("print", "‘quotes’", "urllib.urlencode", "web.asynchronous", "gen.engine", "gen.Task"),
    *("fetch(callback=)", "HTTPClient", "Connection", "insert"),
)
INTRO = """\
# Then and now

<!-- Made from claims.toml by `python -m course weave`; to change it, change that file. -->

For a reader with the notes of 2012 open, or the book behind them, *Introduction to Tornado*: what is left of each of their
statements today, what to write instead, and which notebook shows it. The tests run these notebooks and compare their outputs.

- [Ten errors to search for](#ten-errors-to-search-for)
- [The notes, heading by heading](#the-notes-heading-by-heading)
- [Names, from A to Z](#names-from-a-to-z)
- [Mistakes in the listings](#mistakes-in-the-listings)

In the terminal, `make now NAME=gen.Task` looks up a name, a number such as C44, the text of an error, or a Chinese word.

## Ten errors to search for

| today's error | write | shown in |
|---|---|---|
"""
HEADINGS = """
## The notes, heading by heading

{count} statements: {true} are true today, {changed} have changed, {false} are false. {then} of them were no better in 2012.
*Changed* means true under another name, or in part.
"""
TABLE = "\n| | verdict, and what holds today | shown in |\n|---|---|---|\n"
NAMES = """
## Names, from A to Z

| in the notes | today | shown in |
|---|---|---|
"""
DEFECTS = """
## Mistakes in the listings

{count} mistakes that were mistakes in 2012 too. The cell shows the notes' version failing; a test holds ours.

| | what is wrong | mended, shown in |
|---|---|---|
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
    counts = {word: verdicts.count(word) for word in ("true", "changed", "false")}
    then = sum(claim.then == "false" for claim in claims.claims)
    known = {name.name: name for name in claims.names}
    parts = [INTRO, *(_error(known[name], found) for name in FIRST)]
    parts.append(HEADINGS.format(count=len(verdicts), then=then, **counts))
    for section in claims.sections:
        same = section.title == section.notes
        parts.append(f"\n### {section.notes}{'' if same else f' ({section.title})'}\n")
        mine = [claim for claim in claims.claims if claim.section == section.notes]
        holds = [claim for claim in mine if claim.verdict == "true" and not claim.then]
        rows = [_claim(claim, found) for claim in mine if claim not in holds]
        parts += [TABLE, *rows] if rows else []
        if holds:
            parts.append("\nHold as written:\n\n")
            parts += [f"- {_anchor(each.id)} {_text(each.says)} {each.zh}\n" for each in holds]
    parts.append(NAMES)
    parts += [_name(name, found) for name in sorted(claims.names, key=_alphabetical)]
    parts.append(DEFECTS.format(count=len(claims.defects)))
    parts += [_defect(defect, found) for defect in claims.defects]
    used = {key for entry in claims.entries for key in getattr(entry, "source", [])}
    sources = [(key, source) for key, source in claims.sources.items() if key in used]
    parts.append("\n")
    parts += [f'[{key}]: {source.url} "{source.title}"\n' for key, source in sources]
    return "".join(parts)


def _alphabetical(name: Name) -> str:
    return re.sub(r"^\W+", "", name.name).lower()


def _anchor(key: str) -> str:
    return f'<a id="{key}"></a>**{key}**'


def _error(name: Name, found: list[Cell]) -> str:
    return _row(code(name.error), code(name.today), _links(name, found))


def _claim(claim: Claim, found: list[Cell]) -> str:
    said = f"{_text(claim.says)}<br>{claim.zh}<br>*{verdict(claim)}*: {_text(claim.today)}"
    shown = _text(claim.why) if claim.why else _links(claim, found)
    return _row(_anchor(claim.id), said, shown + _cited(claim.source))


def _name(name: Name, found: list[Cell]) -> str:
    slug = re.sub(r"\W+", "-", name.name).strip("-").lower()
    left = f'<a id="name-{slug}"></a>{code(name.name)}<br>{status(name)}'
    left += ", not in the notes" if name.ours else ""
    today = code(name.today) + (f"<br>{_text(name.note)}" if name.note else "")
    return _row(left, today, _links(name, found) + _cited(name.source))


def _defect(defect: Defect, found: list[Cell]) -> str:
    wrong = f"{_text(defect.listing)}: {_text(defect.says)}<br>{defect.zh}"
    return _row(
        f'<a id="defect-{defect.number}"></a>**{defect.number}**',
        wrong,
        f"{_text(defect.mended)} {_links(defect, found)}",
    )


def _row(*fields: str) -> str:
    return "| " + " | ".join(fields) + " |\n"


def _text(text: str) -> str:
    """A text of claims.toml for a Markdown table; code in backticks stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*<\[]|(?<!\w)_)", r"\\\1", part) for part in parts[::2]]
    return "".join(parts).replace("|", r"\|")


def _links(entry: Entry, found: list[Cell]) -> str:
    """Where an entry is shown; the heading is in the text, for a viewer that does not scroll to it."""
    places = {(cell.link, cell.chapter, cell.heading): None for cell in cells_of(entry, found)}
    links = [
        f"[{chapter}, “{heading.replace('`', '')}”]({link})" for link, chapter, heading in places
    ]
    return ", ".join(links) or f"chapter {entry.chapter}"


def _cited(keys: list[str]) -> str:
    return "".join(f" [[{key}]]" for key in keys)
