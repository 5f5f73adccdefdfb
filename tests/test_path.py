"""The course as a path: what an exercise needs, a lesson has shown by then, or the exercise itself names it.

Walks the lessons in order. What a solution adds to its starter is taken apart into the names it uses (of the library, of
Python's own modules, keywords of calls) and the kinds of statement; each must stand in the code of a lesson up to that
chapter, or in backticks in its prose, or in the text of the task. Python itself, as a beginner's book teaches it, is
not taught here: built-in functions, the methods of texts, lists and dictionaries, and what PYTHON names.
"""

import ast
import builtins
import json
import re

import pytest

from course.manifest import chapters

from servers import ROOT

PYTHON = {
    # name: why a reader may be asked for it without having seen it here
    "json": "the module that every Python book shows",
    "loads": "json.loads, from the same page",
    "dumps": "json.dumps, from the same page",
    "re": "regular expressions: routes are made of them from chapter 1 on",
    "microsecond": "a field of a datetime",
    "tzinfo": "a field of a datetime",
    "staticmethod": "a decorator of Python's own",
    "property": "a decorator of Python's own",
}
STATEMENTS = {
    ast.AsyncFunctionDef: "async def",
    ast.Await: "await",
    ast.AsyncWith: "async with",
    ast.AsyncFor: "async for",
    ast.Yield: "yield",
    ast.Match: "match",
}
BUILT_IN = set(dir(builtins)).union(
    *(dir(kind) for kind in (str, bytes, int, float, list, tuple, dict, set, object, Exception))
)
CHAPTERS = chapters()


def names_in(tree: ast.AST, lines=None) -> dict[str, int]:
    """The names that are used, and the statements of STATEMENTS, each with a line it stands in; in `lines` only, if given."""
    found = {}
    for node in ast.walk(tree):
        names = []
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name, ctx=ast.Load()):
                names = [name]
            case ast.keyword(arg=str(name)):
                names = [f"{name}="]
            case ast.ImportFrom(module=module, names=aliases):
                names = [*module.split("."), *(alias.name for alias in aliases)]
            case ast.Import(names=aliases):
                names = [part for alias in aliases for part in alias.name.split(".")]
            case _ if type(node) in STATEMENTS:
                names = [STATEMENTS[type(node)]]
        line = getattr(node, "lineno", 0)
        if lines is None or line in lines:
            found.update((name, line) for name in names if name not in found)
    return found


def defined_in(tree: ast.AST) -> set[str]:
    """The names that the program makes itself: functions, classes, arguments, variables, attributes of self."""
    made = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                made.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                made.update([name, f"{name}="])
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
                made.add(name)
    return made


def shown_in(chapter) -> set[str]:
    """What the lesson shows before its exercise: names in its cells' code and in backticks."""
    notebook = json.loads((ROOT / "notebooks" / f"{chapter.folder}.ipynb").read_text("utf-8"))
    shown = set()
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if text.startswith("## The exercise"):
                break
            shown |= said_in("\n".join(re.findall(r"`([^`]+)`", text)))
        else:
            shown |= said_in(text)
    return shown


def said_in(text: str) -> set[str]:
    """The names and statements in a piece of code, whether or not it is a whole program."""
    statements = {name for name in STATEMENTS.values() if re.search(rf"\b{name}\b", text)}
    keywords = set(re.findall(r"\b\w+=(?!=)", text))
    return statements | keywords | set(re.findall(r"\w+", text))


def needed(chapter) -> dict[str, int]:
    """What the learner must write that neither the starter has nor the text of the tasks names."""
    tree = ast.parse(chapter.solution.read_text(encoding="utf-8"))
    made = defined_in(tree)
    given = said_in(chapter.starter.read_text(encoding="utf-8"))
    return {
        name: line
        for name, line in names_in(tree, chapter.own_lines).items()
        if name not in given | made and name.rstrip("=") not in BUILT_IN | set(PYTHON)
    }


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.folder)
def test_nothing_is_asked_before_it_is_taught(chapter):
    shown = set().union(*(shown_in(each) for each in CHAPTERS[: chapter.number]))
    missing = {name: line for name, line in needed(chapter).items() if name not in shown}
    assert not missing, (
        f"no lesson up to chapter {chapter.number} shows these (name: line of solution)"
    )


def test_the_walk_sees_what_is_missing():
    shown = shown_in(CHAPTERS[0])
    assert {"get_query_argument", "set_header", "make_app"} <= shown
    assert not {"to_thread", "find_one", "async for", "gen"} & shown
    names = names_in(
        ast.parse("async def f():\n    async for x in a.find(limit=3):\n        await x")
    )
    assert {"async for", "await", "async def", "find", "limit="} <= set(names)
