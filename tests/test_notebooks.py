"""The notebooks are what their lessons make, hold nothing that nbval does not see, and a stale one is found."""

import copy
import json
import re
import shutil
import subprocess
import sys

import pytest
from guard import problems

from course import weave

from servers import ROOT

NUMBERS = list(weave.lessons())
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_wrong_that_nbval_does_not_see(path):
    assert problems(json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_the_notebook_is_fresh(number):
    assert weave.stale(number) == []


def test_every_notebook_has_a_lesson():
    assert [path.name for path in NOTEBOOKS] == [weave.notebook_of(n).name for n in NUMBERS]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_lesson_has_the_same_sections(number):
    lesson = (weave.lessons()[number] / "lesson.md").read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^```.*?^```", "", lesson)
    assert re.match(rf"# Chapter {number}: .+\n\nIn the notes: ", lesson)
    assert re.findall(r"^## (.*)", text, re.M) == [
        "Step by step",
        "Then and now",
        "What the notes got wrong",
        "Try it",
        "The exercise",
    ]
    for verb in ("start", "check", "hint", "diff"):
        assert f"make {verb}-{number}`" in text


@pytest.mark.parametrize("number", NUMBERS)
def test_every_link_to_a_file_leads_somewhere(number):
    lesson = weave.lessons()[number] / "lesson.md"
    for file in (lesson, weave.notebook_of(number)):
        for link in re.findall(r"\]\((\.[^)#]*)", file.read_text(encoding="utf-8")):
            assert (file.parent / link).exists(), f"{file.name}: {link}"


# ---------------------------------------------------------------- the guard finds what it is for


def change(cell=0, **keys):
    def apply(notebook):
        code = [each for each in notebook["cells"] if each["cell_type"] == "code"]
        code[cell].update(keys)

    return apply


def output(**keys):
    return {"output_type": "stream", "name": "stdout", "text": ["x"], **keys}


ERROR = {"output_type": "error", "ename": "KeyError", "evalue": "1", "traceback": ["KeyError: 1"]}
MUTANTS = {
    "cleared": change(execution_count=None, outputs=[]),
    "counted wrongly": change(execution_count=7),
    "raw": lambda notebook: notebook["cells"][0].update(cell_type="raw"),
    "empty": change(source=[]),
    "ignored by nbval": change(source=["# NBVAL_IGNORE_OUTPUT\n", "x = 1"]),
    "skipped by nbval": change(source=["# NBVAL_SKIP\n", "x = 1"]),
    "skipped by a tag": change(metadata={"tags": ["nbval-skip"]}),
    "ignored by a tag": change(metadata={"tags": ["nbval-ignore-output"]}),
    "a shell escape": change(source=["!false"]),
    "litter": change(source=["import tempfile\n", "scratch = tempfile.TemporaryDirectory()"]),
    "a magic": change(source=["x = 1\n", "%matplotlib inline"]),
    "a cell magic": change(source=["%%bash\n", "false"]),
    "stderr": change(outputs=[output(name="stderr")]),
    "an error without its tag": change(outputs=[ERROR]),
    "a tag without its error": change(metadata={"tags": ["raises-exception"]}),
    "two errors": change(metadata={"tags": ["raises-exception"]}, outputs=[ERROR, ERROR]),
    "a tag of nobody": change(metadata={"tags": ["claim-44"]}),
    "times": change(metadata={"execution": {"iopub.status.busy": "2026"}}),
    "a print without output": change(source=["for n in [1]:\n", "    print(n)"], outputs=[]),
    "an answer without output": change(source=["await ask(url)"], outputs=[]),
    "a bad magic, stored": change(outputs=[output(text=["UsageError: Line magic"])]),
    "an image": change(
        outputs=[{"output_type": "display_data", "data": {"image/png": "iVBO"}, "metadata": {}}]
    ),
    "HTML": change(
        outputs=[{"output_type": "display_data", "data": {"text/html": "<b>"}, "metadata": {}}]
    ),
    "a path": change(outputs=[output(text=["File /home/me/course/chapters/x.py"])]),
    "the same id twice": lambda notebook: notebook["cells"][0].update(
        id=notebook["cells"][1]["id"]
    ),
    "another kernel": lambda notebook: notebook["metadata"]["kernelspec"].update(name="mine"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_guard_finds_a_notebook_that_is(name):
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    changed = copy.deepcopy(notebook)
    MUTANTS[name](changed)
    assert changed != notebook
    assert problems(changed) != []


# ---------------------------------------------------------------- a stale notebook is found


@pytest.fixture
def root(tmp_path):
    """A copy of chapter 1's text, code and notebook."""
    for part in ("chapters/01_hello", "notebooks", "tests"):
        (tmp_path / part).mkdir(parents=True)
    for file in ("main.py", "lesson.md"):
        shutil.copy(ROOT / "chapters/01_hello" / file, tmp_path / "chapters/01_hello")
    shutil.copy(ROOT / "notebooks/01_hello.ipynb", tmp_path / "notebooks")
    shutil.copy(ROOT / "tests/sanitize.cfg", tmp_path / "tests")
    assert weave.stale(1, tmp_path) == []
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("main.py", "friendly user!", "friendly reader!", "source"),
        ("lesson.md", "A *handler* is a class", "A *handler* is a Python class", "id"),
        ("lesson.md", 'tags=["claim-C9"]', 'tags=["claim-C8"]', "metadata"),
    ],
)
def test_a_change_of_text_or_code_makes_it_stale(root, file, old, new, key):
    edit(root / "chapters/01_hello" / file, old, new)
    assert any(reason.endswith(f"another {key}") for reason in weave.stale(1, root))


def test_a_missing_cell_and_a_missing_notebook_are_found(root):
    edit(root / "chapters/01_hello/lesson.md", "### What `write` takes", "## New\n\n### What")
    assert "cells, the lesson" in weave.stale(1, root)[0]
    (root / "notebooks/01_hello.ipynb").unlink()
    assert weave.stale(1, root) == ["01_hello.ipynb is not there"]


def test_nbval_finds_every_changed_output(root):
    changed, others = change_outputs(root / "notebooks/01_hello.ipynb")
    assert changed > 15
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider"]
    command += ["--tb=no", "--nbval-sanitize-with", "tests/sanitize.cfg"]
    ran = subprocess.run(
        [*command, "notebooks"], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert f"{changed} failed, {others} passed" in ran.stdout, ran.stdout


def test_weaving_mends_an_output_and_leaves_the_others_byte_for_byte(root):
    path = root / "notebooks/01_hello.ipynb"
    before = path.read_bytes()
    change_outputs(path, 1)
    assert path.read_bytes() != before
    assert weave.weave(1, root) is True
    assert path.read_bytes() == before


def change_outputs(path, how_many=None):
    """Add a word to each stored output, or to those of the first cells that have any.

    Returns how many cells were changed, and how many were not.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    shown = [cell for cell in code if cell["outputs"]][:how_many]
    for cell in shown:
        for each in cell["outputs"]:
            (each.get("text") or each["data"]["text/plain"])[-1] += "changed"
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
    return len(shown), len(code) - len(shown)


# ---------------------------------------------------------------- the sanitising rules


def test_every_rule_is_read_and_has_a_name():
    text = (ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
    rules = weave.sanitizers()
    assert len(rules) == len(re.findall(r"regex\s*:", text)) == len(re.findall(r"(?m)^\[", text))
    for regex, _ in rules:
        re.compile(regex)


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
    for regex, replacement in weave.sanitizers():
        text = re.sub(regex, replacement, text)
    assert text == clean
