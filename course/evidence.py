"""claims.toml held against the notebooks: what the stored output of a tagged cell bears out.

Every claim, defect and old name of the notes has a cell with its tag (claim-C44, defect-12, api-gen.Task). The entry in
claims.toml gives patterns that the cell's stored output must match, and the lines that it would print if the verdict were
another. A chapter without a notebook is left out.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
HEADING = re.compile(r"^#{1,4} +(.+?) *$", re.MULTILINE)
KINDS = ("claim-", "defect-", "api-")
CHAPTERS = range(1, 11)

NEEDS = {
    "section": {"notes", "title", "book"},
    "claim": {"id", "section", "says", "verdict", "today", "source", "chapter"},
    "defect": {"number", "listing", "says", "mended", "chapter"},
    "api": {"name", "aliases", "status", "today", "source", "chapter"},
}
MAY = {
    "section": set(),
    "claim": {"then", "since", "shown", "opposite", "document", "why"},
    "defect": {"shown", "opposite", "test"},
    "api": {"since", "deprecated", "note", "error", "shown", "opposite"},
}


@dataclass(frozen=True)
class Cell:
    """A tagged code cell of a notebook: `number` is its In [n], `lines` are the lines of its stored output."""

    chapter: int
    notebook: str
    number: int
    heading: str
    tags: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def link(self) -> str:
        """Where to read it, relative to the top folder."""
        return f"notebooks/{self.notebook}#{self.heading.replace('`', '').replace(' ', '-')}"


def load(root: Path = ROOT) -> dict:
    """claims.toml as it stands."""
    return tomllib.loads((root / "claims.toml").read_text(encoding="utf-8"))


def cells(root: Path = ROOT) -> list[Cell]:
    """The tagged cells of all notebooks, in order."""
    found = []
    for file in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        heading = ""
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                heading = (HEADING.findall(source) or [heading])[-1]
            tags = [tag for tag in cell["metadata"].get("tags", []) if tag.startswith(KINDS)]
            if tags and cell["cell_type"] == "code":
                lines = tuple(_lines(cell["outputs"]))
                place = (int(file.name[:2]), file.name, cell["execution_count"] or 0)
                found.append(Cell(*place, heading, tuple(tags), lines))
    return found


def _lines(outputs: list[dict]) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            yield f"{output['ename']}: {output['evalue']}"
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        for line in ESCAPES.sub("", "".join(text)).splitlines():
            if line.strip():
                yield line.strip()


def as_list(value: str | list[str] | None) -> list[str]:
    """A field that may be one text or several."""
    return [value] if isinstance(value, str) else list(value or [])


def entries(data: dict) -> Iterator[tuple[str, str, dict]]:
    """(kind, name, entry) of every claim, defect and old name."""
    for kind, key in (("claim", "id"), ("defect", "number"), ("api", "name")):
        for entry in data[kind]:
            yield kind, str(entry[key]), entry


def tags_of(kind: str, name: str, entry: dict) -> set[str]:
    """The tags that a cell for this entry may have; an old name may be tagged with any of its aliases."""
    return {f"{kind}-{each}".lower() for each in [name, *entry.get("aliases", [])]}


def cells_of(found: list[Cell], kind: str, name: str, entry: dict) -> list[Cell]:
    """The cells that show an entry, those of its own chapter first."""
    wanted = tags_of(kind, name, entry)
    mine = [cell for cell in found if wanted & {tag.lower() for tag in cell.tags}]
    return sorted(mine, key=lambda cell: cell.chapter != entry["chapter"])


# ------------------------------------------------------------------------------------------- what may be wrong


def problems(data: dict, found: list[Cell], root: Path = ROOT) -> list[str]:
    """Everything that is wrong, a line each: with the data alone, and with what the notebooks show."""
    return [*data_problems(data), *tag_problems(data, found), *shown_problems(data, found, root)]


def data_problems(data: dict) -> Iterator[str]:
    """Holes in claims.toml itself."""
    for kind in NEEDS:
        for entry in data[kind]:
            name = f"{kind} {entry.get('id', entry.get('number', entry.get('name', '?')))}"
            for field in NEEDS[kind] - set(entry):
                yield f"{name} lacks {field}"
            for field in set(entry) - NEEDS[kind] - MAY[kind]:
                yield f"{name} has an unknown field {field}"
            for field in ("says", "today", "mended", "why"):
                if field in entry and not entry[field].strip():
                    yield f"{name}: {field} is empty"
    yield from _doubles("claim", [claim["id"] for claim in data["claim"]])
    yield from _doubles("defect", [defect["number"] for defect in data["defect"]])
    names = [tag for api in data["api"] for tag in tags_of("api", api["name"], api)]
    yield from _doubles("old name", names)
    headings = {section["notes"] for section in data["section"]}
    for claim in data["claim"]:
        if claim["section"] not in headings:
            yield f"claim {claim['id']}: no section {claim['section']}"
        if claim["verdict"] not in ("true", "changed", "false"):
            yield f"claim {claim['id']}: verdict {claim['verdict']}"
        if ("document" in claim) != ("why" in claim):
            yield f"claim {claim['id']}: document and why go together"
    for api in data["api"]:
        if api["status"] not in ("works", "changed", "deprecated", "removed", "never"):
            yield f"api {api['name']}: status {api['status']}"
    for kind, name, entry in entries(data):
        if entry["chapter"] not in CHAPTERS:
            yield f"{kind} {name}: chapter {entry['chapter']}"
        for source in [*entry.get("source", []), *as_list(entry.get("document"))]:
            if source not in data["source"]:
                yield f"{kind} {name}: unknown source {source}"


def _doubles(what: str, names: list) -> Iterator[str]:
    for name in sorted({each for each in names if names.count(each) > 1}, key=str):
        yield f"{what} {name} is there twice"


def tag_problems(data: dict, found: list[Cell]) -> Iterator[str]:
    """Tags without an entry, and entries without a cell in a chapter that has a notebook."""
    known = {tag for kind, name, entry in entries(data) for tag in tags_of(kind, name, entry)}
    for cell in found:
        for tag in cell.tags:
            if tag.lower() not in known:
                yield f"{cell.notebook} [{cell.number}]: the tag {tag} has no entry in claims.toml"
    there = {cell.chapter for cell in found}
    for kind, name, entry in entries(data):
        mine = [cell.chapter for cell in cells_of(found, kind, name, entry)]
        if "document" in entry:
            if mine:
                yield f"{kind} {name} cites a document, and has a cell too"
        elif entry["chapter"] in there and entry["chapter"] not in mine:
            yield f"{kind} {name} has no cell in chapter {entry['chapter']}" + (
                f", but one in chapter {mine[0]}" if mine else ""
            )


def shown_problems(data: dict, found: list[Cell], root: Path) -> Iterator[str]:
    """Verdicts that the stored outputs do not bear out."""
    there = {cell.chapter for cell in found}
    for kind, name, entry in entries(data):
        if entry["chapter"] not in there or "document" in entry:
            continue
        mine = cells_of(found, kind, name, entry)
        lines = [line for cell in mine if cell.chapter == entry["chapter"] for line in cell.lines]
        for problem in _shown(entry, kind, lines):
            yield f"{kind} {name}: {problem}"
        if kind == "defect":
            for problem in _test(entry.get("test", ""), root):
                yield f"defect {name}: {problem}"


def _shown(entry: dict, kind: str, lines: list[str]) -> Iterator[str]:
    patterns, opposites = as_list(entry.get("shown")), as_list(entry.get("opposite"))
    error = entry.get("error")
    if not patterns and not error:
        yield "no pattern says what its cell shows"
    if patterns and not opposites:
        yield "no opposite says what its cell would print otherwise"
    if error and not any(error in line for line in lines):
        yield f"the cell does not print the error {error!r}"
    for pattern in patterns:
        matched = [line for line in lines if re.fullmatch(pattern, line)]
        if not matched:
            yield f"no line of the stored output matches {pattern!r}"
        if re.fullmatch(pattern, ""):
            yield f"{pattern!r} matches an empty line"
        for line in matched:
            if re.fullmatch(pattern, other_facts(line)):
                yield f"{pattern!r} is weak: it would match {other_facts(line)!r} too"
        for opposite in opposites:
            if re.fullmatch(pattern, opposite):
                yield f"{pattern!r} matches the opposite {opposite!r} too"
    for opposite in opposites:
        if opposite in lines:
            yield f"the stored output says the opposite: {opposite!r}"


FACT = re.compile(r"\b(?:True|False|None)\b|\[\]|\d+(?:\.\d+)?")


def other_facts(line: str) -> str:
    """The same line with every fact in it changed: numbers, True, False, None; all words where it has none of these."""
    flipped = {"True": "False", "False": "True", "None": "[]", "[]": "['other']"}
    changed = FACT.sub(lambda fact: flipped.get(fact[0]) or _next(fact[0]), line)
    return changed if changed != line else re.sub(r"\w+", "other", line)


def _next(number: str) -> str:
    return str(float(number) + 1) if "." in number else str(int(number) + 1)


def _test(test: str, root: Path) -> Iterator[str]:
    if not test:
        yield "no test shows that ours holds"
        return
    file, *names = test.split("::")
    if not (root / file).is_file():
        yield f"there is no file {file}"
    elif names and names[-1].partition("[")[0] not in _functions(root / file):
        yield f"{file} has no {names[-1]}"


@cache
def _functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
