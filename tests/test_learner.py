"""The learner's day, on a copy of the course: start, check, hint, diff, reset, progress, watch."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from course.learner import check, show
from course.manifest import chapters

from servers import copy_course, free_port

HELLO = chapters()[0]
BEYOND = str(len(chapters()) + 1)
STARTER = HELLO.starter.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what git knows, or will, with this environment as its .venv: nothing is installed."""
    return copy_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(copy):
    """`course("check", 1)` runs a command; returns the finished process, output and errors in one.

    `course.begin(text)` puts an exercise with this text in the place of the learner's, without a command: the starter's.
    """
    shutil.rmtree(copy / "work", ignore_errors=True)

    def run(*arguments, **environment):
        # The copy's own course, by this Python: `-m course` would go on in the copy's own .venv.
        code = "import sys; from course import environment as e, cli; e.ensure = e.enter = lambda _: None; sys.exit(cli.main())"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "120", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )

    def begin(text=STARTER):
        run.work.parent.mkdir(parents=True)
        run.work.write_text(text, encoding="utf-8")

    run.work = copy / "work" / HELLO.folder / "exercise.py"
    run.begin = begin
    return run


def test_without_a_verb_it_prints_the_table(course):
    shown = course()
    assert shown.returncode == 0
    assert "make chapter-N" in shown.stdout
    assert "make now NAME=gen.Task" in shown.stdout


@pytest.mark.parametrize("verb", ["check", "hint", "diff", "watch"])
def test_before_the_start_it_says_what_to_do(course, verb):
    shown = course(verb, 1)
    assert (shown.returncode, shown.stdout.count("\n")) == (1, 1)
    assert "make start-1" in shown.stdout


def test_start_never_overwrites(course):
    assert course("start", 1).returncode == 0
    assert course.work.read_text(encoding="utf-8") == STARTER
    course.work.write_text("mine", encoding="utf-8")
    shown = course("start", 1)
    assert (shown.returncode, course.work.read_text(encoding="utf-8")) == (0, "mine")
    assert "make reset-1" in shown.stdout


def test_while_a_task_is_red_there_are_reasons_and_hints_and_no_solution(course):
    course.begin()
    red = course("check", 1)
    assert red.returncode == 1
    assert "curl -i http://127.0.0.1:8000/reverse/stressed" in red.stdout
    assert "next: make hint-1" in red.stdout
    assert "\x1b" not in red.stdout
    assert f"1 of 3  {HELLO.tasks[0].hints[0]}" in course("hint", 1).stdout
    refused = course("diff", 1, FORCE="0")
    assert refused.returncode == 1
    assert "word[::-1]" not in refused.stdout
    forced = course("diff", 1, FORCE="1")
    assert forced.returncode == 0
    assert re.search(r"^\+ .*word\[::-1\]", forced.stdout, re.M)
    assert "\x1b" not in forced.stdout


def test_once_all_is_green_there_is_the_solution_to_compare_with(course):
    text = HELLO.solution.read_text(encoding="utf-8")
    course.begin(text.replace("word", "name"))
    green = course("check", 1)
    assert green.returncode == 0
    assert "make diff-1" in green.stdout
    assert "-    def get(self, name):" in course("diff", 1).stdout


def test_each_hint_tells_a_little_more(tmp_path, monkeypatch, capsys):
    red = check.Verdict(HELLO, [check.Result("", task=1, outcome="failed", failure=None)])
    monkeypatch.setattr("course.manifest.ROOT", tmp_path)
    monkeypatch.setattr(show, "HINTS", tmp_path / "work" / ".hints.json")
    monkeypatch.setattr(show, "judge", lambda chapter: red)
    HELLO.work.parent.mkdir(parents=True)
    HELLO.work.touch()
    hints = HELLO.tasks[0].hints
    for count in (1, 2, 3, 3):
        assert show.hint(HELLO) == 0
        said = capsys.readouterr().out
        assert [hint in said for hint in hints] == [True] * count + [False] * (3 - count)
        assert ("FORCE=1 make diff-1" in said) == (count == 3)


def test_work_and_solutions_are_laid_out_alike(course, copy):
    course.begin()
    shown = subprocess.run(
        ["diff", "-r", "work", "solutions"], cwd=copy, capture_output=True, text=True
    )
    assert "TODO task 1" in shown.stdout
    assert "Only in work" not in shown.stdout


def test_reset_asks_and_keeps_a_backup(course):
    course.begin("mine")
    assert course("reset", 1).returncode == 1
    assert course.work.read_text(encoding="utf-8") == "mine"
    for _ in range(2):
        assert course("reset", 1, FORCE="1").returncode == 0
    backups = sorted(course.work.parent.glob("exercise-*.py"))
    assert "mine" in [file.read_text(encoding="utf-8") for file in backups]
    assert len(backups) == 2
    assert "TODO" in course.work.read_text(encoding="utf-8")


def test_progress_is_checked_now(course):
    total = sum(len(each.tasks) for each in chapters())
    assert f"0 of {total} tasks" in course("progress").stdout
    course.begin(HELLO.solution.read_text(encoding="utf-8"))
    assert f"3 of {total} tasks" in course("progress").stdout
    course.work.write_text("mine", encoding="utf-8")
    assert f"0 of {total} tasks" in course("progress").stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["chapter", BEYOND], {}, f"there is no chapter {BEYOND}"),
        (["chapter", "one"], {}, "there is no chapter one"),
        (["chapter", "1"], {"PORT": "abc"}, "PORT=abc is not a port"),
        (["chapter", "1"], {"PORT": "70000"}, "PORT=70000 is not a port"),
        (["check", "0"], {}, "there is no chapter 0"),
    ],
)
def test_what_is_asked_for_wrongly_is_said_in_one_line(course, arguments, environment, says):
    shown = course(*arguments, **environment)
    assert (shown.returncode, shown.stdout.count("\n")) == (2, 1)
    assert says in shown.stdout


