"""The set-up: by the standard library alone, and each thing that can go wrong said in one line."""

import ast
import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

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
    """What a `git clone` gives, in a folder with a space and Chinese letters, and nothing installed."""
    return copy_course(tmp_path / "我的 课程" / "x")


@pytest.mark.slow
def test_a_newcomer_gets_from_a_clone_to_an_answer_and_a_verdict(clone, tmp_path):
    """An empty home, no uv on the PATH: set up, run, ask, Ctrl-C; then start, check and diff."""
    home = tmp_path / "home"
    home.mkdir()
    without_uv = [p for p in os.environ["PATH"].split(os.pathsep) if not os.path.exists(f"{p}/uv")]
    base = os.path.join(sys.base_prefix, "bin")
    path = os.pathsep.join([base, *(p for p in without_uv if not p.startswith(str(ROOT)))])
    newcomer = os.environ | {"HOME": str(home), "PATH": path, "PORT": str(free_port())}
    for name in ("VIRTUAL_ENV", "XDG_CACHE_HOME", "UV_CACHE_DIR", "PYTHONPATH"):
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
        assert answer == "Salutations, friendly user!\n", running.communicate(timeout=30)[0]
    finally:
        os.killpg(running.pid, signal.SIGINT)  # Ctrl-C reaches make and the script
    said, _ = running.communicate(timeout=30)
    assert f":{newcomer['PORT']}/?greeting=Salutations" in said
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
    assert "Nothing is installed yet: each command installs what it needs." in shown.stdout


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


@pytest.fixture
def index(tmp_path):
    """The address of a package index on loopback that has one package, "dummy"."""
    folder = tmp_path / "simple" / "dummy"
    folder.mkdir(parents=True)
    wheel = "dummy-1.0-py3-none-any.whl"
    info = "dummy-1.0.dist-info"
    with zipfile.ZipFile(folder / wheel, "w") as archive:
        archive.writestr("dummy.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: dummy\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"dummy.py,,\n{info}/METADATA,,\n{info}/RECORD,,\n")
    (folder / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def set_up_dummy(clone, **settings):
    """`setup` in a clone that needs only "dummy", with uv on the PATH and nothing in its cache."""
    (clone / "pyproject.toml").write_text('[dependency-groups]\nruntime = ["dummy"]\n')
    (clone / "constraints.txt").write_text("dummy==1.0\n")
    path = f"{os.path.dirname(shutil.which('uv') or environment.VENV / 'bin' / 'uv')}:/usr/bin:/bin"
    cache = str(clone.parent / "cache")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        settings.setdefault(name, "")
    settings = {"NO_PROXY": "127.0.0.1", "UV_HTTP_RETRIES": "0", **settings}
    return course("setup", cwd=clone, PATH=path, UV_CACHE_DIR=cache, **settings)


NOWHERE = "http://127.0.0.1:9/simple"


@pytest.mark.parametrize(
    "settings",
    [
        {"PIP_INDEX_URL": "INDEX"},
        {"PIP_INDEX_URL": "INDEX", "PIP_TRUSTED_HOST": "127.0.0.1 127.0.0.2"},
        {"pip.conf": "[global]\nindex-url = INDEX\n"},
        {"pip.conf": "[install]\nindex-url = INDEX\n[global]\nindex-url = NOWHERE\n"},
        {"PIP_INDEX_URL": "NOWHERE", "UV_DEFAULT_INDEX": "INDEX"},
        {"PIP_INDEX_URL": "NOWHERE", "uv.toml": '[[index]]\nurl = "INDEX"\ndefault = true\n'},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_packages_come_from_the_index_that_pip_or_uv_is_told(clone, index, tmp_path, settings):
    named = {k: v.replace("INDEX", index).replace("NOWHERE", NOWHERE) for k, v in settings.items()}
    if "pip.conf" in named:
        (tmp_path / "pip.conf").write_text(named.pop("pip.conf"))
        named["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text(named.pop("uv.toml", ""))
    shown = set_up_dummy(clone, XDG_CONFIG_HOME=str(tmp_path), **named)
    assert shown.returncode == 0, shown.stdout
    assert list(clone.glob(".venv/lib/python3*/site-packages/dummy.py"))
    assert "Installed 1 package in" in shown.stdout
    assert "+ dummy" not in shown.stdout


def test_pip_s_other_settings_are_handed_on_to_uv(tmp_path):
    told = {"extra-index-url": "http://a/\nhttp://b/", "trusted-host": "a\nb", "cert": "/ca.pem"}
    expected = {
        "UV_INDEX": "http://a/ http://b/",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "a b",
        "SSL_CERT_FILE": "/ca.pem",
    }
    where = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    assert environment.uv_environment(where, told) == expected | where
    own = where | {"UV_INDEX": "http://c/", "SSL_CERT_FILE": "/own.pem"}
    assert environment.uv_environment(own, told) == {"UV_INSECURE_HOST": "a b"} | own


def test_without_a_network_that_is_said_in_one_line(clone):
    shown = set_up_dummy(clone, PIP_INDEX_URL=NOWHERE)
    assert shown.returncode == 1
    first, line = shown.stdout.splitlines()
    assert first == "Setting up .venv: runtime"
    assert line.startswith("no package index can be reached (Connection refused")


def test_when_a_package_is_missing_uv_says_which_and_the_last_line_what_to_do(clone, index):
    (clone / "constraints.txt").write_text("")
    shown = set_up_dummy(clone, PIP_INDEX_URL=index.replace("simple", "empty"))
    assert shown.returncode == 1
    assert "dummy was not found" in shown.stdout
    assert "repeat the command" in shown.stdout.splitlines()[-1]


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
        if not verb.make(name).startswith("make "):
            continue
        assert re.search(rf"(^| ){name}( |:|$)", text, re.MULTILINE), name


def test_pins_come_from_a_uv_whose_path_has_a_space():
    asked = ["make", "--dry-run", "pins", "UV=/my course/uv", "PACKAGE=tornado"]
    printed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    command = shlex.split(printed)
    assert command[:3] == ["/my course/uv", "pip", "compile"]
    assert command[command.index("--upgrade-package") + 1] == "tornado"
