"""The command line, `python -m course VERB N`. Starts on the standard library alone."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from course import environment
from course.environment import SetupError
from course.manifest import ManifestError, chapter, chapters


@dataclass(frozen=True)
class Verb:
    """A command: the groups of packages it needs, what runs it, and what the table says."""

    run: Callable[[argparse.Namespace], int]
    groups: list[str]
    help: str
    takes: str = ""  # "N": a chapter; "[N]": a chapter or all of them; "NAME": an old name

    def make(self, name: str) -> str:
        """What to type for it with make."""
        return f"make {name}" + {"N": "-N", "NAME": " NAME=gen.Task"}.get(self.takes, "")


def _module(name: str):
    """A module of the course, imported only now: it may need what the set-up installs."""
    return importlib.import_module(f"course.{name}")


def _done() -> int:
    print("Set up: .venv holds", ", ".join(environment.installed()))
    return 0


ALL = [group for group in environment.groups() if group != "bootstrap"]
VERBS = {
    "chapter": Verb(
        lambda given: _module("script").run(given.chapter, _port()),
        ["runtime"],
        "run the chapter's script; Ctrl-C ends it",
        "N",
    ),
    "notebook": Verb(
        lambda given: _module("notebook").open_notebook(given.chapter.number, _port(8888)),
        ["runtime", "notebook"],
        "step through the lesson in JupyterLab, in a copy of your own",
        "N",
    ),
    "start": Verb(
        lambda given: _module("work").start(given.chapter),
        ["runtime"],
        "put the exercise into work/; never overwrites",
        "N",
    ),
    "check": Verb(
        lambda given: _module("checks").check(given.chapter),
        ["runtime", "check"],
        "check your work, task by task",
        "N",
    ),
    "watch": Verb(
        lambda given: _module("watch").watch(given.chapter),
        ["runtime", "check"],
        "the same at every save",
        "N",
    ),
    "hint": Verb(
        lambda given: _module("verdict").hint(given.chapter),
        ["runtime", "check"],
        "the next hint for the first red task",
        "N",
    ),
    "diff": Verb(
        lambda given: _module("verdict").diff(given.chapter, force=_force()),
        ["runtime", "check"],
        "your work beside the solution, once it is green (or FORCE=1)",
        "N",
    ),
    "reset": Verb(
        lambda given: _module("work").reset(given.chapter, force=_force()),
        ["runtime"],
        "a fresh starter; your work is kept as a backup",
        "N",
    ),
    "progress": Verb(
        lambda given: _module("verdict").progress(chapters()),
        ["runtime", "check"],
        "all chapters and tasks, checked again now",
    ),
    "mongo": Verb(
        lambda given: _module("mongo").serve_mongo(_port(27017)),
        ["runtime", "mongo"],
        "a real local MongoDB, its data under work/",
    ),
    "now": Verb(
        lambda given: _module("claims").now(given.name),
        ["runtime"],
        "what became of an old name, and what to write today",
        "NAME",
    ),
    "claims": Verb(
        lambda given: _module("claims").print_claims(),
        ["runtime"],
        "what the notes claim, and what is so today",
    ),
    "test": Verb(
        lambda given: _module("suite").run(given.arguments),
        ALL,
        "everything the repository claims is true",
    ),
    "test-notebooks": Verb(
        lambda given: _module("suite").run_notebooks(), ALL, "the notebooks alone"
    ),
    "bench": Verb(
        lambda given: _module("bench").run(_is_set("QUICK")),
        ["runtime", "mongo", "notebook", "bench"],
        "measure what the notes claim about speed; QUICK=1 in under a minute",
    ),
    "setup": Verb(lambda given: _done(), ["runtime"], "only the set-up, of what the chapters need"),
    "setup-all": Verb(lambda given: _done(), ALL, "only the set-up, of everything"),
    "shelf": Verb(
        lambda given: _module("suite").run_shelf(
            given.chapter and given.chapter.folder, given.write
        ),
        ALL,
        "the wrong and the right answers, on the checks (for authors)",
        "[N]",
    ),
    "mutants": Verb(
        lambda given: _module("mutants").main([given.chapter] if given.chapter else chapters()),
        ["runtime", "check"],
        "what slips in the solutions the checks catch (for authors)",
        "[N]",
    ),
    "weave": Verb(
        lambda given: _module("weave").main(given.chapter and [given.chapter.number], given.check),
        ["runtime", "notebook", "test"],
        "rebuild and execute the notebooks (for authors)",
        "[N]",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns the exit status: 0 good, 1 red or not possible now, 2 asked for in a wrong way.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        return _table()
    parsed = _parse(given)
    try:
        if getattr(parsed, "chapter", None) is not None:
            parsed.chapter = chapter(parsed.chapter)
        verb = VERBS[parsed.verb]
        _port()  # a PORT that is none is said before anything is installed
        environment.ensure(verb.groups)
        environment.enter(given)
        return verb.run(parsed)
    except (ManifestError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


class UsageError(Exception):
    """A setting in the environment (PORT, FORCE) is wrong; the message is one line."""


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
        if verb.takes == "NAME":
            command.add_argument("name", metavar="NAME", help="a name as the notes write it")
        if name == "weave":
            command.add_argument("--check", action="store_true", help="only say what is stale")
        if name == "shelf":
            command.add_argument("--write", action="store_true", help="keep the messages anew")
        if name == "test":
            command.add_argument("arguments", nargs="*", help="for pytest, after --")
    return parser.parse_args(given)


def _table() -> int:
    print("Tornado by running code: ten chapters, each a script, a lesson and an exercise\n")
    for name, verb in VERBS.items():
        print(f"  {verb.make(name):24} {verb.help}")
    print("\nN is a chapter:")
    for each in chapters():
        print(f"  {each.number:2}  {each.title}")
    print("\nPORT=8001 before a command names another port. Without make: python -m course VERB N")
    if not environment.installed():
        print(
            "Nothing is installed yet. Each command installs what it needs; make setup only that."
        )
    return 0


def _port(default: int = 8000) -> int:
    """The port to use: $PORT or the default. Raises UsageError if it is no port."""
    text = os.environ.get("PORT") or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise UsageError(f"PORT={text} is not a port: a number from 1 to 65535")
    return int(text)


def _force() -> bool:
    return _is_set("FORCE")


def _is_set(name: str) -> bool:
    """Whether a switch is on in the environment: FORCE=1, QUICK=1."""
    return os.environ.get(name, "") not in ("", "0")
