"""Every chapter's script, run as a person runs it: it serves, it ends by Ctrl-C and by SIGTERM, without a traceback."""

import ast
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from course.manifest import chapters

from servers import ROOT, Script, not_tested

NOT_GIT = shutil.ignore_patterns("__pycache__")
SERVERS = [chapter for chapter in chapters() if chapter.open]


@pytest.fixture(params=SERVERS, ids=lambda chapter: chapter.folder)
def chapter(request):
    return request.param


def status_of(address: str) -> int:
    try:
        return urllib.request.urlopen(address, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_answers_on_loopback_only_and_ctrl_c_ends_it(chapter, tmp_path):
    """A copy of its folder, elsewhere: it needs nothing beside it."""
    copy = shutil.copytree(chapter.script.parent, tmp_path / "elsewhere", ignore=NOT_GIT)
    running = Script(copy / "main.py")
    try:
        address = chapter.open.replace("localhost", "127.0.0.1").format(port=running.port)
        deadline = time.monotonic() + 60
        while (status := status_of(address)) == 503 and time.monotonic() < deadline:
            time.sleep(0.05)  # a dictionary is 503 until it has its index
        assert status < 500
        with socket.socket() as sock:
            # 127.0.0.2 is this machine too; a server on all addresses would answer there.
            assert sock.connect_ex(("127.0.0.2", running.port)) != 0
        assert running.stop(signal.SIGINT) == 0
        assert "Traceback" not in running.output()
    finally:
        running.kill()


@pytest.mark.parametrize("number", [1, 7, 10])
def test_sigterm_ends_it(script, number):
    running = script(number)
    assert running.stop(signal.SIGTERM) == -signal.SIGTERM
    assert "Traceback" not in running.output()


def test_no_script_handles_sigterm_itself():
    """So all end by SIGTERM as those above do."""
    for file in ROOT.glob("chapters/*/*.py"):
        assert "SIGTERM" not in file.read_text(encoding="utf-8"), file


def test_help_says_what_the_options_are(chapter):
    helped = subprocess.run(
        [sys.executable, chapter.script, "--help"], capture_output=True, text=True, timeout=60
    )
    assert helped.returncode == 0
    assert "--port" in helped.stderr


def test_no_file_of_a_chapter_hides_a_package():
    names = {file.stem for file in ROOT.glob("chapters/*/*.py")}
    assert not names & {*sys.stdlib_module_names, "tornado", "pymongo", "bson", "mongomock"}


@pytest.mark.parametrize("name", ["JSONHandler", "NotFoundHandler"])
def test_a_class_that_several_chapters_have_is_the_same_in_each(name):
    found = {}
    for file in ROOT.glob("chapters/*/*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                found[file.parent.name] = ast.get_source_segment(text, node)
    assert len(found) > 1
    assert len(set(found.values())) == 1, sorted(found)


def printed(chapter) -> list[str]:
    """The curl commands that a program's docstring, course.toml and the lesson print, with {port}."""
    text = ast.get_docstring(ast.parse(chapter.script.read_text(encoding="utf-8")))
    found = re.findall(r"(?m)^(?:Try it:)? +(curl .+?)(?: +\([^()]+\))?$", text)
    found += [line for line in chapter.tries if line.startswith("curl ")]
    lesson = chapter.script.with_name("lesson.md").read_text(encoding="utf-8")
    found += re.findall(r"(?m)^(?:\$ )?(curl .+)$", lesson)
    return list(dict.fromkeys(line.replace(":8000", ":{port}") for line in found))


def test_every_printed_curl_command_works_as_printed(chapter):
    """In this order, each when the one before has been sent: the purchase of chapter 9 ends the long poll before it."""
    if not shutil.which("curl"):
        not_tested("curl", "install curl: the commands that the programs print are run with it")
    running = Script(chapter.script)
    try:
        asked = []
        for line in printed(chapter):
            command = line.format(port=running.port).replace("curl ", "curl -sv --noproxy '*' ", 1)
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            asked.append(subprocess.Popen(command, shell=True, cwd=ROOT, **pipes))
            while asked[-1].stderr.readline().strip() not in (">", ""):
                pass  # with -v, curl prints the request that it sends, and ">" at its end
        for each in asked:
            said, errors = each.communicate(timeout=60)
            assert each.returncode == 0, errors
            assert said.strip(), each.args
    finally:
        running.kill()
