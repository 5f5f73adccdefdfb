"""The bench: the smallest of each experiment, for the shape of what comes out, not for its numbers."""

import json
import re
import shutil

import pytest

from bench import load, measure, report
from bench.clients import Client, frame
from bench.measure import is_noise, median, ratios
from course import bench

from servers import ROOT

RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "bench" / "results.md"
CLAIMS = ["C43", "C48", "C50", "C58", "C60", "C61"]


class Quiet:
    """Progress that nobody watches."""

    def step(self, text):
        pass


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [n for each in value for n in numbers(each)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", report.EXPERIMENTS)
def test_the_smallest_of_each_experiment_gives_a_table_headlines_and_a_plot(name, tmp_path):
    module = report.experiment(name)
    assert set(module.PLANS) == set(module.SECONDS) == {"full", "quick", "tiny"}
    data = module.measure(module.PLANS["tiny"], Quiet())
    data = json.loads(json.dumps(data))  # what results.json keeps is what the page is made of
    found = [n for n in numbers(data) if isinstance(n, float)]
    assert found and all(n >= 0 for n in found)
    assert re.search(r"^\|---\|", module.report(data), re.MULTILINE)
    assert all(line.endswith(".") for line in module.headlines(data))
    plot = tmp_path / "plot.svg"
    report.draw(name, data, plot)
    assert plot.read_bytes().startswith(b"<?xml")


def quoted(measured: dict) -> dict[int, list[str]]:
    """What the lessons quote of the stored numbers, by chapter."""
    lookups = {(row["handler"], row["count"]): row for row in measured["blocking"]["rows"]}
    took = {key: median(row["seconds"]) for key, row in lookups.items()}
    thousand = median(lookups["async", 1000]["cpu"])
    rows = measured["callbacks"]["rows"]
    styles = {row["style"]: row["cpu"] for row in rows if row["what"] == "10 steps"}
    generator, native = (ratios(styles[s], styles["callback"]) for s in ("coroutine", "await"))
    often, second, long, socket = measured["polling"]["rows"]
    often_cpu, second_cpu, socket_cpu = (
        median(row["cpu"]) / median(long["cpu"]) for row in (often, second, socket)
    )
    waits = {(row["way"], row["size"]): row for row in measured["waiting"]["rows"]}
    fan = {(row["way"], row["size"]): row for row in measured["fanout"]["rows"]}
    sockets = waits["WebSocket", 5000]
    assert is_noise(native) and not is_noise(generator)
    lookup = {row["style"]: row["cpu"] for row in rows if row["what"] == "a lookup of chapter 8"}
    assert all(is_noise(ratios(lookup[s], lookup["callback"])) for s in ("coroutine", "await"))
    assert sockets["cpu"] < 0.001
    return {
        7: [
            f"took {took['async', 10]:.2f}, {took['async', 100]:.2f} and {took['async', 1000]:.2f} s",
            f"ten blocking ones {took['sync', 10]:.2f} s",
            f"{thousand:.1f} ms of CPU time each",
        ],
        8: [
            f"{median(generator):.2f} times the CPU time of callbacks "
            f"(from {min(generator):.2f} to {max(generator):.2f} in fifteen rounds)",
            f"{median(native):.2f} times (from {min(native):.2f} to {max(native):.2f})",
        ],
        9: [
            f"took {median(often['requests']):.0f} requests, and {often_cpu:.1f} times the CPU time",
            f"{median(second['requests']):.0f} requests and {second_cpu:.1f} times",
            f"Long polling took {median(long['requests']):.0f} requests",
            f"took {socket_cpu:.2f} of its CPU time",
            f"{waits['long poll', 5000]['memory'] / 1024:.0f} KiB for each where 5,000 wait",
        ],
        10: [
            f"5,000 sockets take {sockets['memory'] / 1024:.0f} KiB each",
            f"after {median(fan['chapter 10, WebSocket', 5000]['last']):.1f} s",
        ],
    }


def test_the_lessons_quote_the_stored_numbers():
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for number, phrases in quoted(results["experiments"]).items():
        [lesson] = ROOT.glob(f"chapters/{number:02}_*/lesson.md")
        text = lesson.read_text(encoding="utf-8")
        assert "](../../bench/results.md)" in text
        for phrase in phrases:
            assert phrase in text, (
                f"{lesson.parent.name}/lesson.md quotes another run; now: {phrase}"
            )


def test_a_claim_that_the_numbers_do_not_bear_out_is_called_so():
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    measured = results["experiments"]
    assert "**not borne out**" not in report.page_of(results)
    for row in measured["blocking"]["rows"]:
        row["seconds"] = [1000.0 if row["handler"] == "async" else 0.5]
    for row in measured["polling"]["rows"] + measured["waiting"]["rows"]:
        row["cpu"] = [1.0] if isinstance(row["cpu"], list) else 1.0
    page = " ".join(report.page_of(results).split())
    for claim in sorted({*CLAIMS} - {"C58"}):
        assert re.search(rf"- {claim}, [^:]+: \*\*not borne out\*\*", page), claim


def test_the_same_numbers_draw_the_same_plot(tmp_path):
    rows = [{"name": "Tornado", "loop": "asyncio", "rate": [9.0], "cpu": [1.0, 2.0]}]
    plots = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in plots:
        report.draw("frameworks", {"rows": rows}, file)
    assert plots[0].read_bytes() == plots[1].read_bytes()
    assert b"<dc:date>" not in plots[0].read_bytes()


@pytest.fixture
def one_experiment(monkeypatch, tmp_path):
    """`make bench` with one small experiment, its results in a folder of the test."""
    monkeypatch.setattr("course.bench.ROOT", tmp_path)
    monkeypatch.setattr("course.bench.signal.signal", lambda *given: None)
    monkeypatch.setattr(report, "EXPERIMENTS", ["frameworks"])
    module = report.experiment("frameworks")
    monkeypatch.setitem(module.PLANS, "quick", module.PLANS["tiny"])
    return module


def test_a_quick_run_writes_its_page_to_work_and_says_what_came_out(
    one_experiment, tmp_path, capsys
):
    assert bench.run(quick=True) == 0
    said = capsys.readouterr()
    assert "Chapter 1's answer. Tornado on asyncio: " in " ".join(said.err.split())
    assert "work/bench/results.md" in said.out
    page = (tmp_path / "work" / "bench" / "results.md").read_text(encoding="utf-8")
    assert "![" in page and "A quick run" in page
    assert (tmp_path / "work" / "bench" / "frameworks.svg").exists()


def test_an_experiment_that_fails_is_said_in_a_line(one_experiment, tmp_path, monkeypatch, capsys):
    def measure(plan, steps):
        raise TimeoutError("3 of 10 requests have no answer after 30 s")

    monkeypatch.setattr(one_experiment, "measure", measure)
    assert bench.run(quick=True) == 1
    assert "Other frameworks: 3 of 10 requests have no answer" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_no_server_outlives_its_block():
    with measure.Server(measure.chapter(1)) as server:
        assert measure.cpu_seconds(server.processes[0].pid) > 0
        assert server.memory() > 1e6
    assert server.processes[0].returncode is not None


def test_a_server_that_does_not_start_says_why():
    with (
        pytest.raises(RuntimeError, match="there is no such option"),
        measure.Server(measure.chapter(2), "--nope"),
    ):
        pass


def test_both_load_generators_tell_the_same():
    with measure.Server(measure.chapter(1)) as server:
        made = [load._ours(server.url + "/?greeting=Hi", 1, 4, 0.02, "")]
        if shutil.which("wrk"):
            made.append(load._wrk(server.url + "/?greeting=Hi", 1, 4, 0.02, ""))
        # However short, it waits until two are answered.
        assert load._ours(server.url + "/", 0, 1, 0, "").requests == 2
    for each in made:
        assert each.errors == 0
        assert 20 < each.rate < 220  # 4 clients that pause 0.02 s: at most about 200 a second
        assert 0 < each.p50 <= each.p99


def test_a_client_takes_whole_messages_only():
    client = Client(0, None)
    client.buffer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab"
    assert client.message() is None
    client.buffer += b"cdHTTP/1.1 204 No Content\r\n\r\n"
    assert [client.message(), client.message(), client.message()] == [
        (200, b"abcd"),
        (204, b""),
        None,
    ]
    client.open = True
    client.buffer = b"\x81\x7e\x00\x80" + b"x" * 128 + b"\x89\x00\x81"
    assert [client.message(), client.message(), client.message()] == [
        (1, b"x" * 128),
        (9, b""),
        None,
    ]
    assert frame(b"hi") == b"\x81\x82\0\0\0\0hi"


def test_spread_and_noise():
    assert measure.shown([2.0, 1.0, 3.0]) == "2.00 (1.00-3.00)"
    assert measure.shown([0.0015], 1, 1000) == "1.5"
    assert measure.is_noise([0.97, 1.03]) and not measure.is_noise([1.01, 1.2])
    assert measure.is_noise([1.1] * 12 + [0.9] * 3)
    assert not measure.is_noise([1.1] * 13 + [0.9] * 2)


def test_the_page_is_made_of_the_stored_numbers_and_mentions_every_plot():
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert results["plan"] == "full"
    assert list(results["experiments"]) == report.EXPERIMENTS
    page = PAGE.read_text(encoding="utf-8")
    assert report.page_of(results) == page
    plots = {file.name for file in PAGE.parent.glob("*.svg")}
    assert plots == {f"{name}.svg" for name in report.EXPERIMENTS}
    assert set(re.findall(r"\]\(([^)]*)\)", page)) == plots
    for claim in CLAIMS:
        assert f"- {claim}, " in page
    for text in [page, RESULTS.read_text(encoding="utf-8")]:
        assert str(ROOT) not in text and "/tmp" not in text and "/home" not in text