def test_a_port_in_use_is_said_in_one_line(course, script):
    running = script(1)
    shown = course("chapter", "1", PORT=str(running.port))
    assert (shown.returncode, shown.stdout.count("\n")) == (1, 1)
    assert f"PORT={running.port + 1} make chapter-1" in shown.stdout


def test_watch_checks_at_every_save(course, copy):
    course.begin()
    code = "import sys; from course import manifest; from course.learner import watch; sys.exit(watch.watch(manifest.chapter('1')))"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as watching:
        try:
            assert "to do" in read_until(watching.stdout, "watching")
            time.sleep(0.5)  # the watch itself begins after the first verdict
            shutil.copy(HELLO.solution, course.work)
            assert "All green" in read_until(watching.stdout, "watching")
        finally:
            watching.send_signal(2)
        assert watching.wait(60) == 0
        assert "Traceback" not in watching.stdout.read()


def read_until(stream, word: str) -> str:
    lines = []
    for line in stream:
        lines.append(line)
        if word in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_a_free_port_is_told_from_one_in_use(script):
    from course.learner.script import port_is_free

    assert port_is_free(free_port())
    assert not port_is_free(script(1).port)


@pytest.mark.parametrize(
    "damaged", [b"[]", b"\xff", b'{"01_hello/1": "x"}', b'{"01_hello/1": -3}', b"[" * 100_000]
)
def test_a_damaged_file_of_hints_counts_as_none(course, damaged):
    course.begin()
    course.work.parent.with_name(".hints.json").write_bytes(damaged)
    shown = course("hint", 1)
    assert f"1 of 3  {HELLO.tasks[0].hints[0]}" in shown.stdout
    assert "Traceback" not in shown.stdout


def test_hints_are_printed_where_none_can_be_noted(course):
    course.begin()
    course.work.parent.with_name(".hints.json").mkdir()
    shown = course("hint", 1)
    assert (shown.returncode, "1 of 3" in shown.stdout) == (0, True)
    assert "Traceback" not in shown.stdout


def test_the_verdict_as_data(course):
    course.begin()
    shown = course("check", 1, JSON="1")
    verdict = json.loads(shown.stdout)
    assert shown.returncode == 1
    assert (verdict["chapter"], verdict["green"], len(verdict["tasks"])) == (1, 0, 3)
    failure = verdict["checks"][0]["failure"]
    assert failure["kind"] == "todo"
    line = failure["lines"][-1]
    assert course.work.read_text().splitlines()[line["line"] - 1].strip() == line["code"]
    course.work.write_text(HELLO.solution.read_text(encoding="utf-8"), encoding="utf-8")
    shown = course("check", 1, "--json")
    assert (shown.returncode, json.loads(shown.stdout)["green"]) == (0, 3)


def test_a_class_is_graded(course, tmp_path):
    for name, text in (
        ("alice", HELLO.solution.read_text(encoding="utf-8")),
        ("bob", STARTER),
        ("eve", "import os; os._exit(0)"),
    ):
        file = tmp_path / name / HELLO.folder / "exercise.py"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    rows = [line.split() for line in course("grade", tmp_path).stdout.splitlines()]
    assert rows == [["learner", "1"], ["alice", "3/3"], ["bob", "0/3"], ["eve", "0/3"]]
    graded = json.loads(course("grade", tmp_path, "--json").stdout)
    assert [(each["learner"], each["green"]) for each in graded] == [
        ("alice", 3),
        ("bob", 0),
        ("eve", 0),
    ]
    shown = course("grade", tmp_path / "nothing")
    assert (shown.returncode, shown.stdout.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHONIOENCODING", "gbk"),
        ("LC_ALL", "C"),
        ("TZ", "Asia/Shanghai"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("PYTHONWARNINGS", "error"),
    ],
)
def test_a_setting_of_the_machine_changes_no_verdict(course, name, value):
    course.begin(HELLO.solution.read_text(encoding="utf-8"))
    shown = course("check", 1, **{name: value})
    assert (shown.returncode, "All green" in shown.stdout) == (0, True), shown.stdout


def test_one_bad_exercise_does_not_spoil_the_progress(course, copy):
    course.begin("raise SystemExit")
    checks = copy / "tests" / "exercises" / HELLO.checks.name
    text = checks.read_text(encoding="utf-8")
    try:
        checks.write_text("import no_such_module", encoding="utf-8")
        for verb in (["check", 1], ["hint", 1], ["diff", 1]):
            shown = course(*verb)
            assert (shown.returncode, shown.stdout.count("\n")) == (1, 1), shown.stdout
            assert "work/checks-error.txt" in shown.stdout
        assert "no_such_module" in (copy / "work" / "checks-error.txt").read_text()
        shown = course("progress")
        assert "0 of" in shown.stdout
        assert "Traceback" not in shown.stdout
    finally:
        checks.write_text(text, encoding="utf-8")


def test_what_stands_in_the_way_of_the_checks(tmp_path, monkeypatch):
    module = tmp_path / "memory.py"
    monkeypatch.setattr("course.manifest.Chapter.starter_modules", [module])
    work = tmp_path / "work" / "exercise.py"
    work.parent.mkdir()
    work.write_text("import memory\n")
    assert "make start-1" in show.obstacle(HELLO, work)
    work.with_name("memory.py").touch()
    assert show.obstacle(HELLO, work) == ""
    work.write_text("import mongomock\n")
    assert "make reset-1" in show.obstacle(HELLO, work)
