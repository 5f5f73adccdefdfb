"""course.toml, the folders and the checks say the same."""

import ast
import re

import pytest

from course.manifest import ManifestError, chapter, chapters

from servers import ROOT

CHAPTERS = chapters()


@pytest.mark.parametrize(
    "pattern",
    [
        "chapters/{}/main.py",
        "chapters/{}/lesson.md",
        "chapters/{}/notes.md",
        "chapters/{}/exercise.py",
        "solutions/{}/exercise.py",
        "notebooks/{}.ipynb",
        "notebooks/{}_notes.ipynb",
        "tests/exercises/test_{}.py",
    ],
)
def test_each_chapter_has_its_files_and_there_are_no_others(pattern):
    listed = {pattern.format(each.folder) for each in CHAPTERS}
    found = ROOT.glob(pattern.format("[0-9][0-9]_*"))
    of_notes = "_notes" in pattern
    found = {
        str(file.relative_to(ROOT)) for file in found if file.stem.endswith("_notes") == of_notes
    }
    assert found == listed


def test_each_chapter_has_tests():
    for each in CHAPTERS:
        assert (ROOT / "tests" / "chapters" / f"test_{each.folder}.py").exists()


@pytest.mark.parametrize("each", CHAPTERS, ids=lambda each: each.folder)
def test_starter_manifest_and_checks_know_the_same_tasks(each):
    numbers = [task.number for task in each.tasks]
    assert len(numbers) == 3
    text = ast.get_docstring(ast.parse(each.starter.read_text(encoding="utf-8")))
    assert [int(n) for n in re.findall(r"^Task (\d)\b", text, re.MULTILINE)] == numbers
    checks = each.checks.read_text(encoding="utf-8")
    assert sorted({int(n) for n in re.findall(r"mark\.task\((\d)\)", checks)}) == numbers
    for function in ast.parse(checks).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            assert any("mark.task" in ast.unparse(d) for d in function.decorator_list), (
                function.name
            )


@pytest.mark.parametrize("each", CHAPTERS, ids=lambda each: each.folder)
def test_nothing_of_a_skeleton_is_left(each):
    """`python -m course new` marks what an author has to write."""
    files = [
        *(
            file
            for name in ("chapters", "solutions")
            for file in (ROOT / name / each.folder).iterdir()
        ),
        *(ROOT / "tests" / "shelf" / each.folder).glob("*.toml"),
        each.checks,
    ]
    found = [file for file in files if file.suffix in (".py", ".md", ".toml")]
    found = [file for file in found if "To be written" in file.read_text(encoding="utf-8")]
    assert [str(file.relative_to(ROOT)) for file in found] == []
    assert "To be written" not in f"{each.notes} {each.section} {each.tasks}"


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ("number = 1", "number = 2", "chapter 2 stands in place 1"),
        ('title = "Hello"', "", "title"),
        ('title = "Hello"', 'titel = "Hello"', "titel"),
        ("hints = [", "hints = []\nspare = [", "spare"),
    ],
)
def test_a_hole_in_the_manifest_is_said_in_one_line(tmp_path, line, instead, says):
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    assert line in text
    broken = tmp_path / "course.toml"
    broken.write_text(text.replace(line, instead, 1), encoding="utf-8")
    with pytest.raises(ManifestError, match=re.escape(says)) as error:
        chapters(broken)
    assert "\n" not in str(error.value)


def test_an_empty_hint_is_an_error(tmp_path):
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    broken = tmp_path / "course.toml"
    broken.write_text(re.sub(r"hints = \[\n.*\n", 'hints = [\n" ",\n', text, count=1), "utf-8")
    with pytest.raises(ManifestError, match="empty hint"):
        chapters(broken)


@pytest.mark.parametrize("number", ["0", str(len(CHAPTERS) + 1), "99", "-1", "one", "", "1.0", "²"])
def test_a_chapter_that_is_not_there_is_said_in_one_line(number):
    with pytest.raises(ManifestError, match="there is no chapter"):
        chapter(number)


def test_the_readme_links_to_every_page_of_every_chapter():
    rows = re.findall(
        r"^\| (\d+) \| (.+?): .+? \| \[lesson\]\((.+?)\) \| \[notes\]\((.+?)\) "
        r"\| \[program\]\((.+?)\) \| \[exercise\]\((.+?)\) \|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rows == [
        (
            str(each.number),
            each.title,
            f"notebooks/{each.folder}.ipynb",
            f"notebooks/{each.folder}_notes.ipynb",
            f"chapters/{each.folder}/main.py",
            f"chapters/{each.folder}/exercise.py",
        )
        for each in CHAPTERS
    ]
