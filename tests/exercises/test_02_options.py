"""The checks of chapter 2's exercise."""

import json
import shlex

import pytest

from course.harness import Wrong


def as_typed(arguments, folder) -> str:
    """The command that the sign was started with, and what the config file in its folder says."""
    said = [
        f", {file.name}: {'; '.join(file.read_text().splitlines())}" for file in folder.iterdir()
    ]
    return shlex.join(["python", "exercise.py", *arguments]) + "".join(said)


@pytest.fixture
def sign(learner, tmp_path):
    """`sign(*arguments)` is the sign of an exercise that was started with these arguments."""

    def ask(*arguments, cause, **expected):
        try:
            app = learner.serve("in_folder", folder=str(tmp_path), arguments=list(arguments))
            answer = app.ask("/").expect(200, cause=cause)
            got = answer.json(cause)
            for name, value in expected.items():
                if not isinstance(got, dict) or name not in got or got[name] != value:
                    shown = json.dumps({name: value}, ensure_ascii=False)[1:-1]
                    answer.wrong(f"a sign with {shown}", cause=cause)
        except Wrong as error:
            failure = error.failure
            of_colour = arguments and list(expected) == ["colour"]
            if failure.kind == "wrong" or of_colour:
                failure.cause = failure.cause or cause
            if failure.kind == "wrong":
                failure.lines = learner.lines_of("Colour" if of_colour else "make_app")
            failure.replay = f"curl http://localhost:8000/   # {as_typed(arguments, tmp_path)}"
            raise

    return ask


@pytest.fixture
def config(tmp_path):
    """`config(text)` is the option --config that names a file with this text, in the folder where the sign starts."""

    def write(text, name="cafe.conf"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return f"--config={name}"

    return write


@pytest.mark.task(1)
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "#ffcc00",
            "bytes.fromhex('ffcc00') holds the three numbers; list.__init__() takes them as they are.",
        ),
        ("#FFCC00", "A hexadecimal digit may be a large letter or a small one: [0-9a-fA-F]."),
    ],
    ids=["small", "large"],
)
def test_a_colour_is_three_numbers(sign, text, cause):
    sign(f"--colour={text}", colour=[255, 204, 0], cause=cause)


@pytest.mark.task(1)
@pytest.mark.parametrize(
    "text",
    [
        *[
            "red",
            "#fc0",
            "#gggggg",
            "ffcc00",
            "#ffcc",
            "#ffcc000",
            "#ffcc00ff",
            "##ffcc00",
            "#ffcc00#",
        ],
        *("#ffcc00 ", "#ffcc00\n", "#ffcc  ", "# fcc00", "#+1+1+1", "#1_2_3f", "#٣٣٣٣٣٣", ""),
    ],
)
def test_another_text_is_refused(learner, text):
    if learner.call("error_of", folder=".", arguments=[f"--colour={text}"]) is None:
        learner.wrong(
            f"make_app([{f'--colour={text}'!r}]) raises an error",
            "it takes the text as a colour",
            're.fullmatch("#[0-9a-fA-F]{6}", text) is None for each text that is no colour.',
            at="Colour",
        )


@pytest.mark.task(1)
def test_without_the_option_the_colour_is_null(sign):
    sign(colour=None, cause="An option without a default is None, which JSON writes as null.")


@pytest.mark.task(2)
def test_every_guest_counts(sign):
    sign(
        "--guest=Ada",
        "--guest=Grace",
        "--guest=Barbara",
        "--guest=Ada",
        guests=["Ada", "Grace", "Barbara", "Ada"],
        cause="Each --guest replaces the option's value. A callback of define() is called with each "
        "of them, in order.",
    )


@pytest.mark.task(2)
def test_two_signs_do_not_share_their_guests(sign):
    cause = "The guests of an earlier sign are still there: make the list in make_app()."
    sign("--guest=Ada", guests=["Ada"], cause=cause)
    sign(guests=[], cause=cause)


@pytest.mark.task(2)
def test_a_comma_belongs_to_the_name(sign):
    sign(
        "--guest=Hopper, Grace",
        guests=["Hopper, Grace"],
        cause="multiple=True cuts the text at its commas: this option must not have it.",
    )


@pytest.mark.task(2)
def test_all_that_stands_after_the_first_equals_sign_is_the_name(sign):
    cause = "A name may have an = in it too: the option's value begins after the first."
    sign("--guest=E=mc2", guests=["E=mc2"], cause=cause)


@pytest.mark.task(3)
def test_the_file_overrules_the_default(sign, config):
    sign(
        config("greeting = 'Servus'\ncolour = '#010203'\n"),
        greeting="Servus",
        cause="parser.parse_config_file() sets the options that the file names.",
    )


@pytest.mark.task(3)
@pytest.mark.parametrize(
    ("before", "after", "greeting", "colour"),
    [
        ([], ["--greeting=Hello"], "Hello", [1, 2, 3]),
        (["--greeting=Hello"], [], "Hello", [1, 2, 3]),
        (["--greeting=Welcome"], ["--colour=#ffcc00"], "Welcome", [255, 204, 0]),
    ],
    ids=["the file first", "the option first", "the default, and another type"],
)
def test_the_command_line_overrules_the_file(sign, config, before, after, greeting, colour):
    file = config("greeting = 'Servus'\ncolour = '#010203'\n", name="menu=today.conf")
    sign(
        *before,
        file,
        *after,
        greeting=greeting,
        colour=colour,
        cause="Whatever is read later wins: the file is read before the command line, wherever "
        "--config stands.",
    )


@pytest.mark.task(3)
def test_a_guest_counts_once_with_a_file_too(sign, config):
    sign(
        "--guest=Ada",
        config("greeting = 'Servus'\n"),
        "--guest=Grace",
        "--guest=Ada",
        greeting="Servus",
        guests=["Ada", "Grace", "Ada"],
        cause="A command line that is read twice calls each callback twice.",
    )


@pytest.mark.task(3)
def test_what_the_file_does_not_name_keeps_its_default(sign, config):
    sign(config("port = 8001\n"), greeting="Welcome", cause="The file does not name the greeting.")


@pytest.mark.task(3)
def test_an_error_in_the_file_is_raised(learner, config, tmp_path):
    file = config("colour = 'red'\n")
    if learner.call("error_of", folder=str(tmp_path), arguments=[file]) is None:
        learner.wrong(
            f"make_app(['{file}']) raises an error where the file has colour = 'red'",
            "it raises none",
            "parse_config_file() raises the error of Colour: let it through.",
            at="make_app",
        )
