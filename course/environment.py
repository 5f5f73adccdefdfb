"""The virtual environment in .venv: made and filled when a command needs it, by the standard library alone.

pyproject.toml says which packages a group has, constraints.txt pins every version. uv installs them: the one on the PATH,
else one that pip brings into .venv first, since pip alone takes ten times as long.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "course.json"


class SetupError(Exception):
    """The environment could not be set up; the message is one line for the reader."""


def installed() -> list[str]:
    """The groups that .venv holds in the versions that constraints.txt pins today."""
    stamp = _stamp()
    return stamp["groups"] if stamp["pins"] == _pins() else []


def ensure(names: list[str]) -> None:
    """Make .venv where it is missing, and install what it lacks of the groups `names`.

    Raises SetupError where there is no venv module, no pip, no network or no room to write.
    """
    present = installed()
    missing = [name for name in names if name not in present]
    if not missing:
        return
    print(f"Setting up .venv: {', '.join(missing)}", file=sys.stderr, flush=True)
    wanted = list(dict.fromkeys([*_stamp()["groups"], *missing]))  # with new pins, all of them anew
    try:
        if not PYTHON.exists():
            _make_venv()
        _install(wanted)
        for packages in VENV.glob("lib/python3*/site-packages"):
            (packages / "course.pth").write_text(f"{ROOT}\n")  # notebooks import the course
        STAMP.write_text(json.dumps({"pins": _pins(), "groups": wanted}))
    except OSError as error:
        raise SetupError(
            f"cannot write to {VENV} ({error.strerror}): copy the course to a folder of your own"
        ) from error


def _stamp() -> dict:
    """What the last set-up wrote down; nothing, if there was none or its Python has gone."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        stamp = None
    return stamp if stamp and PYTHON.exists() else {"pins": "", "groups": []}


def enter(arguments: list[str]) -> None:
    """Go on as `python -m course ARGUMENTS` under .venv's Python, unless this is that Python."""
    if Path(sys.prefix) != VENV:
        os.execv(PYTHON, [str(PYTHON), "-m", "course", *arguments])


def _pins() -> str:
    """A hash over what decides which packages .venv holds, and over where it is."""
    told = [json.dumps(groups()).encode(), (ROOT / "constraints.txt").read_bytes(), bytes(ROOT)]
    return hashlib.sha256(b"\0".join(told)).hexdigest()


def groups() -> dict[str, list[str]]:
    """The groups of packages, by their names."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]


def _make_venv() -> None:
    try:
        import venv
    except ImportError:
        raise SetupError(
            "this Python has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"
        ) from None
    venv.create(VENV, clear=True, symlinks=True)


def _install(names: list[str]) -> None:
    table = groups()
    wanted = [package for name in names for package in table[name]]
    pins = ["--constraint", str(ROOT / "constraints.txt")]
    command = [_uv(pins), "pip", "install", "--python", str(PYTHON), *pins, *wanted]
    if sys.dont_write_bytecode:  # as PYTHONDONTWRITEBYTECODE asks: each run would compile all anew
        command.append("--compile-bytecode")
    if subprocess.run(command, cwd=ROOT).returncode:
        raise SetupError("the packages could not be installed: the reason stands above")


def _uv(pins: list[str]) -> str:
    """The path of uv, brought into .venv first if there is none on the PATH."""
    if found := shutil.which("uv"):
        return found
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        print("  uv first, which installs the rest", file=sys.stderr, flush=True)
        if subprocess.run([*_pip(), "install", "--quiet", *pins, "uv"], cwd=ROOT).returncode:
            raise SetupError("uv could not be installed: the reason stands above")
    return str(uv)


def _pip() -> list[str]:
    """The command of a pip that installs into .venv: this Python's own, which is there at once, else a new one."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    made = subprocess.run([PYTHON, "-m", "ensurepip"], capture_output=True)
    if made.returncode:
        raise SetupError(
            "this Python has neither pip nor ensurepip: install uv, or pip "
            "(Debian, Ubuntu: apt install python3-venv)"
        )
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
