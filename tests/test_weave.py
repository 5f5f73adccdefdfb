"""course/weave.py: what a lesson may say, and what it is told where it says something else."""

import pytest

from course import weave

MAIN = '''"""A chapter."""

import asyncio
import json as j
from contextlib import (
    suppress,
)

import tornado.web
from helper import thing

# A limit,
# in seconds.
LIMIT = 3
NAME: str = "x"


def decorate(f):
    return f


# Why it is decorated.
@decorate
def decorated():
    return 1


class Handler(tornado.web.RequestHandler):
    """One."""

    def get(self):
        self.write("a")


async def main():
    pass
'''


@pytest.fixture
def lesson(tmp_path):
    """`lesson(text)` builds the notebook of a chapter with this lesson, beside MAIN and a helper.py."""
    folder = tmp_path / "chapters" / "07_test"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(MAIN)
    (folder / "helper.py").write_text(
        "import os\n\n\nclass Thing:\n    pass\n\n\nthing = Thing()\n"
    )

    def build(text):
        (folder / "lesson.md").write_text(text, encoding="utf-8")
        return weave.build(7, tmp_path)

    return build


def cell(info, body=""):
    return f"# Title\n\n```python {info}\n{body}\n```\n"


@pytest.mark.parametrize(
    ("show", "source"),
    [
        (
            "imports",
            "import asyncio\nimport json as j\nfrom contextlib import (\n    suppress,\n)\n\n"
            "import tornado.web",
        ),
        ("LIMIT", "# A limit,\n# in seconds.\nLIMIT = 3"),
        ("NAME", 'NAME: str = "x"'),
        ("decorated", "# Why it is decorated.\n@decorate\ndef decorated():\n    return 1"),
        ("main", "async def main():\n    pass"),
        ("helper.py::Thing", "class Thing:\n    pass"),
        ("helper.py::imports", "import os"),
        ("main LIMIT", "async def main():\n    pass\n\n\n# A limit,\n# in seconds.\nLIMIT = 3"),
    ],
)
def test_a_definition_is_shown_as_it_stands(lesson, show, source):
    assert lesson(cell(f'show="{show}"')).cells[1].source == source


def test_the_cells_own_lines_come_last(lesson):
    notebook = lesson(cell('show="main" tags=["claim-C1"]', "await main()"))
    assert notebook.cells[1].source == "async def main():\n    pass\n\n\nawait main()"
    assert notebook.cells[1].metadata == {"show": "main", "tags": ["claim-C1"]}


@pytest.mark.parametrize(
    ("info", "body", "says"),
    [
        ('show="Nobody"', "", "main.py has no 'Nobody'; it has imports, LIMIT"),
        ('show="other.py::X"', "", "there is no 07_test/other.py"),
        ('tags=["claim-1"]', "x = 1", "07_test/lesson.md, cell `x = 1`: unknown tag: claim-1"),
        ("hide=true", "x = 1", "unknown cell metadata: hide"),
        ("", "", "an empty cell"),
    ],
)
def test_a_mistake_is_one_clear_line(lesson, info, body, says):
    with pytest.raises(weave.WeaveError) as raised:
        lesson(cell(info, body))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_fences_are_text(lesson):
    notebook = lesson("```python\nx = 1\n```\n\n```bash\nls\n```\n\n```\nx\n```\n")
    assert [each.cell_type for each in notebook.cells] == ["code", "markdown", "markdown"]
    assert notebook.cells[1].source == "```bash\nls\n```"


def test_a_heading_begins_a_cell(lesson):
    assert [each.source for each in lesson("# A\n\nb\n\n## C\n\nd\n").cells] == [
        "# A\n\nb",
        "## C\n\nd",
    ]


def test_an_id_depends_on_its_own_text_alone(lesson):
    text = "# A\n\n```python\nx = 1\n```\n\n```python\nx = 1\n```\n"
    before = [each.id for each in lesson(text).cells]
    after = [each.id for each in lesson(text.replace("# A", "# A\n\n```python\ny = 2\n```")).cells]
    assert len(set(before)) == 3
    assert set(before) < set(after)


@pytest.mark.parametrize(
    ("source", "tags", "says"),
    [
        ("1 / 0", [], "ZeroDivisionError"),
        ("import sys; print('x', file=sys.stderr)", [], "writes to stderr: x"),
        ("1", ["raises-exception"], "is tagged raises-exception and raises nothing"),
    ],
)
def test_a_cell_that_goes_wrong_is_named(source, tags, says, tmp_path):
    new = weave.nbformat.v4
    code = new.new_code_cell(source, metadata={"tags": tags} if tags else {})
    with pytest.raises(weave.WeaveError, match=r"test\.ipynb") as raised:
        weave.execute(new.new_notebook(cells=[code]), "test.ipynb", tmp_path)
    assert says in str(raised.value)


def stream(text):
    return weave.nbformat.v4.new_output("stream", text=text)


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("http://127.0.0.1:40001", "http://127.0.0.1:50001", True),
        ("http://127.0.0.1:40001", "http://127.0.0.1:50001/", False),
        ("a", "b", False),
    ],
)
def test_an_old_output_is_kept_where_nbval_calls_it_equal(old, new, kept):
    v4 = weave.nbformat.v4
    before = v4.new_notebook(cells=[v4.new_code_cell("x", id="a", outputs=[stream(old)])])
    after = v4.new_notebook(cells=[v4.new_code_cell("x", id="a", outputs=[stream(new)])])
    weave.keep_old_bytes(after, before, weave.sanitizers())
    assert after.cells[0].outputs[0].text == (old if kept else new)


def test_an_image_is_kept_until_its_cell_changes():
    v4 = weave.nbformat.v4

    def picture(source, data):
        shown = v4.new_output("display_data", {"image/png": data})
        return v4.new_notebook(cells=[v4.new_code_cell(source, id="a", outputs=[shown])])

    for source, data in [("plot(1)", "old"), ("plot(2)", "new")]:
        after = picture(source, "new")
        weave.keep_old_bytes(after, picture("plot(1)", "old"), weave.sanitizers())
        assert after.cells[0].outputs[0].data["image/png"] == data


def test_check_says_what_is_stale_and_what_to_type(capsys, monkeypatch):
    monkeypatch.setattr(weave, "stale", lambda number: ["01_hello.ipynb, cell 2: another source"])
    assert weave.main([1], check=True) == 1
    out = capsys.readouterr().out
    assert "01_hello.ipynb" in out
    assert "python -m course weave 1" in out
    assert weave.main([99], check=True) == 1
    assert "chapter 99 has no lesson.md" in capsys.readouterr().out
