"""`make site`: what it does with links, and the built pages in a real browser: search, a phone, no other server asked."""

import functools
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import pytest_asyncio

from course.authors import site

from servers import ROOT

REPOSITORY = "https://example.org/course"
PAGES = {"README.md": "index.md", "notebooks/01_hello.ipynb": "notebooks/01_hello.ipynb"}


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](01_hello.ipynb#The-quotes)", "[a](01_hello.ipynb#the-quotes)"),
        ("[a](../README.md)", "[a](../index.md)"),
        ("[`a`](../chapters/01_hello/main.py)", "[`a`]({}/blob/HEAD/chapters/01_hello/main.py)"),
        ("[a](#The-quotes)", "[a](#the-quotes)"),
        ("[a](https://example.org/x#Y)", "[a](https://example.org/x#Y)"),
        ("`[a](nowhere)`", "`[a](nowhere)`"),
        ("```\n[a](nowhere)\n```", "```\n[a](nowhere)\n```"),
        ('<a id="C1"></a>**C1**', "[]{{#c1}}**C1**"),
    ],
)
def test_a_link_leads_to_the_page_or_to_the_repository(link, expected):
    resolved = functools.partial(site.resolved, link, "notebooks/01_hello.ipynb", PAGES)
    assert resolved(REPOSITORY) == expected.format(REPOSITORY)
    if "{}" in expected:
        assert resolved("") == "`a`"


def test_a_link_to_a_file_that_does_not_exist_is_an_error():
    with pytest.raises(site.SiteError, match=r"README.md: the link nowhere.md leads nowhere"):
        site.resolved("[a](nowhere.md)", "README.md", PAGES, "")


def test_a_broken_link_and_a_missing_anchor_of_a_built_page_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a id="x" href="#x"><a href="a.html#y"><img src="b.png"><a href="https://example.org/">'
    )
    assert site.broken(tmp_path) == [
        "a.html: a.html#y has no such anchor",
        "a.html: b.png leads nowhere",
    ]


# ---------------------------------------------------------------- the built site


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The address of the site, built without a known repository."""
    pytest.importorskip("sphinx", reason="make slow installs the group site")
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("site")
        patch.setattr(site, "SITE", folder)
        patch.setattr(site, "SOURCE", folder / "source")
        patch.setattr(site, "HTML", folder / "html")
        patch.delenv("REPOSITORY", raising=False)
        assert site.build() == 0
        handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        handler = functools.partial(handler, directory=folder / "html")
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser, built):
    """A page of a browser; `page.asked` holds each address that it has asked for."""
    context = await browser.new_context()
    page = await context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    await context.close()


in_a_browser = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.slow
@in_a_browser
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("AsyncHTTPClient", "AsyncHTTPClient"),
        ("长轮询", "长轮询"),
        ("导入", "导入"),  # inside of a sentence of C1: 这个例子至少要导入
        ("staircase", "staircase"),  # in the README: "a staircase of requests for the handler"
    ],
)
async def test_the_search_finds(page, built, words, found):
    await page.goto(built + "notebooks/01_hello.html")
    await page.fill("#search input", words)
    await page.wait_for_selector("#search .pagefind-ui__message:not(:empty)", timeout=60_000)
    await page.wait_for_function(
        "!/Searching/.test(document.querySelector('#search .pagefind-ui__message').textContent)",
        timeout=60_000,
    )
    links = await page.query_selector_all("#search .pagefind-ui__result-link")
    assert links
    await links[0].click()
    await page.wait_for_load_state()
    assert page.url != built + "notebooks/01_hello.html"
    article = await page.inner_html("article")
    assert found in article
    assert {url for url in page.asked if not url.startswith((built, "data:", "blob:"))} == set()


@pytest.mark.slow
@in_a_browser
async def test_every_page_fits_a_phone_and_asks_no_other_server(page, built):
    await page.set_viewport_size({"width": 390, "height": 800})
    errors, scrolling = [], 0
    page.on("pageerror", lambda error: errors.append(error))
    for file in sorted(site.HTML.rglob("*.html")):
        await page.goto(built + str(file.relative_to(site.HTML)))
        width = "document.documentElement.scrollWidth"
        assert await page.evaluate(width) <= 390, file
        scrolling += await page.evaluate(
            "[...document.querySelectorAll('pre')].filter(p => p.scrollWidth > p.clientWidth).length"
        )
    assert scrolling > 10  # long lines of code scroll in their boxes
    assert errors == []
    assert {url for url in page.asked if not url.startswith((built, "data:"))} == set()


@pytest.mark.slow
def test_a_translator_gets_a_catalogue_for_each_page(built, tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "gettext", "-c", ROOT / "docs" / "site"]
    subprocess.run([*command, site.SOURCE, tmp_path], check=True)
    found = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.pot")}
    pages = {str(page.relative_to(site.HTML)) for page in site.HTML.rglob("*.html")}
    assert {page.replace(".html", ".pot") for page in pages} - {"genindex.pot"} <= found
