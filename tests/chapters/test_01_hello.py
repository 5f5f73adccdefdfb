"""Chapter 1's script, and the program of about 20 lines with which its lesson begins."""

import re
import urllib.request

import pytest

from course.environment import ROOT
from course.learner.script import free_port

from servers import Script


@pytest.fixture
def url(load, serve):
    return serve(load(1).make_app())


async def test_it_greets(url, fetch):
    response = await fetch(url)
    assert (response.code, response.body) == (200, b"Hello, friendly user!\n")


async def test_the_greeting_comes_from_the_query(url, fetch):
    response = await fetch(url + "/?greeting=%E4%BD%A0%E5%A5%BD")
    assert response.body.decode() == "你好, friendly user!\n"


async def test_the_last_of_several_greetings_wins(url, fetch):
    assert (await fetch(url + "/?greeting=a&greeting=b")).body.startswith(b"b,")


async def test_html_in_the_greeting_stays_text(url, fetch):
    response = await fetch(url + "/?greeting=%3Cscript%3E")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.body == b"<script>, friendly user!\n"


async def test_a_greeting_that_is_not_utf8_is_the_clients_mistake(url, fetch):
    assert (await fetch(url + "/?greeting=%FF")).code == 400


async def test_a_posted_greeting_is_not_read(url, fetch):
    assert (await fetch(url, method="POST", body="greeting=x")).code == 405


def test_debug_is_an_option_and_off(load):
    module = load(1)
    assert not module.make_app().settings.get("debug")
    assert module.make_app(debug=True).settings["debug"]


def test_the_first_program_of_the_lesson_serves(tmp_path):
    lesson = (ROOT / "chapters/01_hello/lesson.md").read_text(encoding="utf-8")
    [program] = re.findall(r"(?ms)^```py\n(.+?)^```$", lesson)
    port = free_port()
    file = tmp_path / "hello.py"
    file.write_text(program.replace("8000", str(port)), encoding="utf-8")
    running = Script(file, port=port)
    try:
        assert urllib.request.urlopen(running.url).read() == b"Hello, world\n"
    finally:
        running.kill()
