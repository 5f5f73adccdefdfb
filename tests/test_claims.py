"""claims.toml, the notebooks' tagged cells and THEN-AND-NOW.md agree; and the test that says so can fail."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path

import pytest

from course import claims, evidence
from course.evidence import ROOT, Cell
from course.then_and_now import page

DATA = evidence.load()
CELLS = evidence.cells()


def named(kind: str) -> list:
    return [name for each, name, _ in evidence.entries(DATA) if each == kind]


def test_all_claims_defects_and_names_of_the_notes_are_there():
    assert sorted(named("claim"), key=lambda name: int(name[1:])) == [f"C{n}" for n in range(1, 74)]
    assert named("defect") == [str(n) for n in range(1, 31)]
    assert len(named("api")) == 37
    assert len(DATA["section"]) == 23


def test_claims_and_notebooks_agree():
    assert evidence.problems(DATA, CELLS) == []


def test_only_history_and_other_peoples_services_have_no_cell():
    without = [claim["id"] for claim in DATA["claim"] if "document" in claim]
    assert without == ["C20", "C46", "C56", "C62"]


def test_the_verdicts_are_those_that_were_read_against_their_cells():
    """A pattern holds the output, not the word: whoever changes a verdict reads the cell again, and changes this."""

    def those(field: str, value: str) -> str:
        found = [claim["id"] for claim in DATA["claim"] if claim.get(field) == value]
        return " ".join(sorted(found, key=lambda name: int(name[1:])))

    assert those("verdict", "changed") == (
        "C2 C7 C8 C10 C11 C12 C20 C23 C26 C31 C32 C35 C42 C53 C54 C58 C59 C62 C64"
    )
    assert those("verdict", "false") == "C1 C21 C27 C30 C34 C36 C44 C46 C47 C49 C51 C52 C63 C67"
    assert those("then", "false") == "C1 C30 C35 C36 C47 C49 C52 C63 C67"


def test_every_verdict_that_is_not_true_says_what_is_so_and_cites_a_source():
    by_arithmetic = {
        "C30",
        "C47",
        "C49",
        "C63",
    }  # the notes contradict themselves; no release note says so
    for claim in DATA["claim"]:
        assert claim["today"].endswith("."), claim["id"]
        if claim["verdict"] != "true" and claim["id"] not in by_arithmetic:
            assert claim["source"], claim["id"]


def test_every_source_is_cited_and_has_an_address():
    cited = {key for _, _, entry in evidence.entries(DATA) for key in entry.get("source", [])}
    cited |= {claim["document"] for claim in DATA["claim"] if "document" in claim}
    assert cited == set(DATA["source"])
    for source in DATA["source"].values():
        assert source["title"]
        assert source["url"].startswith("https://") or source["url"].startswith("bench/")


@pytest.mark.parametrize("changed", ["opposite", "empty", "other facts", "untagged"])
def test_a_cell_with_another_output_would_be_found(changed):
    there = {cell.chapter for cell in CELLS}
    missed = []
    for kind, name, entry in evidence.entries(DATA):
        if entry["chapter"] not in there or "document" in entry:
            continue
        if changed == "opposite" and "shown" not in entry:
            continue  # its error is all that its cell has to show
        alone = DATA | {"claim": [], "defect": [], "api": []} | {kind: [entry]}
        found = evidence.problems(alone, with_other_output(kind, name, entry, changed))
        if not any(problem.startswith(f"{kind} {name}") for problem in found):
            missed.append(name)
    assert missed == []


def with_other_output(kind: str, name: str, entry: dict, changed: str) -> list[Cell]:
    """All cells; those that show the entry have another output, or have lost the tag."""
    tags = evidence.tags_of(kind, name, entry)
    found = []
    for cell in CELLS:
        if tags & {tag.lower() for tag in cell.tags}:
            left = tuple(tag for tag in cell.tags if tag.lower() not in tags)
            lines = {
                "opposite": tuple(evidence.as_list(entry.get("opposite"))),
                "empty": (),
                "other facts": tuple(evidence.other_facts(line) for line in cell.lines),
                "untagged": cell.lines,
            }[changed]
            cell = replace(cell, lines=lines, tags=left if changed == "untagged" else cell.tags)
        found.append(cell)
    return found


# ------------------------------------------------------------------------- the audit itself, on data of its own


@pytest.fixture
def small():
    """A claim, a defect and an old name, each with a cell that shows it."""
    data = {
        "section": [{"notes": "状态码", "title": "Status codes", "book": 1}],
        "claim": [
            {"id": "C1", "section": "状态码", "says": "s", "verdict": "true", "today": "t"}
            | {"source": ["S"], "chapter": 3, "shown": "status: 404", "opposite": "status: 200"}
        ],
        "defect": [
            {"number": 1, "listing": "l", "says": "s", "mended": "m", "chapter": 3}
            | {"shown": "lost: True", "opposite": "lost: False"}
            | {"test": "tests/test_claims.py::test_claims_and_notebooks_agree"}
        ],
        "api": [
            {"name": "gen.Task", "aliases": ["Task"], "status": "removed", "today": "await"}
            | {"source": ["S"], "chapter": 3, "error": "AttributeError: no Task"}
        ],
        "source": {"S": {"title": "Source", "url": "https://example.org"}},
    }
    place = (3, "03_status_codes.ipynb")
    cells = [
        Cell(*place, 1, "Step", ("claim-C1",), ("GET /nope", "status: 404")),
        Cell(*place, 2, "Step", ("defect-1",), ("lost: True",)),
        Cell(*place, 3, "Step", ("api-gen.Task",), ("AttributeError: no Task",)),
    ]
    return data, cells


def test_what_agrees_has_no_problem(small):
    assert evidence.problems(*small) == []


@pytest.mark.parametrize(
    ("kind", "field", "value", "problem"),
    [
        ("claim", "shown", "status: 200", "no line of the stored output matches"),
        ("claim", "shown", "status: .*", "is weak"),
        ("claim", "shown", ".*", "matches an empty line"),
        ("claim", "shown", "status: (404|200)", "matches the opposite"),
        ("claim", "shown", None, "no pattern"),
        ("claim", "opposite", None, "no opposite"),
        ("claim", "opposite", "GET /nope", "says the opposite"),
        ("claim", "verdict", "right", "verdict right"),
        ("claim", "section", "no such", "no section"),
        ("claim", "source", ["X"], "unknown source X"),
        ("claim", "today", " ", "today is empty"),
        ("claim", "document", "S", "document and why go together"),
        ("claim", "chapter", 11, "chapter 11"),
        ("claim", "colour", "red", "unknown field colour"),
        ("defect", "test", None, "no test"),
        ("defect", "test", "tests/no_such.py::test_x", "no file"),
        ("defect", "test", "tests/test_claims.py::test_no_such", "has no test_no_such"),
        ("api", "error", "AttributeError: other", "does not print the error"),
        ("api", "status", "gone", "status gone"),
        ("api", "aliases", ["gen.task"], None),
    ],
)
def test_each_hole_is_found(small, kind, field, value, problem):
    data, cells = copy.deepcopy(small)
    [entry] = data[kind]
    entry.pop(field, None)
    if value is not None:
        entry[field] = value
    found = evidence.problems(data, cells)
    if problem is None:
        assert found == []
    else:
        assert any(problem in each for each in found), found


def test_a_claim_without_a_cell_and_a_tag_without_a_claim_are_found(small):
    data, cells = small
    lost = [replace(cells[0], tags=("claim-C99",)), *cells[1:]]
    found = evidence.problems(data, lost)
    assert "claim C1 has no cell in chapter 3" in found
    assert "03_status_codes.ipynb [1]: the tag claim-C99 has no entry in claims.toml" in found


def test_an_entry_that_is_there_twice_is_found(small):
    data, cells = small
    data["claim"].append(data["claim"][0])
    data["api"].append({**data["api"][0], "name": "other"})
    found = evidence.problems(data, cells)
    assert "claim C1 is there twice" in found
    assert "old name api-task is there twice" in found


def test_a_claim_that_cites_a_document_needs_no_cell_and_has_none(small):
    data, cells = small
    del data["claim"][0]["shown"], data["claim"][0]["opposite"]
    data["claim"][0] |= {"document": "S", "why": "history"}
    assert evidence.problems(data, cells) == ["claim C1 cites a document, and has a cell too"]
    assert evidence.problems(data, cells[1:]) == []


def test_a_chapter_without_a_notebook_is_left_out(small):
    data, _ = small
    assert evidence.problems(data, []) == []


def test_the_facts_of_a_line_are_changed():
    assert evidence.other_facts("4 of 4 in 2.0 s: True") == "5 of 5 in 3.0 s: False"
    assert evidence.other_facts("no facts here") == "other other other"


def test_outputs_are_read_as_lines():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "\n", " b\x1b[31m!\x1b[0m\n"]},
        {"output_type": "execute_result", "data": {"text/plain": ["c\n", "d"]}},
        {"output_type": "error", "ename": "TypeError", "evalue": "no", "traceback": []},
    ]
    assert list(evidence._lines(outputs)) == ["a", "b!", "c", "d", "TypeError: no"]


# ---------------------------------------------------------------------------------------- the page


def test_the_page_is_fresh():
    assert claims.page_is_fresh(), "python -m course weave writes THEN-AND-NOW.md anew"


def test_the_page_has_every_claim_defect_and_name_and_its_links_lead_somewhere():
    text = page(DATA, CELLS)
    for claim in DATA["claim"]:
        assert text.count(f'<a id="{claim["id"]}">') == 1
    assert len(re.findall(r"^\| \d+ \|", text, re.MULTILINE)) == 30
    for line in text.splitlines():
        assert not line.startswith("|") or len(re.findall(r"(?<!\\)\|", line)) in (7, 5, 4), line
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (
            link.startswith(("https://", "#"))
            or link == "bench/results.md"
            or Path(ROOT, link).exists()
        )


def test_the_page_is_written_only_when_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "PAGE", tmp_path / "page.md")
    assert [claims.write_page(), claims.write_page()] == [True, False]
    claims.PAGE.write_text("old", encoding="utf-8")
    assert not claims.page_is_fresh()


# ---------------------------------------------------------------------------------------- the verbs


def test_claims_prints_all_of_them(capsys):
    assert claims.print_claims() == 0
    out = capsys.readouterr().out
    for claim in DATA["claim"]:
        assert re.search(rf"\b{claim['id']}\b", out)
    assert "73 claims" in out
    assert "urllib.urlencode" in out


@pytest.mark.parametrize("api", DATA["api"], ids=lambda api: api["name"])
def test_now_finds_a_name_by_each_of_its_forms(api):
    for name in [api["name"], *api["aliases"]]:
        assert api["name"] in [entry["name"] for _, _, entry in claims.find(DATA, name)], name
    assert claims.find(DATA, api["name"])[0][2] is api


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gen.Task", ["removed", "Tornado 6.0", "await", "has no attribute 'Task'"]),
        ("@tornado.web.asynchronous", ["removed", "async def"]),
        ("db.collection_names()", ["list_collection_names()", "PyMongo 4.0"]),
        ("coll.save", ["replace_one", "update_one"]),
        ("C44", ["false", "RuntimeError", "Tornado 5.0"]),
        ("defect 12", ["daylight saving"]),
    ],
)
def test_now_says_what_became_of_a_name(name, expected, capsys):
    assert claims.now(name) == 0
    out = capsys.readouterr().out
    for text in expected:
        assert text in out


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("colection_name", "collection_names"),
        ("gen.Tusk", "gen.Task"),
        ("asyncronous", "web.async"),
    ],
)
def test_now_gives_the_nearest_names_for_one_it_does_not_know(name, nearest, capsys):
    assert claims.now(name) == 1
    captured = capsys.readouterr()
    assert nearest in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("name", ["zzzz", "", "()", "[bold]", "中文", "a" * 10_000])
def test_now_takes_anything(name, capsys):
    assert claims.now(name) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
