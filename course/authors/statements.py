"""What a page names instead of writing it: `{C44}`, `{C13 C14}`, `{D12}` and `{names}` become what claims.toml says of
them, `{commands}` the commands of the exercise."""

from __future__ import annotations

import re

from course.claims import Claim, Claims, Defect, Name, read

DIRECTIVE = re.compile(r"^\{((?:[CD]\d+)(?: [CD]\d+)*|names)\}$", re.MULTILINE)

COMMANDS = """\
| command | what it does |
|---|---|
| `make start-NUMBER` | puts the exercise into `work/FOLDER/` |
| `make run-NUMBER` | runs your exercise |
| `make check-NUMBER` | checks it task by task |
| `make hint-NUMBER` | gives the next hint for the first task that fails |
| `make diff-NUMBER` | compares your work with the solution once all tasks pass |"""


class StatementError(Exception):
    """A page names a statement that claims.toml does not have; the message is one line."""


def expand(text: str, folder: str) -> str:
    """The text of a page of the chapter in `folder` with every directive replaced. Raises StatementError."""
    chapter = int(folder[:2])
    commands = COMMANDS.replace("NUMBER", str(chapter)).replace("FOLDER", folder)
    text = re.sub(r"(?m)^\{commands\}$", commands, text)
    if not DIRECTIVE.search(text):  # a lesson has no statements
        return text
    claims = read()
    entries: dict[str, Claim | Defect] = {claim.id: claim for claim in claims.claims}
    entries |= {f"D{defect.number}": defect for defect in claims.defects}

    def replaced(match: re.Match) -> str:
        if match[1] == "names":
            return names(claims, chapter)
        found = []
        for key in match[1].split():
            if key not in entries:
                raise StatementError(f"claims.toml has no {key}")
            found.append(entries[key])
        if len(found) > 1:
            return "\n".join(map(_line, found))
        [entry] = found
        return _defect(entry) if isinstance(entry, Defect) else _claim(claims, entry)

    return DIRECTIVE.sub(replaced, text)


def verdict(claim: Claim) -> str:
    """The verdict in words, such as "false since Tornado 5.0, then too"."""
    since = f" since {claim.since}" if claim.since and claim.verdict != "true" else ""
    then = {
        "true": ", but not in 2012",
        "changed": ", and so it was in 2012",
        "false": ", then too",
    }
    return claim.verdict + since + (then[claim.verdict] if claim.then == "false" else "")


def sources(claims: Claims, keys: list[str]) -> str:
    """Links to the sources of an entry, from a notebook."""
    found = [claims.sources[key] for key in keys]
    urls = [each.url if "://" in each.url else f"../{each.url}" for each in found]
    return ", ".join(f"[{each.title}]({url})" for each, url in zip(found, urls, strict=True))


def _claim(claims: Claims, claim: Claim) -> str:
    word = verdict(claim)
    parts = [f"**{word[0].upper()}{word[1:]}.** {claim.today}"]
    if claim.why:
        parts.append(f"No cell shows it: {claim.why[0].lower()}{claim.why[1:]}")
    if claim.source:
        parts.append(f"Source: {sources(claims, claim.source)}.")
    return f"**{claim.id}** {claim.says}  \n{claim.zh}\n\n> {' '.join(parts)}"


def _line(entry: Claim | Defect) -> str:
    if isinstance(entry, Defect):
        return f"- **Defect {entry.number}** {entry.says} {entry.zh} *Mended:* {entry.mended}"
    rest = "" if entry.today == "That holds." else f" *{entry.today}*"
    return f"- **{entry.id}** {entry.says} {entry.zh}{rest}"


def _defect(defect: Defect) -> str:
    file, *path = defect.test.split("::")
    title = path[-1].partition("[")[0].removeprefix("test_").replace("_", " ") if path else file
    mended = f"> **Mended:** {defect.mended} Tested by [{title}](../{file})."
    return f"**Defect {defect.number}** {defect.says}  \n{defect.zh}\n\n{mended}"


def status(name: Name) -> str:
    """What became of a name, such as "removed (Tornado 6.0)"."""
    word = {"never": "never was Python"}.get(name.status, name.status)
    word += f" ({name.since})" if name.since else ""
    return word + (f", deprecated ({name.deprecated})" if name.deprecated else "")


def code(text: str) -> str:
    """Text as code in a cell of a Markdown table."""
    return "`" + text.replace("|", r"\|") + "`"


def names(claims: Claims, chapter: int) -> str:
    """The table of a chapter's names; those that the notes do not use are marked."""
    rows = ["| in the notes | today | |", "|---|---|---|"]
    for name in claims.names:
        if name.chapter == chapter:
            left = code(name.name) + (" (not in the notes)" if name.ours else "")
            note = name.note.replace("|", r"\|")
            rows.append(f"| {left} | {code(name.today)} | {status(name)}. {note} |")
    return "\n".join(rows)
