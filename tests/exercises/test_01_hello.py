"""The checks of chapter 1's exercise."""

import pytest

# Wrapped at 39, at 40 and at 41 it looks different each time.
TEXT = (
    "It is a truth well known that a server in want of a request must wait; "
    "one that has too many of them must not."
)
PLAIN = (
    'set_header("Content-Type", "text/plain; charset=UTF-8"): as HTML, a script in it would run.'
)
AS_IT_CAME = "Sent as text/plain, the text goes out as it came: nothing in it needs to be escaped."


@pytest.mark.task(1)
@pytest.mark.parametrize(
    ("word", "reversed_word"), [("stressed", "desserts"), ("e-Mail+C", "C+liaM-e")]
)
def test_a_word_comes_back_reversed(app, word, reversed_word):
    app.ask(f"/reverse/{word}").expect(
        200,
        text=reversed_word,
        cause="The word is get()'s argument; word[::-1] is all of it backwards, and nothing else changed.",
    )


@pytest.mark.task(1)
def test_a_chinese_word_comes_back_reversed(app):
    app.ask("/reverse/中文").expect(
        200, text="文中", cause="The word arrives decoded: turn its letters round, not its bytes."
    )


def is_plain_text(answer):
    """Fail unless a browser shows the answer as it is."""
    kind = answer.headers.get("Content-Type") or "no Content-Type"
    if not kind.lower().startswith("text/plain"):
        answer.wrong("Content-Type: text/plain", f"Content-Type: {kind}", PLAIN)
    if answer.headers.get_content_charset("utf-8").replace("-", "") != "utf8":
        cause = (
            "Tornado sends a text as UTF-8: told otherwise, a browser shows other letters for 中文."
        )
        answer.wrong("Content-Type: text/plain; charset=UTF-8", f"Content-Type: {kind}", cause)


@pytest.mark.task(1)
def test_a_script_backwards_is_no_program(app):
    answer = app.ask("/reverse/%3E1trela%3C").expect(200, text="<alert1>", cause=AS_IT_CAME)
    is_plain_text(answer)


@pytest.mark.task(2)
def test_a_text_is_wrapped_at_the_width_given(app):
    answer = app.ask("/wrap", form={"text": TEXT, "width": "20"}).expect(
        200,
        text="It is a truth well\n"
        "known that a server\n"
        "in want of a request\n"
        "must wait; one that\n"
        "has too many of them\n"
        "must not.",
        cause='textwrap.fill(text, width=int(width)) wraps it; the width is the field "width".',
    )
    is_plain_text(answer)


@pytest.mark.task(2)
def test_a_word_that_does_not_fit_is_cut(app):
    app.ask("/wrap", form={"text": "extraordinary", "width": "5"}).expect(
        200,
        text="extra\nordin\nary",
        cause="No line is longer than the width: textwrap.fill() cuts a word that is.",
    )


@pytest.mark.task(2)
def test_without_a_width_lines_are_40_wide(app):
    app.ask("/wrap", form={"text": TEXT}).expect(
        200,
        text="It is a truth well known that a server\n"
        "in want of a request must wait; one that\n"
        "has too many of them must not.",
        cause='Where the field is not there the width is 40, get_body_argument("width", "40"), '
        "and no line may be longer.",
    )


@pytest.mark.task(2)
def test_a_script_in_the_text_is_no_program(app):
    text = "<script>alert(1)</script>"
    is_plain_text(app.ask("/wrap", form={"text": text}).expect(200, text=text, cause=AS_IT_CAME))


@pytest.mark.task(3)
@pytest.mark.parametrize("width", ["abc", "0", "-5", "1.5", "inf", "", "²"])
def test_a_width_that_is_no_positive_number_is_refused(app, width):
    app.ask("/wrap", form={"text": "one two", "width": width}).expect(
        400,
        cause=f"{width!r} is the client's mistake: raise HTTPError(400), also where int() or "
        "fill() raise ValueError.",
    )


@pytest.mark.task(3)
def test_a_script_in_the_width_is_no_program(app):
    width = "<script>alert(1)</script>"
    answer = app.ask("/wrap", form={"text": "one two", "width": width}).expect(400)
    if width in answer.text and "html" in answer.headers.get("Content-Type", ""):
        answer.wrong("a 400 without the client's script in its HTML", cause=PLAIN)


@pytest.mark.task(3)
@pytest.mark.parametrize(
    ("width", "lines"), [("3", "one\ntwo"), ("1", "o\nn\ne\nt\nw\no"), ("200", "one two")]
)
def test_a_positive_width_is_still_taken(app, width, lines):
    app.ask("/wrap", form={"text": "one two", "width": width}).expect(
        200, text=lines, cause="Only a width that is no positive number is refused."
    )
