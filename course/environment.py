"""The virtual environment in .venv: made and filled when a command needs it, by the standard library alone.

pyproject.toml says which packages a group has, constraints.txt pins every version. uv installs them: the one on the PATH,
else one that pip brings into .venv first, since pip alone takes ten times as long.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "course.json"
SHOWN = re.compile(r" *(Resolved|Downloading|Downloaded|Building|Built|Prepared|Installed) ")
OFFLINE = re.compile(r"error sending request|network was disabled|Retrying \(Retry|timed out")
UV_INDEXES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"}


class CourseError(Exception):
    """Why a command cannot do what it was asked for; the message is one line for the reader."""


def installed() -> list[str]:
    """The groups that .venv holds in the versions that constraints.txt pins today."""
    stamp = _stamp()
    return stamp["groups"] if stamp["pins"] == _pins() else []


def ensure(names: list[str]) -> None:
    """Make .venv where it is missing, and install what it lacks of the groups `names`.

    Raises CourseError where there is no venv module, no pip, no network or no room to write.
    """
    present = installed()
    missing = [name for name in names if name not in present]
    if not missing:
        return
    print(f"Setting up .venv: {', '.join(missing)}", file=sys.stderr, flush=True)
    wanted = list(dict.fromkeys([*_stamp()["groups"], *missing]))  # all again if the pins changed
    try:
        if not PYTHON.exists():
            _make_venv()
        _install(wanted)
        STAMP.write_text(json.dumps({"pins": _pins(), "groups": wanted}))
    except OSError as error:
        raise CourseError(
            f"cannot write to {VENV} ({error.strerror}): copy the course to a folder of your own"
        ) from error


def _stamp() -> dict:
    """What the last set-up wrote down; nothing, if there was no set-up or its Python is missing."""
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
    parts = [json.dumps(groups()).encode(), (ROOT / "constraints.txt").read_bytes(), bytes(ROOT)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def groups() -> dict[str, list[str]]:
    """The groups of packages, by their names."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]


def _make_venv() -> None:
    try:
        import venv
    except ImportError:
        raise CourseError(
            "this Python has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"
        ) from None
    try:
        venv.create(VENV, clear=True, symlinks=True)
    except ValueError as error:  # the path contains a colon
        raise CourseError(f"{error}: move the course to another folder") from None


def _install(names: list[str]) -> None:
    pins = ["--constraint", str(ROOT / "constraints.txt")]
    command = [_uv(pins), "pip", "install", "--python", str(PYTHON), *pins]
    command += [f"--group={name}" for name in names]
    if sys.dont_write_bytecode:  # PYTHONDONTWRITEBYTECODE: each process would compile every package
        command.append("--compile-bytecode")
    _run(command, uv_environment(os.environ, _pip_settings()))


def _uv(pins: list[str]) -> str:
    """The path of uv, brought into .venv first unless there is one on the PATH."""
    if found := shutil.which("uv"):
        return found
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        print("  uv first, which installs the rest", file=sys.stderr, flush=True)
        _run([*_pip(), "install", "--progress-bar=off", *pins, "uv"])
    return str(uv)


def _pip() -> list[str]:
    """The command of a pip that installs into .venv: this Python's own if it has one, else a new one in .venv."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    made = subprocess.run([PYTHON, "-m", "ensurepip"], capture_output=True)
    if made.returncode:
        raise CourseError(
            "this Python has neither pip nor ensurepip: install uv, or pip "
            "(Debian, Ubuntu: apt install python3-venv)"
        )
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run uv or pip, and show its progress, but not its list of all packages.

    Raises CourseError if it fails. Without a network that is all; otherwise its own words come first.
    """
    said = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as running:
        for line in running.stdout or ():
            if SHOWN.match(line):
                print(f"  {line.strip()}", file=sys.stderr, flush=True)
            else:
                said.append(line.rstrip())
    if not running.returncode:
        return
    if any(map(OFFLINE.search, said)):
        reasons = [line.strip(" :") for line in said if re.match(" *cause: ", line)]
        raise CourseError(
            "no package index can be reached"
            + (f" ({reasons[-1].removeprefix('cause: ')})" if reasons else "")
            + ": is there a network? A mirror is named with pip config set global.index-url URL, a proxy with https_proxy"
        )
    print(*said, sep="\n", file=sys.stderr)
    raise CourseError(
        "the packages could not be installed, for the reason above. Fix that and repeat the command; "
        "rm -r .venv starts over"
    )


def _pip_settings() -> dict[str, str]:
    """The settings of pip, from its files and from PIP_* variables, such as {"index-url": "http://mirror/simple"}."""
    named = [(name, value) for name, value in os.environ.items() if name.startswith("PIP_")]
    found = {name[4:].lower().replace("_", "-"): value for name, value in named if value}
    for python in (sys.executable, PYTHON):  # Debian's own Python has no pip, but .venv may
        command = [python, "-m", "pip", "config", "list"]
        listed = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if not listed.returncode:
            lines = re.findall(r"^(install|global)\.([\w-]+)=(.+)$", listed.stdout, re.MULTILINE)
            for _, name, value in sorted(lines, reverse=True):  # "install" counts before "global"
                found.setdefault(name, ast.literal_eval(value))
            break
    return found


def uv_environment(environment: Mapping[str, str], pip: dict[str, str]) -> dict[str, str]:
    """The environment for uv, which does not read pip's settings: they are handed on.

    A setting in a UV_* variable or in a uv.toml takes precedence.
    """
    own = {name for name, value in environment.items() if value}
    own.update(_uv_toml_settings(environment))
    handed = {}
    if not own & UV_INDEXES:
        handed["UV_DEFAULT_INDEX"] = pip.get("index-url", "")
        handed["UV_INDEX"] = " ".join(pip.get("extra-index-url", "").split())
        if handed["UV_INDEX"]:  # pip takes the best version that any index has
            handed["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if "UV_ALLOW_INSECURE_HOST" not in own:
        handed["UV_INSECURE_HOST"] = " ".join(pip.get("trusted-host", "").split())
    if not own & {"UV_SYSTEM_CERTS", "UV_NATIVE_TLS"}:
        handed["SSL_CERT_FILE"] = pip.get("cert", "")
    return {**environment, **{k: v for k, v in handed.items() if v and k not in own}}


def _uv_toml_settings(environment: Mapping[str, str]) -> list[str]:
    """The settings of every uv.toml that uv reads, each by the name that its variable has or would have."""
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/"), ".config")
    system = environment.get("XDG_CONFIG_DIRS") or "/etc"
    files = [Path(folder, "uv", "uv.toml") for folder in (home, *system.split(os.pathsep))]
    named = environment.get("UV_CONFIG_FILE")
    names: set[str] = set()
    for file in (*files, ROOT / "uv.toml", *([Path(named)] if named else [])):
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # uv itself complains about one that it cannot read
        names.update(settings, settings.get("pip", {}))
    return [f"UV_{name.upper().replace('-', '_')}" for name in names]
