"""The set-up: by the standard library alone, and each thing that can go wrong said in one line."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request

import pytest

from course import environment

from servers import ROOT, copy_course, free_port


def course(*arguments, cwd, code="from course.cli import main; sys.exit(main())", **changes):
    """Run the course in another folder by a Python without packages; `changes` are of the environment."""
    return subprocess.run(
        [sys.base_prefix + "/bin/python3", "-c", f"import sys; {code}", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(cwd), **changes},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


@pytest.fixture
def clone(tmp_path):
    """What a `git clone` gives, and nothing installed."""
    return copy_course(tmp_path / "clone")


def test_a_newcomer_gets_from_a_clone_to_an_answer_and_a_verdict(clone, tmp_path):
    """An empty home, no uv on the PATH: set up, run, ask, Ctrl-C; then start, check and diff."""
    home = tmp_path / "home"
    home.mkdir()
    without_uv = [p for p in os.environ["PATH"].split(os.pathsep) if not os.path.exists(f"{p}/uv")]
    base = os.path.join(sys.base_prefix, "bin")
    path = os.pathsep.join([base, *(p for p in without_uv if not p.startswith(str(ROOT)))])
    newcomer = os.environ | {"HOME": str(home), "PATH": path, "PORT": str(free_port())}
    for name in ("VIRTUAL_ENV", "XDG_CACHE_HOME", "UV_CACHE_DIR", "PYTHONPATH", "MAKEFLAGS"):
        newcomer.pop(name, None)
    running = subprocess.Popen(
        ["make", "chapter-1"],
        cwd=clone,
        env=newcomer,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        answer, deadline = "", time.monotonic() + 90
        while not answer and running.poll() is None and time.monotonic() < deadline:
            try:
                url = f"http://127.0.0.1:{newcomer['PORT']}/?greeting=Salutations"
                answer = urllib.request.urlopen(url, timeout=2).read().decode()
            except OSError:
                time.sleep(0.1)
        assert answer == "Salutations, friendly user!\n", running.communicate(timeout=5)[0]
    finally:
        os.killpg(running.pid, signal.SIGINT)  # Ctrl-C reaches make and the script
    said, _ = running.communicate(timeout=10)
    assert f"open  http://localhost:{newcomer['PORT']}/?greeting=Salutations" in said
    assert "Setting up .venv: runtime" in said
    assert "Traceback" not in said
    assert "jupyter" not in said

    def make(*target):
        return subprocess.run(
            ["make", *target], cwd=clone, env=newcomer, capture_output=True, text=True, timeout=60
        )

    assert make("start-1").returncode == 0
    red = make("check-1")
    assert red.returncode != 0
    assert "This task is not done yet." in red.stdout
    shutil.copy(clone / "solutions/01_hello/exercise.py", clone / "work/01_hello/exercise.py")
    assert "the same, letter for letter" in make("diff-1").stdout  # it checks first


def test_the_course_starts_on_the_standard_library_alone(clone):
    shown = course(cwd=clone)
    assert shown.returncode == 0
    assert "Nothing is installed yet." in shown.stdout


def test_an_older_python_is_told_what_to_do():
    source = (ROOT / "course" / "__main__.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 4))
    assert "f'" not in source and 'f"' not in source
    code = "import sys, runpy; sys.version_info = (3, 9, 1); runpy.run_module('course', run_name='__main__')"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (shown.returncode, shown.stderr.count("\n")) == (1, 1)
    assert "needs Python 3.11 or newer; this is Python 3.9" in shown.stderr


@pytest.mark.parametrize("missing", ["venv", "pip ensurepip"])
def test_a_python_in_parts_is_told_what_is_missing(clone, missing):
    names = missing.split()
    code = (
        f"sys.modules.update(dict.fromkeys({names})); import importlib.util as u; find = u.find_spec; "
        f"u.find_spec = lambda name: None if name in {names} else find(name); "
        "import subprocess; real = subprocess.run; "
        "subprocess.run = lambda command, **o: real(['false']) if 'ensurepip' in command else real(command, **o); "
        "from course.cli import main; sys.exit(main())"
    )
    shown = course("setup", cwd=clone, code=code, PATH="/usr/bin:/bin")
    assert shown.returncode == 1
    assert "apt install python3-venv" in shown.stdout.splitlines()[-1]
    assert "Traceback" not in shown.stdout


def test_a_folder_that_cannot_be_written_to_is_said(clone):
    code = (
        "import venv, errno, os\n"
        "def create(*a, **o): raise OSError(errno.EROFS, os.strerror(errno.EROFS))\n"
        "venv.create = create\n"
        "from course.cli import main; sys.exit(main())"
    )
    shown = course("setup", cwd=clone, code=code)
    assert shown.returncode == 1
    assert "cannot write to" in shown.stdout.splitlines()[-1]
    assert "Traceback" not in shown.stdout


def test_a_set_up_that_was_broken_off_is_made_whole(clone, monkeypatch):
    monkeypatch.setattr(environment, "VENV", clone / ".venv")
    monkeypatch.setattr(environment, "STAMP", clone / ".venv" / "course.json")
    monkeypatch.setattr(environment, "PYTHON", clone / ".venv" / "bin" / "python")
    assert environment.installed() == []
    (clone / ".venv").mkdir()
    (clone / ".venv" / "course.json").write_text("{")
    assert environment.installed() == []


def test_every_version_is_pinned_and_no_registry_is_named():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z0-9_.-]+)==", pins, re.MULTILINE))
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wanted = {re.match(r"[\w.-]+", each)[0] for group in groups.values() for each in group}
    assert wanted <= names
    for file in ("constraints.txt", "pyproject.toml", "Makefile", ".ci/run"):
        assert "://" not in (ROOT / file).read_text(encoding="utf-8")


def test_the_makefile_has_a_target_for_every_verb():
    from course.cli import VERBS

    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name, verb in VERBS.items():
        target = f"{name}-%" if verb.takes == "N" else name
        assert re.search(rf"(^| ){re.escape(target)}( |:)", text, re.MULTILINE), target
