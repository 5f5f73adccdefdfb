"""`python -m course new`: the skeleton of a chapter, and that nothing in the course counts its chapters."""

import os
import re
import subprocess
import sys

import pytest

from course.authors import new
from course.manifest import chapters

from servers import copy_course

NEXT = len(chapters()) + 1
FOLDER = f"{NEXT:02d}_caching"
SUITE = [
    *("tests/test_manifest.py", "tests/test_gate.py", "tests/test_claims.py"),
    *("tests/test_shelf.py", "tests/test_notebooks.py", "tests/test_suite.py"),
    *("tests/chapters/test_scripts.py", f"tests/chapters/test_{FOLDER}.py"),
    *("tests/exercises", f"notebooks/{FOLDER}.ipynb"),
]
STILL_TO_BE_WRITTEN = [
    f"tests/test_manifest.py::test_nothing_of_a_skeleton_is_left[{FOLDER}]",
    f"tests/test_shelf.py::test_the_shelf_holds_enough[{FOLDER}]",
]


@pytest.mark.slow
def test_the_suite_is_green_on_a_new_chapter_but_for_what_is_to_be_written(tmp_path):
    copy = copy_course(tmp_path / "course")

    def run(*command) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *command], cwd=copy, capture_output=True, text=True, timeout=300
        )

    code = f"import sys; from course.authors import new; sys.exit(new.new('{NEXT}', 'caching'))"
    made = run("-c", code)
    assert made.returncode == 0, made.stdout + made.stderr
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        style = run("-m", *command, ".")
        assert style.returncode == 0, style.stdout
    woven = run("-c", "import sys; from course.authors import weave; weave.main(None, True)")
    assert not re.search(rf"^{FOLDER}.*(stale|wrong)", woven.stdout, re.MULTILINE), woven.stdout
    os.environ.pop("PYTEST_ADDOPTS", None)
    nbval = ["--nbval", "--nbval-sanitize-with", "tests/sanitize.cfg"]
    suite = run(
        "-m", "pytest", "-q", "-n2", "--dist=loadfile", "-p", "no:cacheprovider", *nbval, *SUITE
    )
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", suite.stdout, re.MULTILINE)
    assert sorted(failed) == STILL_TO_BE_WRITTEN, suite.stdout[-5000:] + suite.stderr


@pytest.mark.parametrize(
    ("number", "name", "says"),
    [
        ("1", "caching", f"the next chapter is {NEXT}, not 1"),
        ("x", "caching", f"the next chapter is {NEXT}, not x"),
        (str(NEXT), "Ca-ching", "'Ca-ching' is not a name"),
        (str(NEXT), "../x", "'../x' is not a name"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_line_and_writes_nothing(number, name, says):
    with pytest.raises(new.NewError, match=re.escape(says)) as raised:
        new.new(number, name)
    assert "\n" not in str(raised.value)
