"""The mutants: what they change, and that each survivor on the list is one, with its reason. `make mutants` runs them."""

import pytest

from course.manifest import chapters
from course.mutants import LIST, listed
from course.mutate import mutants

CHAPTERS = chapters()

PROGRAM = '''
import asyncio


def restock(widgets, name, amount):
    """Not changed: "a == b" in a docstring."""
    if amount <= 0 or not name:
        raise ValueError("wording is not changed")
    for _ in range(3):
        result = widgets.update_one({"name": name}, {"$inc": {"quantity": amount}}, upsert=False)
    return result


async def handler(self):
    try:
        self.write({"error": "wording", "status": await asyncio.sleep(0, 204)})
    except (KeyError, ValueError):
        pass


def main():
    restock(None, "not mutated", 1)
'''


@pytest.mark.parametrize(
    "change",
    [
        ("amount <= 0", "amount < 0"),
        ("amount <= 0", "amount > 0"),
        (" or ", " and "),
        ("not name", "(name)"),
        ("range(3)", "range(4)"),
        ("range(3)", "range(2)"),
        (", upsert=False", ""),
        ("upsert=False", "upsert=True"),
        ('{"$inc"', '{"$incx"'),
        ("return result", "return None"),
        ("await asyncio.sleep", "asyncio.sleep"),
        ("204", "205"),
        ("(KeyError, ValueError)", "ZeroDivisionError"),
        ("KeyError, ValueError", "KeyError, ZeroDivisionError"),
        ('raise ValueError("wording is not changed")', "pass"),
    ],
)
def test_a_slip_is_among_the_mutants(change):
    wanted = PROGRAM.replace(*change)
    assert wanted != PROGRAM
    assert wanted in [mutant.text for mutant in mutants(PROGRAM)]


def test_each_mutant_compiles_and_is_made_once():
    texts = [mutant.text for mutant in mutants(PROGRAM)]
    assert len(set(texts)) == len(texts)
    for text in texts:
        compile(text, "mutant", "exec")
        assert "a == b" in text
        assert '"not mutated", 1' in text
        assert "wordingx" not in text


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.folder)
def test_each_survivor_on_the_list_is_a_mutant_with_a_reason(chapter):
    own = chapter.own_lines
    found = mutants(chapter.solution.read_text(encoding="utf-8"))
    keys = {mutant.key for mutant in found if mutant.line in own}
    assert len(keys) > 15
    for key, entry in listed(chapter).items():
        assert key in keys, f"{LIST.name}: no mutant is so: {key}"
        assert entry["kind"] in ("equal", "open")
        assert len(entry["reason"]) > 10
