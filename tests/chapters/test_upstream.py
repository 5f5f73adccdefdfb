"""The stand-in of chapters 7 and 8: Mastodon's format, the same bytes in both folders, and never left behind."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from urllib.parse import unquote

import psutil
import pytest

from course.harness.timeline import Timeline

from servers import ROOT

SHARED = ["upstream.py", "rate.py"]
PATH = "/api/v1/timelines/tag/"


@pytest.fixture(scope="module")
def address():
    """The stand-in as a process, which takes no time."""
    file = ROOT / "chapters" / "07_sync_versus_async" / "upstream.py"
    command = [sys.executable, file, "--port=0", "--delay=0.02"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip() + PATH
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.parametrize("name", SHARED)
def test_both_chapters_have_the_same_bytes(name):
    seven, eight = (ROOT / "chapters" / c / name for c in ("07_sync_versus_async", "08_gen"))
    assert seven.read_bytes() == eight.read_bytes()


async def test_it_responds_as_mastodon_does(address, fetch):
    response = await fetch(address + "tornado?limit=40")
    assert response.headers["Content-Type"].startswith("application/json")
    posts = json.loads(response.body)
    assert len(posts) == 40
    times = [datetime.fromisoformat(post["created_at"]) for post in posts]
    assert times == sorted(times, reverse=True)
    assert times[0] < datetime.now(UTC)
    assert all("tornado" in [tag["name"] for tag in post["tags"]] for post in posts)


async def test_the_checks_ask_a_timeline_that_responds_in_the_same_way(load, address, fetch):
    """So a learner who sends the request of a failed check sees what the check saw."""
    rate = load(8, "rate.py").posts_per_second
    related_tag = load(8).related_tag
    checks = Timeline(delay=0.02)
    tags = ["tornado", "python", "rain", "%E5%92%96%E5%95%A1", "AC%2FDC", "other", "late"]
    for tag in [*tags, "trickle", "broken", "gone"]:
        both = [await fetch(url + tag) for url in (address, checks.url + PATH)]
        assert both[0].code == both[1].code
        if both[0].code == 200:
            assert len({round(rate(each.body), 2) for each in both}) == 1, tag
            assert len({related_tag(each.body, unquote(tag)) for each in both}) == 1, tag
    checks.close()


async def test_late_and_trickle_take_longer_than_the_others(address, fetch):
    quick, late, trickle = [await fetch(address + tag) for tag in ("rain", "late", "trickle")]
    assert quick.request_time >= 0.02
    assert late.request_time >= 0.2
    assert trickle.request_time >= 0.2
    assert trickle.body.startswith(b"  ")


# ---------------------------------------------------------------- as a process


def test_one_that_does_not_start_is_an_error_at_once(load):
    with pytest.raises(OSError, match="did not start"):
        load(7, "upstream.py").start(delay="slow")


def ends(process: psutil.Process, seconds: float = 60) -> bool:
    """Whether a process ends; one whose exit status was not read yet has ended too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("chapter", [7, 8])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_chapter_however_that_ends(script, chapter, how):
    running = script(chapter)
    [child] = psutil.Process(running.process.pid).children()
    assert "upstream.py" in " ".join(child.cmdline())
    running.stop(how, seconds=30)
    assert ends(child)


@pytest.mark.parametrize("tag", ["tornado", "trickle"])
def test_it_ends_during_a_lookup_too(script, tag):
    running = script(7, "--delay=300")
    [child] = psutil.Process(running.process.pid).children()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{running.url}/async?q={tag}", timeout=0.3)
    running.stop(signal.SIGKILL)
    assert ends(child)


def test_a_port_in_use_is_one_line(address):
    file = ROOT / "chapters" / "07_sync_versus_async" / "upstream.py"
    port = address.split(":")[2].partition("/")[0]
    ran = subprocess.run(
        [sys.executable, file, f"--port={port}"], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("upstream.py: ")
    assert ran.stderr.count("\n") == 1
