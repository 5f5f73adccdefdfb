"""The command line, `python -m course VERB N`. Starts on the standard library alone."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course import environment
from course.environment import CourseError
from course.manifest import ManifestError, chapter, chapters


class UsageError(Exception):
    """A setting in the environment (PORT, FORCE) is wrong; the message is one line."""


@dataclass(frozen=True)
class Verb:
    """A command: what runs it, the groups of packages that it needs, and its line in the table.

    `takes` is "N" for a chapter, "[N]" for a chapter or all of them, "" or the name of another argument.
    """

    run: Callable[[argparse.Namespace], int]
    groups: list[str]
    help: str
    takes: str = ""

    def make(self, name: str) -> str:
        """What to type for it, with make where it has a target."""
        if self.takes == "NUMBER NAME":
            return f"python -m course {name} {self.takes}"
        makes = {"N": "-N", "NAME": " NAME=gen.Task", "FOLDER": " FOLDER=class"}
        return f"make {name}" + makes.get(self.takes, "")


VERBS: dict[str, Verb] = {}
ALL = [group for group in environment.groups() if group not in ("bootstrap", "site")]


def verb(line: str, *groups: str, takes: str = ""):
    """Enter a function among the verbs. Its module is imported only when it runs, since it may need what the set-up installs."""

    def enter(function):
        name = function.__name__.strip("_").replace("_", "-")
        VERBS[name] = Verb(function, ["runtime", *groups], line, takes)
        return function

    return enter


@verb("run the chapter's program; Ctrl-C ends it", takes="N")
def _chapter(given) -> int:
    from course.learner import script

    return script.run_chapter(given.chapter, _port())


@verb("step through the lesson in JupyterLab, in a copy of your own", "notebook", takes="N")
def _notebook(given) -> int:
    from course.learner import notebook

    return notebook.open_notebook(given.chapter.number, _port(8888))


@verb("put the exercise into work/; never overwrites", takes="N")
def _start(given) -> int:
    from course.learner import work

    return work.start(given.chapter)


@verb("run your own exercise; Ctrl-C ends it", takes="N")
def _run(given) -> int:
    from course.learner import script

    return script.run_work(given.chapter, _port())


@verb("check your work, task by task", "check", takes="N")
def _check(given) -> int:
    from course.learner import show

    return show.check_work(given.chapter, given.json or _is_set("JSON"))


@verb("check your work again at every save", "check", takes="N")
def _watch(given) -> int:
    from course.learner import watch

    return watch.watch(given.chapter)


@verb("the next hint for the first red task", "check", takes="N")
def _hint(given) -> int:
    from course.learner import show

    return show.hint(given.chapter)


@verb("compare your work with the solution, once it is green (or FORCE=1)", "check", takes="N")
def _diff(given) -> int:
    from course.learner import show

    return show.diff(given.chapter, force=_is_set("FORCE"))


@verb("a fresh starter; your work is kept as a backup", takes="N")
def _reset(given) -> int:
    from course.learner import work

    return work.reset(given.chapter, force=_is_set("FORCE"))


@verb("judge a folder of learners' work/ folders", "check", takes="FOLDER")
def _grade(given) -> int:
    from course.learner import grade

    return grade.grade(given.folder, chapters(), given.json or _is_set("JSON"))


@verb("all chapters and tasks, checked again now", "check")
def _progress(given) -> int:
    from course.learner import show

    return show.progress(chapters())


@verb("a real local MongoDB, its data under work/", "mongo")
def _mongo(given) -> int:
    from course.learner import mongo

    return mongo.serve_mongo(_port(27017))


@verb("what became of an old name, and what to write today", takes="NAME")
def _now(given) -> int:
    from course.learner import now

    return now.now(given.name)


@verb("test everything; arguments for pytest after --", *ALL[1:], takes="[PYTEST]")
def _test(given) -> int:
    from course.authors import suite

    return suite.run(given.arguments)


@verb(
    "measure what the notes claim about speed; QUICK=1 in under a minute",
    "mongo",
    "notebook",
    "bench",
)
def _bench(given) -> int:
    from bench.__main__ import run

    return run(_is_set("QUICK"))


@verb("build all pages as a website, in work/site/ (for authors)", "site")
def _site(given) -> int:
    from course.authors import site

    return site.build()


@verb("install only what the chapters need")
def _setup(given) -> int:
    print("Set up: .venv holds", ", ".join(environment.installed()))
    return 0


@verb("install everything", *ALL[1:])
def _setup_all(given) -> int:
    return _setup(given)


@verb("check the shelf of wrong and right answers (for authors)", *ALL[1:], takes="[N]")
def _shelf(given) -> int:
    from course.authors import suite

    return suite.run_shelf(given.chapter and given.chapter.folder)


@verb("the tests that are too slow for make test (for authors)", *ALL[1:], "site")
def _slow(given) -> int:
    from course.authors import suite

    return suite.run_slow()


@verb("ruff, mypy and weave --check (for authors)", "check", "notebook", "test")
def _lint(given) -> int:
    from course.authors import suite

    return suite.lint()


@verb("write the skeleton of a chapter (for authors)", "notebook", "test", takes="NUMBER NAME")
def _new(given) -> int:
    from course.authors import new

    return new.new(given.number, given.name)


@verb("rebuild the notebooks (for authors)", "notebook", "test", takes="[N]")
def _weave(given) -> int:
    from course.authors import weave

    return weave.main(given.chapter and [given.chapter.number], given.check, given.run)


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns the exit status: 0 good, 1 red or not possible now, 2 asked for in a wrong way.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no terminal's encoding ends a command
    try:
        status = _command(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return status
    except (ManifestError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # such as `make | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that is read-only
        print(f"{error.filename or 'course'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


def _command(given: list[str]) -> int:
    if not given:
        return _table()
    parsed = _parse(given)
    if getattr(parsed, "chapter", None) is not None:
        parsed.chapter = chapter(parsed.chapter)
    verb = VERBS[parsed.verb]
    _port()  # a wrong PORT is reported before anything is installed
    environment.ensure(verb.groups)
    environment.enter(given)
    return verb.run(parsed)


def _parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m course", description="Without a verb it prints the table of commands."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in VERBS.items():
        command = verbs.add_parser(name, help=verb.help, description=verb.help)
        if verb.takes in ("N", "[N]"):
            nargs = None if verb.takes == "N" else "?"
            command.add_argument("chapter", metavar="N", nargs=nargs, help="a chapter's number")
        elif verb.takes == "NUMBER NAME":
            command.add_argument("number", metavar="NUMBER", help="the next chapter's number")
            command.add_argument("name", metavar="NAME", help="its name, such as long_poll")
        elif verb.takes == "NAME":
            command.add_argument("name", metavar="NAME", help="a name as the notes write it")
        elif verb.takes == "FOLDER":
            command.add_argument("folder", metavar="FOLDER", type=Path, help="NAME/01_hello/...")
        elif verb.takes:
            command.add_argument("arguments", nargs="*", help="for pytest, after --")
        if name in ("check", "grade"):
            command.add_argument("--json", action="store_true", help="print the verdict as JSON")
        if name == "weave":
            command.add_argument("--check", action="store_true", help="only say what is stale")
            command.add_argument("--run", action="store_true", help="execute every notebook")
    return parser.parse_args(given)


def _table() -> int:
    print("Tornado by running code: chapters, each with a program, a lesson and an exercise\n")
    for name, verb in VERBS.items():
        print(f"  {verb.make(name):33} {verb.help}")
    print("\nN is a chapter:")
    for each in chapters():
        print(f"  {each.number:2}  {each.title}")
    print("\nPORT=8001 before a command names another port. Without make: python -m course VERB N")
    if not environment.installed():
        print("Nothing is installed yet: each command installs what it needs.")
    return 0


def _port(default: int = 8000) -> int:
    """The port to use: $PORT or the default. Raises UsageError if it is not a port."""
    text = os.environ.get("PORT") or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise UsageError(f"PORT={text} is not a port: a number from 1 to 65535")
    return int(text)


def _is_set(name: str) -> bool:
    """Whether a switch is on in the environment: FORCE=1, QUICK=1."""
    return os.environ.get(name, "") not in ("", "0")
