"""The stand-in of chapters 7 and 8: Mastodon's format, the same bytes in both folders, and never left behind."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime

import psutil
import pytest

from servers import ROOT

SHARED = ["upstream.py", "rate.py"]
PATH = "/api/v1/timelines/tag/tornado"


@pytest.fixture
def upstream(load):
    return load(7, "upstream.py")


@pytest.fixture
def address(upstream, serve):
    return lambda **settings: serve(upstream.make_app(**{"delay": 0, **settings})) + PATH


@pytest.mark.parametrize("name", SHARED)
def test_both_chapters_have_the_same_bytes(name):
    seven, eight = (ROOT / "chapters" / c / name for c in ("07_sync_versus_async", "08_gen"))
    assert seven.read_bytes() == eight.read_bytes()


async def test_it_answers_as_mastodon_does(address, fetch):
    response = await fetch(address() + "?limit=40")
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    posts = json.loads(response.body)
    assert len(posts) == 40
    assert len({post["id"] for post in posts}) == 40
    times = [post["created_at"] for post in posts]
    assert all(len(time) == 24 and time[10] == "T" and time[23] == "Z" for time in times)
    assert times == sorted(times, reverse=True)
    assert datetime.fromisoformat(times[0]) < datetime.now(UTC)
    assert all("tornado" in [tag["name"] for tag in post["tags"]] for post in posts)
    assert {"content", "url", "account", "visibility"} <= posts[0].keys()


@pytest.mark.parametrize(
    ("query", "count"), [("", 20), ("?limit=1", 1), ("?limit=99", 40), ("?limit=-1", 1)]
)
async def test_the_limit_is_mastodons(address, fetch, query, count):
    assert len(json.loads((await fetch(address() + query)).body)) == count


async def test_a_limit_that_is_no_number_is_refused(address, fetch):
    assert (await fetch(address() + "?limit=many")).code == 400


async def test_a_tag_keeps_its_rate_and_another_seed_has_another(load, address, fetch):
    rate = load(7, "rate.py").posts_per_second
    url, other = address() + "?limit=40", address(seed=1) + "?limit=40"
    rates = [round(rate((await fetch(each)).body), 2) for each in (url, url, other)]
    assert rates[0] == rates[1] != rates[2]


async def test_it_counts_down_and_refuses_too_many_requests(address, fetch):
    url = address(limit=2)
    answers = [await fetch(url) for _ in range(3)]
    assert [answer.code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"2"}
    reset = datetime.fromisoformat(answers[0].headers["X-RateLimit-Reset"])
    assert 0 <= (reset - datetime.now(UTC)).total_seconds() <= 300
    assert json.loads(answers[2].body) == {"error": "Too many requests"}


async def test_it_can_be_empty_and_it_can_fail(address, fetch):
    assert json.loads((await fetch(address(empty=True))).body) == []
    always, sometimes = address(error_rate=1.0), address(error_rate=0.5)
    assert json.loads((await fetch(always)).body) == {"error": "Internal Server Error"}
    codes = [(await fetch(sometimes)).code for _ in range(40)]
    assert set(codes) == {200, 500}


async def test_it_takes_the_time_that_it_is_told_to(address, fetch):
    began = time.monotonic()
    await fetch(address(delay=0.3))
    assert time.monotonic() - began >= 0.3


# ---------------------------------------------------------------- as a process


def test_its_options_are_the_settings(upstream):
    with (
        upstream.stand_in(delay=0, empty=True, limit=5) as address,
        urllib.request.urlopen(f"{address}{PATH}", timeout=5) as response,
    ):
        assert (response.read(), response.headers["X-RateLimit-Limit"]) == (b"[]", "5")


def test_it_is_gone_when_the_block_is_left(upstream):
    with upstream.stand_in(delay=0) as address:
        urllib.request.urlopen(f"{address}{PATH}", timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address}{PATH}", timeout=5)


def test_one_that_does_not_start_is_an_error_at_once(upstream):
    with pytest.raises(RuntimeError, match="did not start"), upstream.stand_in(delay="slow"):
        pass


def ends(process: psutil.Process, seconds: float = 5) -> bool:
    """Whether a process ends in time; one that nobody has asked for its exit status yet has ended too."""
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
    running.stop(how)
    assert ends(child)


def test_it_ends_during_a_lookup_too(script):
    running = script(7, "--delay=30")
    [child] = psutil.Process(running.process.pid).children()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{running.url}/async?q=tornado", timeout=0.3)
    running.stop(signal.SIGKILL)
    assert ends(child)


def test_a_person_can_run_it_and_end_it():
    file = ROOT / "chapters" / "07_sync_versus_async" / "upstream.py"
    with subprocess.Popen(
        [sys.executable, file, "--port=0", "--delay=0"], stdout=subprocess.PIPE, text=True
    ) as process:
        address = process.stdout.readline().strip()
        urllib.request.urlopen(f"{address}{PATH}", timeout=5).close()
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
