"""claims.toml, the notebooks' tagged cells and THEN-AND-NOW.md agree; `make now` finds every old name."""

from __future__ import annotations

import ast
import json
import re

import pytest

from course.authors import index
from course.claims import KINDS, ClaimsError, cells, cells_of, read, tags
from course.environment import ROOT
from course.learner import now

DATA = read()
CELLS = cells()
IDS = {"ids": lambda entry: f"{type(entry).__name__} {entry.id}"}


def test_statements_and_defects_are_numbered_without_a_gap():
    numbers = sorted(int(claim.id[1:]) for claim in DATA.claims)
    assert numbers == list(range(1, len(numbers) + 1))
    assert [defect.number for defect in DATA.defects] == list(range(1, len(DATA.defects) + 1))


@pytest.mark.parametrize("entry", DATA.entries, **IDS)
def test_every_entry_has_a_cell_in_its_chapter_or_a_document(entry):
    chapters = {cell.chapter for cell in cells_of(entry, CELLS)}
    if getattr(entry, "document", ""):
        assert not chapters, "it cites a document, and has a cell too"
    else:
        assert entry.chapter in chapters


def test_every_tag_has_an_entry():
    known = set().union(*map(tags, DATA.entries))
    for cell in CELLS:
        unknown = [tag for tag in cell.tags - known if tag.startswith(KINDS)]
        assert not unknown, f"{cell.notebook} [{cell.number}]"


def test_an_old_name_raises_the_error_that_the_page_prints():
    for name in DATA.names:
        files = {cell.notebook for cell in cells_of(name, CELLS)}
        texts = [output for file in files for output in stored_lines(file)]
        assert any(name.error in text for text in texts), name.id


