"""`make site`: all pages as a website in work/site/html, from the stored notebooks; nothing is executed.

The pages are put together in work/site/source, laid out as the repository is, so that links between them hold. A link to a
file that is not a page leads to the repository: $REPOSITORY is its address, such as https://github.com/OWNER/NAME.
Without it such a link becomes plain text. Sphinx builds the pages (docs/site/conf.py), once for each language that has
a catalogue in docs/locale/, and Pagefind their index. A warning, a broken link and a missing anchor are errors.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from course.environment import ROOT, CourseError
from course.manifest import chapters

SITE = ROOT / "work" / "site"
SOURCE, HTML = SITE / "source", SITE / "html"
LINK = re.compile(
    r"(?P<fence>^ *(```+).*?^ *\2 *$)|(?P<code>`[^`\n]*`)"
    r"|(?P<open>!?\[(?P<text>(?:[^][`]|`[^`\n]*`|\[[^][]*\])*)\]\()(?P<to>(?:[^()\s]|\([^()\s]*\))+)\)",
    re.MULTILINE | re.DOTALL,
)
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
TOCTREE = "\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


class SiteError(CourseError):
    """The site cannot be built; the message says why."""


def build() -> int:
    """Build the site. Returns 0. Raises SiteError for what a reader would stumble over."""
    started = time.perf_counter()
    shutil.rmtree(SITE, ignore_errors=True)
    write_sources(os.environ.get("REPOSITORY", "").rstrip("/"))
    locale = ROOT / "docs" / "locale"
    others = sorted(each.name for each in locale.iterdir()) if locale.is_dir() else []
    for language in ["en", *others]:
        target = HTML if language == "en" else HTML / language
        command = ["-b", "html", "-W", "--keep-going", "-n", "-q", "-c", ROOT / "docs" / "site"]
        command += ["-d", SITE / "doctrees" / language, "-D", f"language={language}"]
        _run([sys.executable, "-m", "sphinx", *command, SOURCE, target])
    for left_over in [*HTML.rglob("_sources"), *HTML.rglob("jupyter_execute")]:
        shutil.rmtree(left_over)  # nothing of the site asks for them
    if wrong := broken(HTML):
        raise SiteError("\n".join(wrong))
    _index(HTML, others)
    pages = len(list(HTML.rglob("*.html")))
    size = sum(file.stat().st_size for file in HTML.rglob("*") if file.is_file())
    print(f"{pages} pages, {size / 1e6:.1f} MB, {time.perf_counter() - started:.0f} s: {HTML}")
    serve = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(HTML)]
    print(f"To read them: {shlex.join(serve)}")
    return 0


def _index(html: Path, languages: list[str]) -> None:
    """Let Pagefind index the pages: all as Chinese, since English pages quote the notes in Chinese."""
    from importlib.resources import files

    pagefind = files("pagefind_bin_extended") / "pagefind_extended"
    quiet = ["--root-selector", "article", "--exclude-selectors", ".headerlink", "--silent"]
    every = [pagefind, *quiet, "--force-language", "zh", "--include-characters", "_"]
    for language in languages:
        _run([*every, "--site", html / language])
    glob = "{*,bench/*,docs/*,notebooks/*}.html"  # no page of another language
    _run([*every, "--site", html, *(["--glob", glob] if languages else [])])


def _run(command: list) -> None:
    if subprocess.run([str(part) for part in command], cwd=ROOT).returncode:
        raise SiteError("the site was not built, for the reason above")


# ---------------------------------------------------------------- the sources


def write_sources(repository: str) -> None:
    """Write the pages to SOURCE, their links to files of the repository resolved."""
    lessons = [f"notebooks/{each.folder}" for each in chapters()]
    notes = [f"{page}_notes" for page in lessons if (ROOT / f"{page}_notes.ipynb").exists()]
    more = ["THEN-AND-NOW", "bench/results", "docs/teaching"]
    files = {f"{page}.ipynb" for page in lessons + notes} | {f"{page}.md" for page in more}
    pages = {**{file: file for file in files}, "README.md": "index.md"}
    for file, target in pages.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        if file.endswith(".ipynb"):
            notebook = json.loads(text)
            for cell in notebook["cells"]:
                if cell["cell_type"] == "markdown":
                    cell["source"] = resolved("".join(cell["source"]), file, pages, repository)
            text = json.dumps(notebook, ensure_ascii=False)
        else:
            text = resolved(text, file, pages, repository)
        if file == "README.md":
            text = text.replace("the address of this page", "the address of the repository")
            if repository:
                text = re.sub(r"ADDRESS( [\w-]+).*", rf"{repository}\1", text, count=1)
            captions = {"Lessons": lessons, "The notes of 2012": notes, "More": more}
            for caption, names in captions.items():
                if names:
                    text += TOCTREE.format(caption=caption, pages="\n".join(names))
        (SOURCE / target).parent.mkdir(parents=True, exist_ok=True)
        (SOURCE / target).write_text(text, encoding="utf-8")
    for picture in [*ROOT.glob("chapters/*/*.png"), *ROOT.glob("bench/*.svg")]:
        copy = SOURCE / picture.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, copy)


def resolved(text: str, file: str, pages: dict[str, str], repository: str) -> str:
    """Markdown with its relative links resolved; code is left alone. Raises SiteError for a file that does not exist."""

    def link(found: re.Match) -> str:
        to = found["to"] or ""
        if not to or urlsplit(to).scheme:
            return found[0]
        path, _, anchor = to.partition("#")
        anchor = f"#{slug(unquote(anchor))}" if anchor else ""
        name = os.path.normpath(PurePosixPath(file).parent / unquote(path)) if path else file
        if name in pages or found["open"].startswith("!"):
            if name == "README.md":
                path = path.replace("README.md", "index.md")
            return f"{found['open']}{path}{anchor})"
        if not (ROOT / name).exists():
            raise SiteError(f"{file}: the link {to} leads nowhere")
        if not repository:
            return found["text"]
        return f"{found['open']}{repository}/blob/HEAD/{name})"

    text = ANCHOR.sub(lambda found: f"[]{{#{slug(found[1])}}}", text)  # one that MyST knows
    return LINK.sub(link, text)


def slug(anchor: str) -> str:
    """An anchor as Jupyter or claims.toml writes it, as MyST makes it of the heading: "The-quotes" -> "the-quotes"."""
    return re.sub(r"[^\w\- ]", "", anchor.strip().lower()).replace(" ", "-")


# ---------------------------------------------------------------- the links of the built pages


class _Links(HTMLParser):
    """The anchors of a page, and what it links to or loads."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors.update(filter(None, [given.get("id"), given.get("name")]))
        self.links += filter(None, [given.get("href"), given.get("src")])


def broken(html: Path) -> list[str]:
    """A line for each link of the pages that leads to no file, or to no anchor of its page."""
    pages = {
        page.resolve(): _Links(page.read_text(encoding="utf-8")) for page in html.rglob("*.html")
    }
    wrong = []
    for page, parsed in pages.items():
        for link in parsed.links:
            to = urlsplit(link)
            if to.scheme or to.netloc or "pagefind/" in to.path:
                continue
            target = (page.parent / unquote(to.path)).resolve() if to.path else page
            anchor = unquote(to.fragment)
            where = page.relative_to(html.resolve())
            if not target.exists():
                wrong.append(f"{where}: {link} leads nowhere")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                wrong.append(f"{where}: {link} has no such anchor")
    return sorted(set(wrong))
