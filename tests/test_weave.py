"""course/authors/weave.py: what a page may contain, when its notebook is executed, and which outputs stay."""

import json

import pytest
from settings import hostile_settings

from course.authors import weave

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

    # The body is ignored.
    async def post(self):
        self.write("b")


async def main():
    pass
'''


@pytest.fixture
def page(tmp_path):
    """A page of a chapter that has MAIN and a helper.py."""
    folder = tmp_path / "chapters" / "07_test"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(MAIN)
    (folder / "helper.py").write_text(
        "import asyncio\nimport os\n\n\nclass Thing:\n    pass\n\n\nthing = Thing()\n"
    )
    (folder / "lesson.md").write_text("")
    [page] = weave.pages(tmp_path)
    return page


@pytest.fixture
def lesson(page):
    """`lesson(text)` builds the notebook of the page with this text."""

    def build(text):
        page.text.write_text(text, encoding="utf-8")
        return weave.build(page)

    return build


def cell(info, body=""):
    return f"# Title\n\n```python {info}\n{body}\n```\n"


HEAD = "class Handler(tornado.web.RequestHandler):\n"
GET = '    def get(self):\n        self.write("a")'
IMPORTS = "import asyncio\nimport json as j\nfrom contextlib import (\n    suppress,\n)\n\nimport tornado.web"
POST = '    # The body is ignored.\n    async def post(self):\n        self.write("b")'


@pytest.mark.parametrize(
    ("show", "source"),
    [
        (
            "imports",
            IMPORTS,
        ),
        ("LIMIT", "# A limit,\n# in seconds.\nLIMIT = 3"),
        ("NAME", 'NAME: str = "x"'),
        ("decorated", "# Why it is decorated.\n@decorate\ndef decorated():\n    return 1"),
        ("main", "async def main():\n    pass"),
        ("helper.py::Thing", "class Thing:\n    pass"),
        ("helper.py::imports", "import asyncio\nimport os"),
        (
            "LIMIT imports helper.py::imports",
            "# A limit,\n# in seconds.\nLIMIT = 3\n\n\n" + IMPORTS + "\n\n\nimport os",
        ),
        ("Handler.get", HEAD + GET),
        ("Handler.get LIMIT", HEAD + GET + "\n\n\n# A limit,\n# in seconds.\nLIMIT = 3"),
        ("Handler.get Handler.post", HEAD + GET + "\n\n" + POST),
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
        ('show="Handler.put"', "", "main.py has no 'Handler.put'"),
        ('show="other.py::X"', "", "07_test/other.py does not exist"),
        ("", "x = 1  # NBVAL_IGNORE_OUTPUT", "makes nbval skip a comparison"),
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


def test_an_id_is_the_place_of_a_cell(lesson):
    text = "a\n\n# B\n\n```python\nx = 1\n```\n\nc\n\n## D\n\n```bash\nls\n```\n"
    assert [each.id for each in lesson(text).cells] == [
        "s0-1",
        "s1-1",
        "s1-2",
        "s1-3",
        "s2-1",
        "s2-2",
    ]
    later = lesson(text.replace("c\n", "```python\ny = 2\n```\n\nc\n"))
    assert [each.id for each in later.cells][-2:] == ["s2-1", "s2-2"]  # other sections keep theirs


def test_two_equal_headings_would_share_an_anchor(lesson):
    with pytest.raises(weave.WeaveError, match="two headings `A` share an anchor"):
        lesson("# A\n\nx\n\n## A\n\ny\n")


def test_a_chapter_has_a_lesson_and_may_have_notes_that_link_to_each_other(page, tmp_path):
    notes = page.text.with_name("notes.md")
    notes.write_text("# N\n\n[l](lesson.md) [x](../08_x/lesson.md#a) [b](../../bench/x.md)\n")
    page.text.write_text("# L\n\n[n](notes.md#n) [y](../08_x/notes.md)\n")
    pages = weave.pages(tmp_path)
    names = ["07_test.ipynb", "07_test_notes.ipynb"]
    assert [each.notebook for each in pages] == [tmp_path / "notebooks" / name for name in names]
    lesson, notes = [weave.build(each).cells[0].source for each in pages]
    assert lesson.endswith("[n](07_test_notes.ipynb#n) [y](08_x_notes.ipynb)")
    assert notes.endswith("[l](07_test.ipynb) [x](08_x.ipynb#a) [b](../bench/x.md)")


@pytest.mark.parametrize(
    ("source", "tags", "says"),
    [
        ("1 / 0", [], "ZeroDivisionError"),
        ("import sys; print('x', file=sys.stderr)", [], "writes to stderr: x"),
        ("1", ["raises-exception"], "an error and the tag raises-exception need each other"),
        (f"print({str(weave.ROOT)!r})", [], "shows the path of a folder of this machine"),
    ],
)
def test_a_cell_that_goes_wrong_is_named(page, source, tags, says):
    page.text.write_text(f"```python tags={json.dumps(tags)}\n{source}\n```\n")
    with pytest.raises(weave.WeaveError, match=r"07_test\.ipynb") as raised:
        weave.weave(page)
    assert says in str(raised.value)
    assert not page.notebook.exists()


# ---------------------------------------------------------------- when it is executed, and what stays

PAGE = """# A

One.

```python
import random
x = random.random()
x
```

Two.

```python
print("http://127.0.0.1:%d" % random.randint(10000, 60000))
```

```python
x + 1
```
"""


def outputs(page):
    notebook = weave.nbformat.read(page.notebook, as_version=4)
    return [json.dumps(cell.outputs[0]) for cell in weave.code_cells(notebook)]


def edit(page, old, new):
    text = page.text.read_text()
    assert old in text
    page.text.write_text(text.replace(old, new, 1))


@pytest.fixture
def woven(page):
    page.text.write_text(PAGE)
    assert weave.weave(page) == "changed, executed"
    assert weave.weave(page) == "the same"
    assert weave.stale(page) == ""
    return page


@pytest.fixture
def no_kernel(monkeypatch):
    def execute(*_):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(weave, "execute", execute)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("One.", "Three."),
        ("One.", "One.\n\n## B\n\nTwo."),
        ("```python\nprint", '```python tags=["claim-C1"]\nprint'),
        ("\n```python\nx + 1\n```\n", ""),
    ],
    ids=["prose", "a heading", "a tag", "no last cell"],
)
def test_a_change_that_leaves_the_code_alone_needs_no_kernel(woven, no_kernel, old, new):
    before = outputs(woven)
    edit(woven, old, new)
    assert weave.stale(woven).startswith(("cell ", "another number of cells"))
    assert weave.weave(woven) == "changed"
    assert weave.stale(woven) == ""
    assert outputs(woven) == before[: len(outputs(woven))]


def test_after_a_change_of_code_the_outputs_above_it_stay_and_those_that_say_the_same(woven):
    first, url, last = outputs(woven)
    edit(woven, "Two.", "```python\n'new'\n```")
    assert weave.stale(woven) == "cell 3 `'new'`"
    assert weave.weave(woven) == "changed, executed"
    assert [first, url] == [outputs(woven)[place] for place in (0, 2)]
    assert "new" in outputs(woven)[1]
    assert outputs(woven)[3] != last
    assert weave.stale(woven) == ""


def test_a_changed_definition_that_a_cell_shows_is_a_change_of_code(page):
    page.text.write_text(cell('show="LIMIT"', "LIMIT"))
    weave.weave(page)
    (page.text.parent / "main.py").write_text(MAIN.replace("LIMIT = 3", "LIMIT = 4"))
    assert weave.stale(page)
    assert weave.weave(page) == "changed, executed"
    assert '"4"' in outputs(page)[0]


def test_with_run_a_wrong_output_is_mended_and_a_cleared_one_without(woven):
    before = outputs(woven)
    text = woven.notebook.read_text()
    woven.notebook.write_text(text.replace(' "http://127.0.0.1', ' "http://127.0.0.2'))
    assert weave.weave(woven) == "the same"  # nbval finds it
    assert weave.weave(woven, run=True) == "changed, executed"
    assert "127.0.0.1" in outputs(woven)[1]
    assert outputs(woven)[0] != before[0]
    woven.notebook.write_text(text.replace('"execution_count": 1', '"execution_count": null'))
    assert weave.stale(woven)
    assert weave.weave(woven) == "changed, executed"


@pytest.mark.parametrize(
    ("setting", "value"), [("IPYTHONDIR", "ipython"), ("JUPYTER_PATH", "jupyter")]
)
def test_an_authors_own_settings_change_no_output(page, tmp_path, monkeypatch, setting, value):
    hostile_settings(tmp_path)
    monkeypatch.setenv(setting, str(tmp_path / value))
    page.text.write_text("```python\n1\n2\n```\n")
    weave.weave(page)
    [code] = weave.code_cells(weave.nbformat.read(page.notebook, as_version=4))
    assert [output.data for output in code.outputs] == [{"text/plain": "2"}]


def test_check_says_what_is_stale_and_what_to_type(woven, capsys, monkeypatch):
    monkeypatch.setattr(weave, "pages", lambda: [woven])
    monkeypatch.setattr(weave.index, "write", lambda check: False)
    assert weave.main(None, check=True) == 0
    edit(woven, "One.", "Three.")
    before = woven.notebook.read_bytes()
    assert weave.main([7], check=True) == 1
    out = capsys.readouterr().out
    assert "stale: cell 1 `# A`" in out
    assert "python -m course weave" in out
    assert woven.notebook.read_bytes() == before
    assert weave.main([7]) == 0
    edit(woven, "```python", "```python hide=true")
    assert weave.main([7]) == weave.main([7], check=True) == 1
    assert "unknown cell metadata: hide" in capsys.readouterr().out
    monkeypatch.setattr(weave.index, "write", lambda check: True)
    assert weave.main([8], check=True) == 1
    assert weave.main([8]) == 0