def stored_lines(file: str):
    """All lines that a notebook's outputs show."""
    for cell in json.loads((ROOT / "notebooks" / file).read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            yield f"{output.get('ename')}: {output.get('evalue')}"
            yield from output.get("text") or output.get("data", {}).get("text/plain", [])


@pytest.mark.parametrize("defect", DATA.defects, **IDS)
def test_the_test_of_a_defect_exists(defect):
    file, *names = defect.test.split("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    known = {getattr(node, "name", "") for node in ast.walk(tree)}
    assert {name.partition("[")[0] for name in names} <= known


def test_every_source_is_cited_and_every_verdict_but_true_cites_one():
    cited = {key for entry in DATA.entries for key in getattr(entry, "source", [])}
    assert cited | {claim.document for claim in DATA.claims} - {""} == set(DATA.sources)
    by_arithmetic = {"C30", "C47", "C63"}  # the notes contradict themselves
    for claim in DATA.claims:
        assert claim.source or claim.verdict == "true" or claim.id in by_arithmetic, claim.id


# ---------------------------------------------------------------- a hole is found

SMALL = """
[[section]]
notes = "状态码"
title = "Status codes"
book = 1

[[claim]]
id = "C1"
section = "状态码"
says = "s"
zh = "z"
verdict = "true"
today = "t"
source = ["S"]
chapter = 3

[[api]]
name = "gen.Task"
aliases = ["Task"]
status = "removed"
today = "await"
source = ["S"]
chapter = 3

[source.S]
title = "Source"
url = "https://example.org"
"""


@pytest.mark.parametrize(
    ("old", "new", "hole"),
    [
        ('says = "s"', "", "claim 1: .* missing .* 'says'"),
        ('says = "s"', 'says = " "', "claim C1: says is empty"),
        ('says = "s"', 'says = "s"\ncolour = 1', "claim 1: .*'colour'"),
        ('"true"', '"right"', "claim C1: unknown verdict right"),
        ('section = "状态码"', 'section = "x"', "claim C1: the section x does not exist"),
        ('["S"]', '["X"]', "claim C1: the source X does not exist"),
        ("chapter = 3", 'chapter = 3\ndocument = "S"', "claim C1: document and why"),
        ('"removed"', '"gone"', "name gen.Task: unknown status gone"),
        ("[[api]]", "[[defect]]", "defect 1: .*'name'"),
        ("[[api]]", "[[other]]", "other 1: 'other'"),
        ("[source.S]", "[[api]\n[source.S]", "TOML|Expected|at line"),
    ],
)
def test_a_hole_in_the_file_is_one_line(tmp_path, old, new, hole):
    assert old in SMALL
    with pytest.raises(ClaimsError, match=rf"^claims\.toml.*{hole}") as raised:
        read(written(tmp_path, SMALL.replace(old, new, 1)))
    assert "\n" not in str(raised.value)


def test_an_entry_that_exists_twice_is_found(tmp_path):
    api = SMALL[SMALL.index("[[api]]") : SMALL.index("[source.S]")]
    assert len(read(written(tmp_path, SMALL)).entries) == 2
    twice = SMALL.replace("[source.S]", api.replace("gen.Task", "task") + "[source.S]")
    with pytest.raises(ClaimsError, match="name task: another entry has the same name"):
        read(written(tmp_path, twice))


def written(folder, text):
    file = folder / "claims.toml"
    file.write_text(text, encoding="utf-8")
    return file


# ---------------------------------------------------------------- the index


def test_the_index_is_fresh():
    assert not index.write(check=True), "python -m course weave writes THEN-AND-NOW.md"


def test_the_index_has_every_entry_and_its_links_lead_somewhere():
    text = index.page(DATA, CELLS)
    for claim in DATA.claims:
        assert text.count(f'<a id="{claim.id}">') == 1
    for defect in DATA.defects:
        assert text.count(f'<a id="defect-{defect.number}">') == 1
    anchors = re.findall(r'<a id="(.+?)">', text)
    assert len(anchors) == len(set(anchors)) == len(DATA.entries)
    for line in text.splitlines():
        assert not line.startswith("|") or len(re.findall(r"(?<!\\)\|", line)) == 4, line
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (ROOT / link).exists()


def test_an_anchor_is_a_heading_of_its_notebook():
    for cell in CELLS:
        file, _, anchor = cell.link.partition("#")
        text = "".join(
            line.replace("`", "").replace(" ", "-")
            for each in json.loads((ROOT / file).read_text(encoding="utf-8"))["cells"]
            for line in each["source"]
        )
        assert f"#-{anchor}" in text


def test_the_index_is_written_only_when_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "PAGE", tmp_path / "page.md")
    assert [index.write(check=True), index.PAGE.exists()] == [True, False]
    assert [index.write(), index.write()] == [True, False]


# ---------------------------------------------------------------- make now


@pytest.mark.parametrize("name", DATA.names, **IDS)
def test_now_finds_a_name_by_each_of_its_forms(name):
    for each in [name.name, *name.aliases]:
        assert name in now.find(DATA, each)
    assert now.find(DATA, name.name)[0] is name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gen.Task", ["removed", "Tornado 6.0", "await", "has no attribute 'Task'", "In ["]),
        ("@tornado.web.asynchronous", ["removed", "async def"]),
        ("db.collection_names()", ["list_collection_names()", "PyMongo 4.0"]),
        ("coll.save", ["replace_one", "update_one"]),
        ("C44", ["false", "RuntimeError", "Tornado 5.0", "https://"]),
        ("defect 12", ["daylight-saving", "test_07"]),
        (
            "TypeError: HTTPRequest.__init__() got an unexpected keyword argument 'callback'",
            ["await"],
        ),
        ("module 'tornado.gen' has no attribute 'Task'", ["await client.fetch"]),
        ("长轮询", ["Long polling"]),
    ],
)
def test_now_says_what_became_of_a_name(name, expected, capsys):
    assert now.now(name) == 0
    out = capsys.readouterr().out
    for text in expected:
        assert text in out


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("colection_name", "collection_names"),
        ("gen.Tusk", "gen.Task"),
        ("asyncronous", "web.async"),
        ("zzzz", "THEN-AND-NOW.md"),
        ("", ""),
        ("()", ""),
        ("[bold]", ""),
        ("没有这个词", ""),
        ("a" * 10_000, ""),
    ],
)
def test_an_unknown_name_is_one_line_with_similar_names(name, similar, capsys):
    assert now.now(name) == 1
    captured = capsys.readouterr()
    assert similar in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
