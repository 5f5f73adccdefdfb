"""The pages of chapters 9 and 10 in headless Chromium: two visitors, one stock."""

import asyncio
import urllib.request

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import expect

from visitors import until

expect.set_options(timeout=20_000)  # milliseconds; less than a poll's deadline
pytestmark = [pytest.mark.parametrize("number", [9, 10]), pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(autouse=True)
def a_stock_of_our_own(monkeypatch):
    monkeypatch.delenv("MONGODB_URI", raising=False)


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser):
    """`await visitors(url, 2)` opens the page for so many visitors, each with cookies of its own.

    A page has `.faults`: the errors in its console, and the exceptions that nobody caught.
    """
    contexts = []

    async def enter(url, how_many, **settings):
        pages = []
        for _ in range(how_many):
            contexts.append(await browser.new_context(**settings))
            page = await contexts[-1].new_page()
            page.faults = faults = []
            page.on("pageerror", lambda error, faults=faults: faults.append(str(error)))
            page.on(
                "console",
                lambda line, faults=faults: line.type == "error" and faults.append(line.text),
            )
            await page.goto(url)
            pages.append(page)
        return pages

    yield enter
    for context in contexts:
        await context.close()


def add(page):
    return page.get_by_role("button", name="Add to Cart")


async def test_a_visitor_sees_that_another_one_buys(shared, visitors, number):
    ann, bob = await visitors(shared(number).url, 2)
    await expect(bob.locator("#connection")).to_contain_text("Connected")
    await expect(bob.locator("#count")).to_have_text("10")
    await bob.evaluate("window.stays = true")  # a reload would forget it
    for action, left, said in (
        ("Add to Cart", "9", "One copy is in your cart."),
        ("Remove from Cart", "10", "Your cart is empty."),
    ):
        await ann.get_by_role("button", name=action).click()
        for page in (ann, bob):
            await expect(page.locator("#count")).to_have_text(left)
        await expect(ann.locator("#message")).to_have_text(said)
    assert await bob.evaluate("window.stays")
    assert (ann.faults, bob.faults) == ([], [])


async def test_clicks_arrive_in_their_order(shared, visitors, number):
    [ann] = await visitors(shared(number).url, 1)
    for _ in range(10):
        await ann.evaluate("for (const each of document.querySelectorAll('button')) each.click()")
    await ann.evaluate("turn")
    await expect(ann.locator("#count")).to_have_text("10")
    await expect(ann.locator("#message")).to_have_text("Your cart is empty.")


async def test_the_page_needs_no_mouse_and_tells_a_screen_reader(shared, visitors, number):
    [ann] = await visitors(shared(number).url, 1, viewport={"width": 360, "height": 640})
    await ann.keyboard.press("Tab")
    await ann.keyboard.press("Enter")
    await expect(ann.locator("#count")).to_have_text("9")
    await ann.keyboard.press("Tab")
    await ann.keyboard.press("Space")
    await expect(ann.locator("#count")).to_have_text("10")
    assert await ann.locator("[aria-live=polite] #count").count() == 1
    assert await ann.locator("[role=status]").count() == 2
    wide = await ann.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    for button in await ann.get_by_role("button").all():
        assert (await button.bounding_box())["height"] >= 44
    assert ann.faults == []


async def test_after_a_restart_the_pages_come_back(script, visitors, number):
    first = script(number)
    ann, bob = await visitors(first.url, 2)
    await add(ann).click()
    await expect(bob.locator("#count")).to_have_text("9")
    first.kill()
    for page in (ann, bob):
        await expect(page.locator("#connection")).to_contain_text("Not connected")
    await add(ann).click()
    await expect(ann.locator("#message")).to_contain_text("cannot be reached")
    await asyncio.sleep(1)
    script(number, port=first.port)
    for page in (ann, bob):
        # The new server has all copies again, and counts its versions from 0.
        await expect(page.locator("#connection")).to_have_text("Connected: the number is live.")
        await expect(page.locator("#count")).to_have_text("10")
    await add(bob).click()
    await expect(ann.locator("#count")).to_have_text("9")
    for page in (ann, bob):
        # While the server was away, Chromium noted each try.
        assert [fault for fault in page.faults if "net::ERR_" not in fault] == []


async def test_ten_copies_sell_out_and_the_eleventh_visitor_is_told(script, visitors, number):
    url = script(number).url
    tenth, eleventh = await visitors(url, 2)
    for _ in range(9):  # without a cookie each is another visitor
        urllib.request.urlopen(url + "/cart", b"action=add", timeout=30).close()
    await expect(eleventh.locator("#count")).to_have_text("1")
    await add(tenth).click()
    await expect(tenth.locator("#message")).to_have_text("One copy is in your cart.")
    await expect(eleventh.locator("#count")).to_have_text("0")
    await add(eleventh).click()
    await expect(eleventh.locator("#message")).to_have_text("Sorry: sold out.")
    await expect(eleventh.locator("#count")).to_have_text("0")
    assert tenth.faults == []
    assert ["409" in fault for fault in eleventh.faults] == [True]  # Chromium notes each 4xx


async def test_six_tabs_of_one_browser_leave_a_connection_for_a_purchase(script, browser, number):
    context = await browser.new_context()
    running = script(number)
    tabs = [await context.new_page() for _ in range(6)]
    for tab in tabs:
        await tab.goto(running.url)
        await expect(tab.locator("#connection")).to_contain_text("Connected")
    server = psutil.Process(running.process.pid)
    # Every tab has a connection of its own; Chromium would free equal requests after 20 s.
    await until(lambda: sum(c.status == "ESTABLISHED" for c in server.net_connections()) >= 6, 15)
    await add(tabs[0]).click()
    await expect(tabs[0].locator("#message")).to_have_text("One copy is in your cart.")
    for tab in tabs:
        await expect(tab.locator("#count")).to_have_text("9")
    await context.close()


async def test_a_hidden_tab_does_not_poll(script, visitors, number):
    """Playwright shows every page, so this one is told that it is hidden."""
    [ann] = await visitors(script(number).url, 1)
    if number == 10:
        return  # a WebSocket is one connection that the limit of six does not count
    polls = []
    ann.on("request", lambda request: polls.append(request.url))
    await ann.evaluate("""() => {
        Object.defineProperty(document, "hidden", {configurable: true, value: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    await ann.evaluate("poll.signal.aborted || fail()")
    await ann.evaluate("new Promise(resolve => setTimeout(resolve, 200))")
    assert polls == []
    async with ann.expect_request("**/cart/status*"):
        await ann.evaluate("""() => {
            delete document.hidden;
            document.dispatchEvent(new Event("visibilitychange"));
        }""")
    assert ann.faults == []
