"""The bench: its rule on data that are made up, its page, and that it leaves nothing behind."""

import itertools
import json
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bench import __main__ as bench
from bench import page, stats
from bench.clients import Client, Crowd, load, request
from bench.measure import BARE, Server, Used, chapter
from course.environment import ROOT

RESULTS = page.PAGE.with_name("results.json")
TINY = {
    "blocking": {"delay": 0.02, "rows": [("async", 10, 1), ("sync", 10, 1), ("async", 100, 1)]},
    "callbacks": {"rounds": 1, "seconds": 0.02, "steps": [1]},
    "polling": {"clients": 4, "seconds": 0.5, "rounds": 1},
    "waiting": {"sizes": {10: 1}, "idle": 0.02},
    "chapters": {"rounds": 1, "seconds": 0.02, "chapters": [6, 10]},
}


def test_noise_is_called_a_difference_in_one_run_of_a_hundred_at_most():
    for rounds in range(1, 13):
        signs = list(itertools.product([0.9, 1.1], repeat=rounds))
        wrong = [over for over in signs if stats.difference(list(over)) in ("more", "less")]
        assert len(wrong) <= len(signs) * (1 - stats.LEVEL)
        assert bool(wrong) == (rounds >= 8)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ([1.1] * 13 + [0.9] * 2, "more"),
        ([1.1] * 12 + [0.9] * 3, "no difference found"),
        ([0.9] * 8, "less"),
        ([0.9] * 7, "too few rounds"),
        ([1.0] * 15, "no difference found"),
    ],
)
def test_what_rounds_say_of_two_programs(over, said):
    assert stats.difference(over) == said


def test_a_verdict_is_worked_out_from_the_interval():
    samples = [float(n) for n in range(1, 16)]
    assert stats.interval(samples) == (3.0, 13.0)
    assert stats.shown(samples, 1) == "8.0 (3.0 to 13.0)"
    assert stats.shown([2.0, 1.0]) == "1.50"
    limits = [2.9, 3.0, 12.9, 13.0]
    verdicts = ["holds", stats.OPEN, stats.OPEN]
    assert [stats.above(samples, limit) for limit in limits] == [*verdicts, stats.FAILS]
    assert stats.below(samples, 13.1) == "holds" and stats.below(samples, 3) == stats.FAILS
    assert stats.every(["holds", stats.FAILS, "too few rounds"]) == stats.FAILS
    assert stats.target([1.104], 1.1)[1] == "met" and stats.target([1.106], 1.1)[1] != "met"


def test_a_claim_that_the_numbers_contradict_does_not_hold():
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))["experiments"]
    for row in measured["blocking"]["rows"]:
        long = {"async": 1000.0, "sync": 0.01}[row["handler"]]
        row["seconds"] = [long] * 8
    for styles in measured["callbacks"].values():
        styles["callback"], styles["coroutine"] = [1.0] * 8, [2.0] * 8
    for row in measured["polling"]["rows"].values():
        row["cpu"] = [1.0] * 8
    for row in measured["waiting"]["rows"]:
        row["idle"] = [0.5] * 8
    verdicts = {row[0].partition(":")[0]: row[3] for row in page.claims(measured)}
    assert verdicts == dict.fromkeys(["C43", "C48", "C50", "C58", "C60", "C61"], stats.FAILS)


def test_the_page_is_filled_from_the_stored_numbers_of_a_full_run():
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    assert results["plan"] == "full" and list(results["experiments"]) == list(page.EXPERIMENTS)
    assert page.fill(text, results) == text
    for name in re.findall(r"\]\(([^)#]*)\)", text):
        assert (page.PAGE.parent / name).exists()
    assert set(re.findall(r"^!\[.+\]\((\w+).svg\)", text, re.M)) == set(page.EXPERIMENTS)
    for stored in (text, RESULTS.read_text(encoding="utf-8")):
        assert str(ROOT) not in stored and "/tmp" not in stored


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """A quick run of the smallest plans, its page in `tmp_path`."""
    for name, module in page.EXPERIMENTS.items():
        monkeypatch.setitem(module.PLANS, "quick", TINY[name])
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench.signal, "signal", lambda *given: None)
    return tmp_path / "work" / "bench"


def test_a_quick_run_writes_a_page_with_tables_and_plots(quick, capsys):
    assert bench.run(quick=True) == 0, capsys.readouterr().err
    text = (quick / "results.md").read_text(encoding="utf-8")
    assert "did not measure" not in text and "| plan | quick" in text
    for name in page.EXPERIMENTS:
        assert (quick / f"{name}.svg").read_bytes().startswith(b"<?xml")
        block = re.search(f"<!-- {name} -->(.*?)<!-- end -->", text, re.S)[1]
        assert block.count("\n|") > 4 and "| nan" not in block
    assert "C61: While there is nothing new" in capsys.readouterr().out


def test_an_experiment_that_fails_costs_one_line_and_none_of_the_others(quick, monkeypatch, capsys):
    def fail(plan, step):
        raise KeyError("version")

    monkeypatch.setattr(page.EXPERIMENTS["polling"], "measure", fail)
    assert bench.run(quick=True, names=["polling", "waiting"]) == 1
    said = capsys.readouterr()
    assert "Short polling, long polling, WebSocket: KeyError: 'version'" in said.err
    assert "C61" in said.out and "C60" not in said.out
    assert "did not measure" in (quick / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_bench_and_all_its_servers(number):
    command = [sys.executable, "-m", "bench", "--quick", "blocking"]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    began, started = time.monotonic(), []
    while len(started) < 2 and time.monotonic() < began + 60:  # chapter 7, and its stand-in
        started = psutil.Process(running.pid).children(recursive=True)
        time.sleep(0.01)
    running.send_signal(number)
    assert running.wait(60) == 130
    assert "Traceback" not in running.stderr.read()
    assert len(started) >= 2 and not psutil.wait_procs(started, 60)[1]


async def test_a_server_that_does_not_start_says_why():
    with pytest.raises(RuntimeError, match="nope"):
        async with Server(chapter(2), "--nope"):
            pass


@pytest.mark.parametrize(
    ("number", "path"), [(1, "/?greeting=Hi"), (2, "/"), (3, "/square?number=7")]
)
async def test_the_bare_handler_gives_the_same_response(number, path):
    found = []
    for server in Server(chapter(number)), Server(BARE, f"--chapter={number}"):
        async with server, Crowd(server.url) as crowd:
            [client] = await crowd.connect(1)
            async with Used(server) as used:
                found.append((await client.ask(request(path))).body)
                assert await load([client], request(path), 0) == 1
            assert used.cpu > 0
    same = [json.loads(body) for body in found] if number > 1 else found
    assert same[0] == same[1]


def test_a_client_takes_complete_messages_only():
    client = Client()
    client.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
    assert not client._messages
    client.data_received(b"cdHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 101 Switching\r\n\r\n\x81")
    client.data_received(b"\x7e\x00\x80" + b"x" * 128 + b"\x81\x01")
    client.data_received(b"y")
    assert [m[:2] for m in client._messages] == [
        (200, b"abcd"),
        (204, b""),
        (101, b""),
        (1, b"x" * 128),
        (1, b"y"),
    ]
