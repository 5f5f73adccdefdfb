"""Weave notebooks: chapters/NN_name/lesson.md and the code it names become notebooks/NN_name.ipynb, executed.

A lesson is Markdown that jupytext reads. A code cell may name definitions of its chapter, which are put above its own
lines, so that code is written once:

    ```python show="imports IndexHandler make_app" tags=["claim-C6"]
    url = await serve(make_app())
    ```

One direction only: text in, notebook out.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from course import claims

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT = 60  # seconds
TAGS = re.compile(r"claim-C\d+|defect-\d+|api-[\w.()-]+|raises-exception|image")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


class WeaveError(Exception):
    """What is wrong with a lesson, in one line."""


def lessons(root: Path = ROOT) -> dict[int, Path]:
    """The chapters that have a lesson: number -> folder, in order."""
    folders = sorted(file.parent for file in root.glob("chapters/[0-9][0-9]_*/lesson.md"))
    return {int(folder.name[:2]): folder for folder in folders}


def notebook_of(number: int, root: Path = ROOT) -> Path:
    """Where the notebook of a chapter is. Raises WeaveError where the chapter has no lesson."""
    if number not in (known := lessons(root)):
        raise WeaveError(f"chapter {number} has no lesson.md")
    return root / "notebooks" / f"{known[number].name}.ipynb"


# ---------------------------------------------------------------- what a cell shows


def shown(folder: Path, show: str) -> str:
    """The source of what `show` names, in its order, as it stands in the chapter's files.

    A name is `make_app` (of main.py) or `inventory.py::Inventory`; `imports` are a file's import statements without
    those of the chapter's own files. Raises WeaveError for what is not there.
    """
    return "\n\n\n".join(_piece(folder, name) for name in shlex.split(show))


def _piece(folder: Path, name: str) -> str:
    file, _, name = name.rpartition("::")
    path = folder / (file or "main.py")
    if not path.is_file():
        raise WeaveError(f"there is no {folder.name}/{path.name}")
    text = path.read_text(encoding="utf-8")
    pieces = _definitions(text, own={each.stem for each in folder.glob("*.py")})
    if name not in pieces:
        raise WeaveError(f"{path.name} has no {name!r}; it has {', '.join(pieces)}")
    return pieces[name]


def _definitions(text: str, own: set[str]) -> dict[str, str]:
    """Each top-level name of a source text -> its lines, with decorators and the comment right above it."""
    lines = text.splitlines()
    pieces: dict[str, str] = {"imports": ""}
    for node in ast.parse(text).body:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if module not in own and module != "__future__":
                gap = "\n" if pieces["imports"] and not lines[first - 2].strip() else ""
                pieces["imports"] += gap + "\n".join(lines[first - 1 : node.end_lineno]) + "\n"
            continue
        while first > 1 and lines[first - 2].startswith("#"):
            first -= 1
        for name in _names(node):
            pieces[name] = "\n".join(lines[first - 1 : node.end_lineno])
    return {name: piece.strip("\n") for name, piece in pieces.items()}


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name()):
            return [node.target.id]
    return []


# ---------------------------------------------------------------- the text becomes a notebook


def build(number: int, root: Path = ROOT) -> NotebookNode:
    """The notebook of a chapter, not executed. Raises WeaveError, with the lesson's name and the cell's first line."""
    notebook_of(number, root)
    folder = lessons(root)[number]
    text = (folder / "lesson.md").read_text(encoding="utf-8")
    read = jupytext.reads(text, fmt={"extension": ".md", "split_at_heading": True})
    cells: list[NotebookNode] = []
    seen: dict[str, int] = {}
    for cell in read.cells:
        if cell.cell_type == "code" and (fence := re.match(r"%%(\w+)\n", cell.source)):
            cell = nbformat.v4.new_markdown_cell(
                f"```{fence[1]}\n{cell.source[fence.end() :]}\n```"
            )
        # The id depends on the lesson's text alone: an edit of main.py, or of another cell, does not change it.
        wanted = cell.cell_type + cell.source + str(cell.metadata.get("show", ""))
        name = hashlib.sha256(wanted.encode()).hexdigest()[:8]
        seen[name] = seen.get(name, 0) + 1
        identity = name if seen[name] == 1 else f"{name}-{seen[name]}"
        if cell.cell_type == "code":
            cells.append(_code_cell(folder, cell))
        else:
            # A link to another file of the course leads there from chapters/NN_name/, and now from notebooks/.
            cells.append(nbformat.v4.new_markdown_cell(cell.source.replace("](../../", "](../")))
        cells[-1].id = identity
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def _code_cell(folder: Path, cell: NotebookNode) -> NotebookNode:
    """A code cell with what it shows above its own lines, and with the metadata that we know."""
    own = cell.source.strip("\n")
    show = cell.metadata.get("show", "")
    tags = cell.metadata.get("tags", [])
    unknown = sorted(set(cell.metadata) - {"show", "tags", "lines_to_next_cell"})
    unknown_tags = [tag for tag in tags if not TAGS.fullmatch(tag)]
    try:
        if unknown:
            raise WeaveError(f"unknown cell metadata: {', '.join(unknown)}")
        if unknown_tags:
            raise WeaveError(f"unknown tag: {', '.join(unknown_tags)}")
        source = "\n\n\n".join(part for part in (shown(folder, show) if show else "", own) if part)
        if not source:
            raise WeaveError("an empty cell")
    except WeaveError as error:
        where = own.splitlines()[0] if own else f"show={show!r}"
        raise WeaveError(f"{folder.name}/lesson.md, cell `{where}`: {error}") from None
    metadata = {**({"show": show} if show else {}), **({"tags": tags} if tags else {})}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def execute(notebook: NotebookNode, name: str, folder: Path) -> None:
    """Run all cells of a notebook in a new kernel whose working directory is `folder`, and store what they show.

    Raises WeaveError where a cell fails without the tag raises-exception, has the tag and does not fail, writes to
    stderr, or takes longer than CELL_TIMEOUT.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    before = os.environ.get("PYTEST_CURRENT_TEST")
    os.environ["PYTEST_CURRENT_TEST"] = (
        "weave"  # ipykernel then captures what it captures under nbval
    )
    try:
        client.execute(stderr=subprocess.DEVNULL)  # ipykernel's start-up remarks
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[\d;]*m", "", str(error))
        raise WeaveError(f"{name}: a cell fails\n{plain}") from None
    except CellTimeoutError:
        raise WeaveError(f"{name}: a cell runs longer than {CELL_TIMEOUT} s") from None
    finally:
        os.environ.pop("PYTEST_CURRENT_TEST")
        if before is not None:
            os.environ["PYTEST_CURRENT_TEST"] = before
    for count, cell in enumerate(code_cells(notebook), 1):
        where = f"{name}, cell {count} `{cell.source.splitlines()[-1]}`"
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if "raises-exception" in cell.metadata.get("tags", []) and len(errors) != 1:
            raise WeaveError(f"{where} is tagged raises-exception and raises nothing")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise WeaveError(f"{where} writes to stderr: {output.text}")
            if str(ROOT) in str(output) and output.output_type != "error":
                raise WeaveError(f"{where} shows the path of a folder of this machine")
            output.pop("execution_count", None)
            if output.output_type == "execute_result":
                output.execution_count = count
        for output in errors:  # a traceback names this machine's folders: its last line is enough
            output.traceback = [f"{output.ename}: {output.evalue}"]
        cell.execution_count = count
        cell.metadata.pop("execution", None)
    notebook.metadata = nbformat.from_dict(METADATA)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# ---------------------------------------------------------------- old outputs that say the same


