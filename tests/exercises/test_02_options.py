"""The checks of chapter 2's exercise."""

import json
import shlex

import pytest

from course.harness import Wrong


def as_typed(arguments, folder) -> str:
    """The command that started the sign, and what the config file in its folder says."""
    files = [
        f", {file.name}: {'; '.join(file.read_text().splitlines())}" for file in folder.iterdir()
    ]
    return shlex.join(["python", "exercise.py", *arguments]) + "".join(files)


@pytest.fixture
def sign(learner, tmp_path):
    """`sign(*arguments, cause=..., name=value)` checks the sign of an exercise that was started with these arguments.

    `cause` explains a wrong value on the sign, and nothing else; it may be a function of the value.
    """

    def ask(*arguments, cause, **expected):
        try:
            app = learner.serve("in_folder", folder=str(tmp_path), arguments=list(arguments))
            answer = app.ask("/").expect(200)
            got = answer.json()
            for name, value in expected.items():
                shown = json.dumps({name: value}, ensure_ascii=False)[1:-1]
                if not isinstance(got, dict) or name not in got:
                    why = f'The sign is a dictionary with the key "{name}", as in the starter.'
                    answer.wrong(f"a sign with {shown}", cause=why)
                if got[name] != value:
                    why = cause(got[name]) if callable(cause) else cause
                    answer.wrong(f"a sign with {shown}", cause=why)
        except Wrong as error:
            failure = error.failure
            if failure.kind == "wrong":
                failure.lines = learner.lines_of(
                    "Colour" if list(expected) == ["colour"] and arguments else "make_app"
                )
            failure.expected = failure.expected or "a sign with " + ", ".join(
                json.dumps({name: value}, ensure_ascii=False)[1:-1]
                for name, value in expected.items()
            )
            failure.replay = f"curl http://127.0.0.1:8000/   # {as_typed(arguments, tmp_path)}"
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
@pytest.mark.parametrize("value", ["#ffcc00", "#FFCC00"], ids=["lower case", "upper case"])
def test_a_colour_is_three_numbers(sign, value):
    cause = 'The colour is a list of three numbers: list(bytes.fromhex("ffcc00")) is [255, 204, 0].'
    sign(f"--colour={value}", colour=[255, 204, 0], cause=cause)


@pytest.mark.task(1)
@pytest.mark.parametrize(
    "value",
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
def test_any_other_value_is_refused(learner, value):
    if learner.call("error_of", folder=".", arguments=[f"--colour={value}"]) is None:
        learner.wrong(
            f"make_app([{f'--colour={value}'!r}]) raises an exception",
            "it accepts the value as a colour",
            're.fullmatch("#[0-9a-fA-F]{6}", text) is None for every string that is not a colour.',
            at="Colour",
        )


@pytest.mark.task(1)
def test_without_the_option_the_colour_is_null(sign):
    sign(colour=None, cause="An option without a default is None, which JSON writes as null.")


@pytest.mark.task(2)
def test_every_guest_is_added(sign):
    names = ["Ada", "Grace", "Barbara", "Ada"]

    def cause(got):
        if got == sorted(names):
            return "The names stay in the order of the command line: do not sort them."
        if got == list(dict.fromkeys(names)):
            return "Two guests may have the same name: the list has it twice."
        return "Each --guest replaces the option's value. A callback of define() is called with each value, in order."

    sign(*[f"--guest={name}" for name in names], guests=names, cause=cause)


@pytest.mark.task(2)
def test_two_signs_do_not_share_their_guests(sign):
    cause = "The guests of an earlier sign are still in the list: create the list in make_app()."
    sign("--guest=Ada", guests=["Ada"], cause=cause)
    sign(guests=[], cause=cause)


@pytest.mark.task(2)
def test_a_comma_belongs_to_the_name(sign):
    sign(
        "--guest=Hopper, Grace",
        guests=["Hopper, Grace"],
        cause="A comma belongs to the name, but multiple=True or split() cuts the value at commas.",
    )


@pytest.mark.task(2)
def test_an_equals_sign_belongs_to_the_name(sign):
    cause = "The value begins after the first =, and may have more of them."
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
    def cause(got):
        if got in ("Servus", [1, 2, 3]):
            return "What is read last wins: read the file before the command line, wherever --config stands."
        return "The file was not read here: look for --config among all arguments, and take all after its first =."

    file = config("greeting = 'Servus'\ncolour = '#010203'\n", name="menu=today.conf")
    sign(*before, file, *after, greeting=greeting, colour=colour, cause=cause)


@pytest.mark.task(3)
def test_each_guest_is_added_once_with_a_file_too(sign, config):
    def cause(got):
        if got == [*guests, *guests]:
            return "A command line that is parsed twice calls each callback twice."
        return "The guests are those of the command line, each once, in their order."

    guests = ["Ada", "Grace", "Ada"]
    sign(
        "--guest=Ada",
        config("greeting = 'Servus'\n"),
        "--guest=Grace",
        "--guest=Ada",
        greeting="Servus",
        guests=guests,
        cause=cause,
    )


@pytest.mark.task(3)
def test_an_option_that_the_file_does_not_name_keeps_its_default(sign, config):
    sign(config("port = 8001\n"), greeting="Welcome", cause="The file does not name the greeting.")


@pytest.mark.task(3)
def test_an_error_in_the_file_is_raised(learner, config, tmp_path):
    file = config("colour = 'red'\n")
    if learner.call("error_of", folder=str(tmp_path), arguments=[file]) is None:
        learner.wrong(
            f"make_app(['{file}']) raises an exception if the file has colour = 'red'",
            "it raises none",
            "parse_config_file() raises the exception of Colour: do not catch it.",
            at="make_app",
        )
