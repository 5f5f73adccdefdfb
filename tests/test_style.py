"""What a linter sees."""

import subprocess
import sys

from servers import ROOT


def test_ruff_has_nothing_to_say():
    for command in (["check"], ["format", "--check"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
