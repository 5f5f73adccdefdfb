"""What a linter and a reader's eye see: ruff, the length of files, the names that do not belong here."""

import subprocess
import sys

from servers import ROOT

DATA = {"claims.toml", "course.toml", "constraints.txt", "THEN-AND-NOW.md"}


def tracked():
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in names.stdout.splitlines() if (ROOT / name).is_file()]


def test_ruff_has_nothing_to_say():
    for command in (["check"], ["format", "--check"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_file_by_hand_is_longer_than_about_400_lines():
    for file in tracked():
        if file.suffix in {".py", ".md", ".html", ".js", ".css"} and file.name not in DATA:
            lines = len(file.read_text(encoding="utf-8").splitlines())
            limit = 700 if file.name == "lesson.md" else 420
            assert lines <= limit, f"{file.relative_to(ROOT)}: {lines} lines"


def test_a_main_is_about_40_to_120_lines():
    for file in ROOT.glob("chapters/*/main.py"):
        assert 30 <= len(file.read_text(encoding="utf-8").splitlines()) <= 140, file