def sanitizers(root: Path = ROOT) -> list[tuple[str, str]]:
    """The rules of tests/sanitize.cfg, read as nbval reads them: (regex, replacement)."""
    text = (root / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
    return re.findall("^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)


def same_outputs(old: list, new: list, rules: list[tuple[str, str]]) -> bool:
    """Whether nbval would call two lists of outputs equal (images too, as nbval does not compare them)."""
    return [_comparable(each, rules) for each in old] == [_comparable(each, rules) for each in new]


def _comparable(output: NotebookNode, rules: list[tuple[str, str]]) -> dict:
    skipped = {"metadata", "traceback", "execution_count", "image/png", "image/jpeg"}

    def clean(value):
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items() if key not in skipped}
        if isinstance(value, str):
            for regex, replacement in rules:
                value = re.sub(regex, replacement, value)
        return value

    return clean(output)


def keep_old_bytes(notebook: NotebookNode, old: NotebookNode, rules) -> None:
    """Give each cell its old outputs where they say the same as the new, so that only a change shows in a diff.

    An image is kept only below a cell whose source is unchanged.
    """
    before = {cell.get("id"): cell for cell in code_cells(old)}
    for cell in code_cells(notebook):
        earlier = before.get(cell.id)
        if earlier is None or not same_outputs(earlier.outputs, cell.outputs, rules):
            continue
        has_image = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if earlier.source == cell.source or not has_image:
            for output in earlier.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count
            cell.outputs = earlier.outputs


# ---------------------------------------------------------------- the verbs


def weave(number: int, root: Path = ROOT) -> bool:
    """Build, execute and write the notebook of a chapter. Returns whether its bytes changed. Raises WeaveError."""
    path = notebook_of(number, root)
    notebook = build(number, root)
    path.parent.mkdir(exist_ok=True)
    execute(notebook, path.name, path.parent)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before:
        keep_old_bytes(notebook, nbformat.reads(before, as_version=4), sanitizers(root))
    nbformat.validate(notebook)
    after = nbformat.writes(notebook, indent=1) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def stale(number: int, root: Path = ROOT) -> list[str]:
    """Where the notebook of a chapter is not what its lesson and its code make; an empty list: it is fresh.

    The cells are compared, not run: that the outputs are still true is what nbval tests.
    """
    path = notebook_of(number, root)
    if not path.exists():
        return [f"{path.name} is not there"]
    wanted = build(number, root)
    found = nbformat.read(path, as_version=4)
    reasons = []
    if len(found.cells) != len(wanted.cells):
        reasons.append(f"{path.name} has {len(found.cells)} cells, the lesson {len(wanted.cells)}")
    for count, (have, want) in enumerate(zip(found.cells, wanted.cells, strict=False), 1):
        for key in ("id", "cell_type", "metadata", "source"):
            if have.get(key) != want.get(key):
                first = next(iter(want.source.splitlines()), "")
                reasons.append(f"{path.name}, cell {count} `{first}`: another {key}")
                break
    if found.metadata != wanted.metadata:
        reasons.append(f"{path.name}: other metadata")
    return reasons


def main(numbers: list[int] | None, check: bool = False) -> int:
    """Weave the chapters of these numbers (None: all), or with `check` say which are stale. Returns an exit status."""
    status = 0
    for number in numbers or list(lessons()):
        started = time.perf_counter()
        try:
            name = notebook_of(number).name
            if not check:
                changed = "changed" if weave(number) else "the same"
                print(f"{name:32} {changed}  ({time.perf_counter() - started:.1f} s)", flush=True)
                continue
            reasons = stale(number)
        except WeaveError as error:
            print(error, flush=True)
            status = 1
            continue
        print(f"{name:32} {'stale' if reasons else 'fresh'}", flush=True)
        for reason in reasons[:5]:
            print(f"    {reason}")
        if reasons:
            print(f"    python -m course weave {number}")
            status = 1
    return max(status, _then_and_now(check))


def _then_and_now(check: bool) -> int:
    """Write the page that is made from claims.toml and the notebooks, or say whether it is stale."""
    if not check:
        print(f"{claims.PAGE.name:32} {'changed' if claims.write_page() else 'the same'}")
        return 0
    fresh = claims.page_is_fresh()
    print(f"{claims.PAGE.name:32} {'fresh' if fresh else 'stale'}")
    return 0 if fresh else 1
