"""The notebooks are what their pages make, and nbval finds a changed output, whoever runs it."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from settings import hostile_settings

from course.authors import weave
from course.environment import ROOT

PAGES = weave.pages()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_notebook_is_fresh_and_whole(page):
    assert weave.stale(page) == ""
    weave.verify(weave.nbformat.read(page.notebook, as_version=4), page.notebook.name)


def test_every_notebook_has_a_page():
    assert sorted(page.notebook for page in PAGES) == NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_jupyterlab_finds_no_formula_between_two_dollars(path):
    """It takes them out before it reads the Markdown, also out of an indented block, but not out of fences and backticks."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"(?ms)^(```+).*?^\1$|`[^`\n]*`", "", "".join(cell["source"]))
            assert "$" not in prose


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    for file in page.text, page.notebook:
        for link in re.findall(r"\]\((?!\w+:|#)([^)#]*)", file.read_text(encoding="utf-8")):
            assert (file.parent / link).exists(), f"{file.name}: {link}"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.text.stem == "lesson"], ids=lambda page: page.name
)
def test_every_lesson_names_the_commands_of_its_exercise(page):
    text = page.text.read_text(encoding="utf-8")
    assert re.match(rf"# Chapter {page.number}: .+\n\n", text)
    assert text.endswith("\n{commands}\n")


# ---------------------------------------------------------------- nbval


@pytest.fixture
def course(tmp_path):
    """A copy of the course, in a folder with a space, that holds no notebook but chapter 1's."""
    copy = tmp_path / "我的 课程"
    for name in ("chapters/01_hello", "notebooks", "tests"):
        (copy / name).mkdir(parents=True)
    for name in ("chapters/01_hello/main.py", "course.toml", "tests/sanitize.cfg"):
        shutil.copy(ROOT / name, copy / name)
    for name in ("live.py", "conftest.py", "01_hello.ipynb"):
        shutil.copy(ROOT / "notebooks" / name, copy / "notebooks")
    return copy


def nbval(folder, **settings) -> str:
    """What nbval says in the end about the notebooks of a copy."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider"]
    command += ["--tb=short", "--nbval-sanitize-with", "tests/sanitize.cfg", "notebooks"]
    environment = {**os.environ, **settings}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return ran.stdout


def test_nbval_finds_every_changed_output(course):
    path = course / "notebooks/01_hello.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shown = [cell for cell in code if cell["outputs"]]
    for cell in shown:
        for each in cell["outputs"]:
            (each.get("text") or each["data"]["text/plain"])[-1] += "changed"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert len(shown) > 5
    said = nbval(course)
    assert f"{len(shown)} failed, {len(code) - len(shown)} passed" in said, said


def test_a_readers_settings_change_no_output(course, tmp_path):
    said = nbval(course, **hostile_settings(tmp_path))
    assert re.search(r"^\d+ passed in", said, re.MULTILINE), said


# ---------------------------------------------------------------- the sanitising rules


def test_every_rule_is_read_and_has_a_name():
    text = (ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
    rules = weave.sanitizers()
    assert len(rules) == len(re.findall(r"regex\s*:", text)) == len(re.findall(r"(?m)^\[", text))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Date: Sun, 22 Nov 2026 12:58:18 GMT", "Date: HTTP-DATE"),
        ("[W 261122 12:58:18 web:2443] 404", "[W TIME web] 404"),
        ("404 GET / (127.0.0.1) 0.45ms", "404 GET / (127.0.0.1) N.NNms"),
        ("http://127.0.0.1:43211/x", "http://127.0.0.1:PORT/x"),
        ("http://localhost:8000/", "http://localhost:PORT/"),
        ("/tmp/ipykernel_12/345.py", "CELL.py"),
        ("<object at 0x7f1c340b5ff0>", "<object at 0xADDR>"),
        ('File "/a/b/lib/python3.11/site-packages/x.py"', 'File "site-packages/x.py"'),
        ("ObjectId('4eada0b5136fc4aa41000000')", "ObjectId('OBJECTID')"),
        ("4 x 0.5 s, 400 requests, port 8000", "4 x 0.5 s, 400 requests, port 8000"),
    ],
)
def test_a_rule_takes_out_what_differs_and_nothing_else(text, clean):
    assert weave.comparable(text) == clean
