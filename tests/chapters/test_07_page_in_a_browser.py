"""Chapter 7's page in headless Chromium: the staircase and the wall are read off the page."""

import asyncio
import itertools
import signal

import pytest
import pytest_asyncio
from playwright.async_api import expect

from course.harness.timeline import Timeline

DELAY = 0.5

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser):
    """`page = await visit(url)`; `page.faults` are the errors in its console."""
    pages = []

    async def visit(url):
        page = await browser.new_page(viewport={"width": 1000, "height": 800})
        pages.append(page)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda line: line.type == "error" and page.faults.append(line.text))
        page.elsewhere = []
        page.on(
            "request",
            lambda asked: asked.url.startswith((url, "data:")) or page.elsewhere.append(asked),
        )
        await page.goto(url)
        return page

    yield visit
    for page in pages:
        await page.close()


def button(page, path):
    return page.get_by_role("button", name=f"Send to {path}", exact=True)


def section(page, path):
    return page.locator(f"section[data-path='{path}']")


async def bars(page, path):
    """The bars of a finished burst: each one's width in pixels, and its seconds and status as written beside it."""
    await expect(section(page, path).get_by_role("status")).to_contain_text(
        "The last response", timeout=60000
    )
    return [
        ((await bar.locator("div").bounding_box())["width"], await bar.locator("span").inner_text())
        for bar in await section(page, path).get_by_role("listitem").all()
    ]


async def test_a_staircase_and_a_wall(shared, visit):
    page = await visit(shared(7, f"--delay={DELAY}").url)
    await button(page, "/sync").click()
    stairs = await bars(page, "/sync")
    await button(page, "/async").click()
    wall = await bars(page, "/async")

    assert len(stairs) == len(wall) == 6
    widths = [width for width, _ in stairs]
    step = widths[-1] / 6
    assert widths == sorted(widths)
    steps = [after - before for before, after in itertools.pairwise(widths)]
    assert all(0.5 * step < each < 1.5 * step for each in steps), widths
    assert max(width for width, _ in wall) < 3 * step, (widths, wall)  # both have the same scale
    assert max(width for width, _ in wall) - min(width for width, _ in wall) < step

    seconds = [float(text.removesuffix(" s")) for _, text in stairs]
    assert seconds[-1] >= 6 * DELAY
    total = await section(page, "/sync").get_by_role("status").inner_text()
    assert f"The last response came after {seconds[-1]:.2f} s. Ideal: {seconds[0]:.2f} s" in total
    for width in (1000, 375):  # and all of it is seen on a telephone, too
        await page.set_viewport_size({"width": width, "height": 800})
        frame = await section(page, "/sync").bounding_box()
        label = await section(page, "/sync").locator("span").last.bounding_box()
        assert label["x"] + label["width"] < frame["x"] + frame["width"]
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.faults == []
    assert page.elsewhere == []  # nothing is downloaded


async def test_the_bars_grow_while_the_server_blocks(script, visit):
    page = await visit(script(7, f"--delay={DELAY}").url)
    await button(page, "/sync").click()
    bar = section(page, "/sync").get_by_role("listitem").last.locator("div")
    before = (await bar.bounding_box())["width"]
    await page.wait_for_timeout(300)
    assert (await bar.bounding_box())["width"] > before
    await expect(button(page, "/async")).to_be_disabled()  # one burst at a time


async def test_the_keyboard_is_enough(shared, visit):
    page = await visit(shared(7, f"--delay={DELAY}").url)
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Hashtag")).to_be_focused()
    await page.keyboard.type("#cats")
    await page.keyboard.press("Tab")
    await page.keyboard.type("3")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    async with page.expect_request("**/async?q=*") as first:
        await page.keyboard.press("Enter")
    assert (await first.value).url.endswith("?q=cats")
    assert len(await bars(page, "/async")) == 3
    await expect(button(page, "/async")).to_be_focused()
    assert await section(page, "/sync").get_by_role("listitem").count() == 0
    await page.get_by_label("Hashtag").press("Enter")  # in the field: the first button
    assert len(await bars(page, "/sync")) == 3


async def test_requests_for_the_same_address_do_not_wait_for_each_other(script, visit):
    timeline = Timeline()
    timeline.hold()
    page = await visit(script(7, f"--api={timeline.url}").url)
    async with page.expect_request("**/async?q=*") as first:
        await button(page, "/async").click()
    assert (await first.value).url.endswith("/async?q=tornado")
    async with asyncio.timeout(60):
        while timeline.under_way < 6:
            await asyncio.sleep(0.01)
    timeline.close()


async def test_a_lookup_that_fails_is_shown(script, visit):
    page = await visit(script(7, "--api=http://127.0.0.1:1").url)
    await button(page, "/async").click()
    for _, text in await bars(page, "/async"):
        assert text.endswith(" s (502)")
    await expect(section(page, "/async").get_by_role("status")).to_contain_text("6 of 6 failed.")


async def test_a_tag_with_html_in_it_is_sent_as_it_is(shared, visit):
    page = await visit(shared(7, "--delay=0").url)
    await page.get_by_label("Hashtag").fill("<b>&?#%咖啡")
    async with page.expect_request("**/async?q=*") as first:
        await button(page, "/async").click()
    assert (await first.value).url.endswith("q=%3Cb%3E%26%3F%23%25%E5%92%96%E5%95%A1")
    assert all("(" not in text for _, text in await bars(page, "/async"))


async def test_a_server_that_is_gone_is_shown(script, visit):
    running = script(7, "--delay=0")
    page = await visit(running.url)
    running.stop(signal.SIGKILL)
    await button(page, "/sync").click()
    for _, text in await bars(page, "/sync"):
        assert text.endswith("(no response)")


async def test_one_that_fails_early_stays_failed_while_others_run(shared, visit):
    page = await visit(shared(7, "--delay=0").url)
    seen = []

    async def answer(route):
        seen.append(route)
        late = len(seen) > 1
        await asyncio.sleep(0.3 if late else 0)
        await route.fulfill(status=200 if late else 502, body="")

    await page.route("**/async?q=*", answer)
    await button(page, "/async").click()
    texts = [text for _, text in await bars(page, "/async")]
    assert [text.endswith(" s (502)") for text in texts] == [True] + 5 * [False]
    await expect(section(page, "/async").get_by_role("status")).to_contain_text("1 of 6 failed.")
