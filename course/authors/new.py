"""`python -m course new 11 caching`: the skeleton of a chapter, in every place where a chapter has a file or an entry.

The skeleton runs, its checks are green on its solution, and two tests are red on it: one for each text that still says
"To be written", and the one that counts the answers on the shelf.
"""

from __future__ import annotations

import re
import sys

from course.environment import ROOT, CourseError
from course.manifest import chapters

MAIN = '''\
"""Chapter NUMBER, NAME: To be written: what it shows.

Run it:  make chapter-NUMBER    (or: .venv/bin/python chapters/FOLDER/main.py --port=8000)
Try it:  curl http://127.0.0.1:8000/
"""

import asyncio
import sys

import tornado.web
from tornado.options import define, options, parse_command_line


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write("TITLE\\n")


def make_app():
    return tornado.web.Application([(r"/", IndexHandler)])
'''
END = """

async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"FILE: {error}")
"""
EXERCISE = '''\
"""Chapter NUMBER, exercise: To be written: what the learner builds.

Run it:    make run-NUMBER
Try it:    curl http://127.0.0.1:8000/task/1
Check it:  make check-NUMBER

Task 1  To be written.

    - Request: GET /task/1.
    - Response: 200. The body is `1`.

Task 2  To be written.

    - Request: GET /task/2.
    - Response: 200. The body is `2`.

Task 3  To be written.

    - Request: GET /task/3.
    - Response: 200. The body is `3`.
"""

import asyncio
import sys

import tornado.web
from tornado.options import define, options, parse_command_line
'''
HANDLER = """

class Task{0}Handler(tornado.web.RequestHandler):
    def get(self):
"""
STARTER = """\
        # TODO task {0}: write the number of the task.
        raise tornado.web.HTTPError(501)
"""
SOLUTION = """\
        self.write("{0}")
"""
APP = """

def make_app():
    return tornado.web.Application(
        [
            (r"/task/1", Task1Handler),
            (r"/task/2", Task2Handler),
            (r"/task/3", Task3Handler),
        ]
    )
"""
LESSON = """\
# Chapter NUMBER: TITLE

To be written: what you build, in five lines, with the command `make chapter-NUMBER` and its output.

## The first handler

To be written: why, and then the code.

```python
from live import ask, serve
```

```python show="imports IndexHandler make_app"
url = await serve(make_app())
await ask(url)
```

## Recap

- To be written.

## Try it

- To be written: a small change, and what should happen.

## The exercise

To be written: the tasks, as in the docstring of the exercise.

{commands}
"""
NOTES = """\
# Chapter NUMBER, the notes: TITLE

To be written: the section of the notes, statement by statement. A line with `C1` in braces is replaced by that statement of
claims.toml. If the notes say nothing about the subject, say so here.
"""
CHECKS = '''\
"""The checks of chapter NUMBER's exercise."""

import pytest


@pytest.mark.task(1)
def test_task_1(app):
    app.ask("/task/1").expect(200, text="1", cause="To be written: the likeliest cause.")


@pytest.mark.task(2)
def test_task_2(app):
    app.ask("/task/2").expect(200, text="2", cause="To be written: the likeliest cause.")


@pytest.mark.task(3)
def test_task_3(app):
    app.ask("/task/3").expect(200, text="3", cause="To be written: the likeliest cause.")
'''
ANSWER = """\
[[wrong]]
task = {0}
name = "another number in task {0}"
old = 'self.write("{0}")'
new = 'self.write("0")'
says = ["To be written"]

"""
SHELF = """\
# Wrong answers as learners write them, each a patch on the solution: `kind` of failure (wrong if not said), and words
# that the message must contain. Right ones that are more than a patch are files in right/.
# To be written: at least four wrong answers a task, and three right ones.

"""
TESTS = '''\
"""Chapter NUMBER's script."""


async def test_it_answers(load, serve, fetch):
    response = await fetch(serve(load(NUMBER).make_app()))
    assert (response.code, response.body) == (200, b"TITLE\\n")
'''
ENTRY = """\

[[chapter]]
number = NUMBER
name = "NAME"
title = "TITLE"
notes = "To be written"
section = "To be written"
open = "http://127.0.0.1:{port}/"
tries = ["curl http://127.0.0.1:{port}/"]
"""
TASK = """
[[chapter.task]]
title = "To be written"
starter = "todo"
hints = ["To be written."]
"""
ROW = (
    "| NUMBER | TITLE: To be written | [lesson](notebooks/FOLDER.ipynb) "
    "| [notes](notebooks/FOLDER_notes.ipynb) | [program](chapters/FOLDER/main.py) "
    "| [exercise](chapters/FOLDER/exercise.py) |\n"
)
LAST_ROW = re.compile(r"(?m)(?:^\| \d+ \| .+\n)+")


class NewError(CourseError):
    """The chapter cannot be added; the message is one line."""


def new(number: str, name: str) -> int:
    """Write the skeleton of a chapter and weave its notebooks. Returns the exit status. Raises NewError."""
    following = len(chapters()) + 1
    if number != str(following):
        raise NewError(f"the next chapter is {following}, not {number}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise NewError(f"{name!r} is not a name: use small letters, digits and _, as in long_poll")
    folder = f"{following:02d}_{name}"
    title = name.replace("_", " ").capitalize()

    def filled(text: str) -> str:
        for key, value in {
            "NUMBER": number,
            "NAME": name,
            "TITLE": title,
            "FOLDER": folder,
        }.items():
            text = text.replace(key, value)
        return text

    todo = "".join(HANDLER.format(task) + STARTER.format(task) for task in (1, 2, 3))
    done = "".join(HANDLER.format(task) + SOLUTION.format(task) for task in (1, 2, 3))
    end = END.replace("FILE", "exercise.py")
    files = {
        f"chapters/{folder}/main.py": MAIN + END.replace("FILE", "main.py"),
        f"chapters/{folder}/lesson.md": LESSON,
        f"chapters/{folder}/notes.md": NOTES,
        f"chapters/{folder}/exercise.py": EXERCISE + todo + APP + end,
        f"solutions/{folder}/exercise.py": EXERCISE + done + APP + end,
        f"tests/chapters/test_{folder}.py": TESTS,
        f"tests/exercises/test_{folder}.py": CHECKS,
        f"tests/shelf/{folder}/answers.toml": SHELF + "".join(map(ANSWER.format, (1, 2, 3))),
    }
    if taken := [each for each in files if (ROOT / each).exists()]:
        raise NewError(f"{taken[0]} already exists")
    for file, text in files.items():
        (ROOT / file).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / file).write_text(filled(text).rstrip() + "\n", encoding="utf-8")
        print("wrote  ", file)
    manifest, readme = ROOT / "course.toml", ROOT / "README.md"
    with manifest.open("a", encoding="utf-8") as appended:
        appended.write(filled(ENTRY + 3 * TASK))
    text = readme.read_text(encoding="utf-8")
    text = LAST_ROW.sub(lambda rows: rows[0] + filled(ROW), text, count=1)
    readme.write_text(text, encoding="utf-8")
    print("added an entry to course.toml and a row to README.md", flush=True)

    from course.authors import weave

    status = weave.main([following])
    print("\nReplace every 'To be written'; CONTRIBUTING.md says in which order.", file=sys.stdout)
    return status
