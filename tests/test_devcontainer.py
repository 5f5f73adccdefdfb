""".devcontainer/devcontainer.json: its one command sets up a clean clone, so that the first chapter runs."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from servers import ROOT, copy_course

CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))


def test_it_names_a_python_that_the_course_takes_and_the_ports_of_the_course():
    _, _, version = CONTAINER["image"].rpartition(":")
    assert tuple(map(int, version.split("."))) >= (3, 11)
    assert CONTAINER["forwardPorts"] == [8000, 8888]  # make chapter-N, make notebook-N


@pytest.mark.slow
def test_its_command_sets_up_a_clean_clone(tmp_path):
    clone = copy_course(tmp_path / "clone")
    base = os.path.join(sys.base_prefix, "bin")
    environment = os.environ | {"PATH": f"{base}{os.pathsep}{os.environ['PATH']}"}
    for name in ("VIRTUAL_ENV", "PYTHONPATH"):
        environment.pop(name, None)
    command = shlex.split(CONTAINER["postCreateCommand"])
    done = subprocess.run(
        command, cwd=clone, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Set up: .venv holds runtime" in done.stdout
    python = clone / ".venv" / "bin" / "python"
    code = "from course.environment import installed; print(*installed())"
    listed = subprocess.run([python, "-c", code], cwd=clone, capture_output=True, text=True)
    assert listed.stdout == "runtime\n"
