"""The course in a folder with a space and Chinese letters, on a full disk, in a terminal of another encoding, with proxies."""

import os
import resource
import shutil
import subprocess
import sys

import pytest

from course.manifest import chapters

from servers import copy_course

HELLO = chapters()[0]
ODD = {
    "a terminal in GBK": {"PYTHONIOENCODING": "gbk"},
    "a terminal in ASCII": {"PYTHONIOENCODING": "ascii"},
    "no locale": {"LC_ALL": "C", "LANG": "", "TZ": "Asia/Shanghai"},
    "proxies": {
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "socks5://127.0.0.1:9",
        "NO_PROXY": "",
        "no_proxy": "",
    },
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in such a folder, with this environment's packages: nothing is installed."""
    return copy_course(tmp_path_factory.mktemp("odd") / "我的 课程" / "x")


@pytest.fixture
def course(clone, tmp_path):
    """`course("check", 1)` runs a command with an empty home; returns the finished process, output and errors in one."""
    shutil.rmtree(clone / "work", ignore_errors=True)

    def run(*arguments, limit=resource.RLIM_INFINITY, **environment):
        code = "import sys; from course import environment as e, cli; e.ensure = e.enter = lambda _: None; sys.exit(cli.main())"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=clone,
            env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(clone), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding=environment.get("PYTHONIOENCODING", "utf-8"),
            timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )

    run.work = clone / HELLO.work.relative_to(HELLO.work.parents[2])
    return run


@pytest.mark.parametrize("environment", ODD.values(), ids=ODD)
def test_a_learner_s_day(course, environment):
    def said(status, *arguments):
        shown = course(*arguments, **environment)
        assert (shown.returncode, "Traceback" in shown.stdout) == (status, False), shown.stdout
        return shown.stdout

    assert "is yours to edit" in said(0, "start", 1)
    assert "Task 1" in said(1, "check", 1)
    assert "1 of 3" in said(0, "hint", 1)
    assert "1 tasks are green" not in said(0, "progress")
    shutil.copy(HELLO.solution, course.work)
    assert "All green" in said(0, "check", 1)
    assert "the same, letter for letter" in said(0, "diff", 1)


def test_a_full_disk_leaves_no_half_of_a_file(course):
    full = course("start", 1, limit=100)
    assert (full.returncode, full.stdout.count("\n")) == (1, 1)
    assert "Cannot write work/01_hello/exercise.py: File too large" in full.stdout
    assert list(course.work.parent.iterdir()) == []
    assert course("start", 1).returncode == 0
    course.work.write_text("mine", encoding="utf-8")
    full = course("reset", 1, limit=100, FORCE="1")
    assert (full.returncode, full.stdout.count("\n")) == (1, 1)
    assert "your work is work/01_hello/exercise.py" in full.stdout
    assert [file.read_text() for file in course.work.parent.iterdir()] == ["mine"]


def test_a_reader_of_the_output_may_leave(course):
    """As in `make | head -1`."""
    code = "import sys; from course import cli; sys.argv[1:] = []; sys.exit(cli.main())"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        shown = subprocess.run(
            [sys.executable, "-c", code],
            cwd=course.work.parents[2],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert shown.stderr == ""


@pytest.mark.parametrize("target", ["check", "check-", "chapter-"])
def test_a_verb_without_a_chapter_is_told_what_to_add(target):
    made = subprocess.run(
        ["make", target], cwd=HELLO.script.parents[2], capture_output=True, text=True
    )
    verb = target.strip("-")
    assert made.returncode == 2
    assert f"Which chapter? For example: make {verb}-1" in made.stderr
