"""The English of STYLE.md's card, as far as a pattern can see it: lessons, notes pages, exercises, hints, the tool's messages."""

import io
import re
import tokenize

import pytest

from course.environment import ROOT

FORBIDDEN = {
    r"(?:^|[.:;!?] )Who\b": "a person or a thing: a client, the handler, you",
    r"(?i)(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|better\b)[a-z]": "is not a ...",
    r"\bis none\b": "is not one",
    r"\ba text\b(?!/| (?:frame|file|field|message|editor))": "a string",
    r"\bblanks?\b(?! line)": "a space",
    r"\banew\b": "again",
    r"\bfor ever\b": "forever",
    r"(?i)\b(?:nobody|somebody|whoever)\b": "no client, a client, the code that ...",
    r"\bat the least\b": "at least",
    r"\bof (?:ours|theirs)\b": "our, their",
}
ALLOWED = "english:"  # an exception says so on its own line, and why
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("bench/*.md"),
    *ROOT.glob("chapters/*/*.md"),
]
CODE = [
    *ROOT.glob("course/**/*.py"),
    *ROOT.glob("chapters/*/*.py"),
    *ROOT.glob("solutions/*/exercise.py"),
    *ROOT.glob("tests/exercises/*.py"),
    *ROOT.glob("notebooks/*.py"),
    *ROOT.glob("bench/*.py"),
]
DATA = [ROOT / "course.toml", ROOT / "claims.toml"]


def prose_of_page(text: str) -> str:
    """A Markdown page without its code: fenced blocks, code in backticks, comments, addresses of links."""
    text = re.sub(r"(?ms)^(```+).*?^\1$", lambda block: "\n" * block[0].count("\n"), text)
    return re.sub(r"`[^`\n]*`|\]\([^)\n]*\)", "", text)


def prose_of_code(text: str) -> str:
    """The comments and strings of a Python file, each on its own line number."""
    lines = [""] * (text.count("\n") + 2)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (
            tokenize.COMMENT,
            tokenize.STRING,
            getattr(tokenize, "FSTRING_MIDDLE", -1),
        ):
            for offset, line in enumerate(token.string.splitlines()):
                lines[token.start[0] - 1 + offset] += " " + line.lstrip(" #\"'frb")
    return re.sub(r"`[^`\n]*`", "", "\n".join(lines))


def problems(name: str, text: str, prose: str) -> list[str]:
    """Every forbidden phrase, with file and line, and what to write instead."""
    found = []
    for number, (line, whole) in enumerate(
        zip(prose.splitlines(), text.splitlines(), strict=False), 1
    ):
        for pattern, instead in FORBIDDEN.items():
            if ALLOWED not in whole and (match := re.search(pattern, line.strip())):
                found.append(f"{name}:{number}: {match[0]!r}; write: {instead}")
    return found


@pytest.mark.parametrize(
    ("files", "prose"),
    [(PAGES, prose_of_page), (CODE, prose_of_code), (DATA, prose_of_page)],
    ids=["pages", "code", "data"],
)
def test_the_english_is_plain(files, prose):
    found = []
    for file in sorted(files):
        text = file.read_text(encoding="utf-8")
        found += problems(str(file.relative_to(ROOT)), text, prose(text))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "sentence",
    [
        "Who writes a body gets a 500.",
        "The word is no number.",
        "The hyphen is none of them.",
        "It takes a text.",
        "Two blanks follow.",
        "Count anew.",
        "It waits for ever.",
        "Nobody waits.",
        "It takes two at the least.",
        "A server of ours.",
    ],
)
def test_the_lint_sees(sentence):
    assert problems("page", sentence, prose_of_page(sentence))


@pytest.mark.parametrize(
    "sentence", ["There is no route.", "It is no longer open.", "a blank line", "`is no x`"]
)
def test_the_lint_lets_pass(sentence):
    assert not problems("page", sentence, prose_of_page(sentence))
