"""Weave notebooks: a chapter's lesson.md becomes notebooks/NN_name.ipynb, its notes.md notebooks/NN_name_notes.ipynb.

Each page is Markdown that jupytext reads. A code cell may name definitions of the chapter's files, which are put above the
cell's own lines, so that code is written only once:

    ```python show="imports IndexHandler make_app" tags=["claim-C6"]
    url = await serve(make_app())
    ```

Weaving goes one way only, from the page to the notebook. A notebook is executed only if its code has changed.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat
from nbformat import NotebookNode

from course.authors import index, statements
from course.authors.statements import StatementError
from course.claims import ClaimsError
from course.environment import ROOT

CELL_TIMEOUT = 60  # seconds
TAGS = re.compile(r"claim-C\d+|defect-\d+|api-[\w.()-]+|raises-exception|image")
PAGE_LINK = re.compile(r"\]\((?:\.\./(\d\d_\w+)/)?(lesson|notes)\.md")
PICTURE = re.compile(r"(!\[[^]]*\]\()([\w.-]+\))")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


class WeaveError(Exception):
    """What is wrong with a page, in one line."""


class Page(NamedTuple):
    """A Markdown page of a chapter and the notebook that it becomes."""

    text: Path
    notebook: Path

    @property
    def number(self) -> int:
        return int(self.text.parent.name[:2])

    @property
    def name(self) -> str:
        return f"{self.text.parent.name}/{self.text.name}"


def pages(root: Path = ROOT) -> list[Page]:
    """All pages, in order."""
    texts = root.glob("chapters/[0-9][0-9]_*/*.md")
    found = sorted(text for text in texts if text.stem in ("lesson", "notes"))
    return [
        Page(text, root / "notebooks" / _notebook(text.parent.name, text.stem)) for text in found
    ]


def _notebook(folder: str, page: str) -> str:
    return f"{folder}_notes.ipynb" if page == "notes" else f"{folder}.ipynb"


# ---------------------------------------------------------------- what a cell shows


def shown(folder: Path, show: str) -> str:
    """The source of what `show` names, in its order, as it stands in the chapter's files.

    A name is `make_app` (of main.py), `inventory.py::Inventory`, or `WordHandler.get`, which gives the method below its
    class's first line; methods of one class that follow each other share that line. `imports` are a file's import
    statements, without those of the chapter's own files and those shown already. Raises WeaveError for a name that does
    not exist.
    """
    parts: list[str] = []
    imported: set[str] = set()
    above = ""
    for name in shlex.split(show):
        file, _, name = name.rpartition("::")
        pieces = _definitions(folder / (file or "main.py"))
        if name not in pieces:
            known = ", ".join(piece for piece in pieces if "." not in piece)
            raise WeaveError(f"{file or 'main.py'} has no {name!r}; it has {known}")
        if name == "imports":
            found = re.split(r"\n+(?=import |from )", pieces[name])
            if imported & set(found):
                pieces[name] = "\n".join(each for each in found if each not in imported)
            imported |= set(found)
        owner = name.partition(".")[0] + "." if "." in name else ""
        if owner and above == file + owner:
            parts[-1] += "\n\n" + pieces[name].removeprefix(pieces[owner])
        else:
            parts.append(pieces[name])
        above = file + owner
    return "\n\n\n".join(parts)


def _definitions(path: Path) -> dict[str, str]:
    """Each top-level name of a file -> its lines, with decorators and the comment right above it.

    For a class C also `C.method`, and `C.` for the class's first line alone.
    """
    if not path.is_file():
        raise WeaveError(f"{path.parent.name}/{path.name} does not exist")
    own = {each.stem for each in path.parent.glob("*.py")}
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()

    def start(node: ast.stmt) -> int:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        while first > 1 and lines[first - 2].lstrip().startswith("#"):
            first -= 1
        return first - 1

    pieces = {"imports": ""}
    for node in ast.parse(text).body:
        piece = "\n".join(lines[start(node) : node.end_lineno])
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if module not in own and module != "__future__":
                gap = "\n" if pieces["imports"] and not lines[start(node) - 1].strip() else ""
                pieces["imports"] += f"{gap}{piece}\n"
            continue
        for name in _names(node):
            pieces[name] = piece
        if isinstance(node, ast.ClassDef):
            head = pieces[f"{node.name}."] = (
                "\n".join(lines[start(node) : start(node.body[0])]) + "\n"
            )
            for part in node.body:
                for name in _names(part):
                    body = "\n".join(lines[start(part) : part.end_lineno])
                    pieces[f"{node.name}.{name}"] = head + body
    pieces["imports"] = pieces["imports"].strip("\n")
    return pieces


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


# ---------------------------------------------------------------- a page becomes a notebook


def build(page: Page) -> NotebookNode:
    """The notebook of a page without outputs. Raises WeaveError, with the page's name and the cell's first line."""
    text = page.text.read_text(encoding="utf-8")
    try:
        text = statements.expand(text, page.text.parent.name)
    except StatementError as error:
        raise WeaveError(f"{page.name}: {error}") from None
    read = jupytext.reads(text, fmt={"extension": ".md", "split_at_heading": True})
    cells: list[NotebookNode] = []
    headings: set[str] = set()
    section = place = 0
    for cell in read.cells:
        if cell.cell_type == "code" and (fence := re.match(r"%%(\w+)\n", cell.source)):
            fenced = f"```{fence[1]}\n{cell.source[fence.end() :]}\n```"
            cells.append(nbformat.v4.new_markdown_cell(fenced))
        elif cell.cell_type == "code":
            cells.append(_code_cell(page, cell))
        else:
            cells.append(nbformat.v4.new_markdown_cell(_links(cell.source, page)))
            if heading := re.match(r"#+ +(.+)", cell.source):
                section, place = section + 1, 0
                if heading[1] in headings:
                    raise WeaveError(f"{page.name}: two headings `{heading[1]}` share an anchor")
                headings.add(heading[1])
        place += 1
        cells[-1].id = f"s{section}-{place}"
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def _links(text: str, page: Page) -> str:
    """Links from chapters/NN_name/ become links from notebooks/, and a page there is a notebook here."""
    folder = page.text.parent.name
    text = PAGE_LINK.sub(lambda link: f"]({_notebook(link[1] or folder, link[2])}", text)
    text = PICTURE.sub(rf"\1../chapters/{folder}/\2", text)
    return text.replace("](../../", "](../")


def _code_cell(page: Page, cell: NotebookNode) -> NotebookNode:
    """A code cell with what it shows above its own lines, and with the metadata that we know."""
    own = cell.source.strip("\n")
    show = cell.metadata.get("show", "")
    tags = cell.metadata.get("tags", [])
    try:
        if unknown := sorted(set(cell.metadata) - {"show", "tags", "lines_to_next_cell"}):
            raise WeaveError(f"unknown cell metadata: {', '.join(unknown)}")
        if unknown := [tag for tag in tags if not TAGS.fullmatch(tag)]:
            raise WeaveError(f"unknown tag: {', '.join(unknown)}")
        if re.search(r"# *(NBVAL_|PYTEST_VALIDATE_)", own):
            raise WeaveError("a comment that makes nbval skip a comparison")
        source = "\n\n\n".join(filter(None, [shown(page.text.parent, show), own]))
        if not source:
            raise WeaveError("an empty cell")
    except WeaveError as error:
        where = own.splitlines()[0] if own else f"show={show!r}"
        raise WeaveError(f"{page.name}, cell `{where}`: {error}") from None
    metadata = {**({"show": show} if show else {}), **({"tags": tags} if tags else {})}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


# ---------------------------------------------------------------- outputs


def execute(notebook: NotebookNode, name: str, folder: Path) -> None:
    """Run all cells in a new kernel whose working directory is `folder`, and store what they show.

    Raises WeaveError if a cell fails without the tag raises-exception, or takes longer than CELL_TIMEOUT.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),  # our Python
        timeout=CELL_TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    with tempfile.TemporaryDirectory() as empty:  # no IPython profile of the author's
        # PYTEST_CURRENT_TEST: ipykernel (OutStream) captures file descriptors unless it is set, and nbval sets it.
        env = {**os.environ, "IPYTHONDIR": empty, "PYTEST_CURRENT_TEST": "weave"}
        try:
            client.execute(env=env, stderr=subprocess.DEVNULL)  # ipykernel's start-up remarks
        except CellExecutionError as error:
            plain = re.sub(r"\x1b\[[\d;]*m", "", str(error))
            raise WeaveError(f"{name}: a cell fails\n{plain}") from None
        except CellTimeoutError:
            raise WeaveError(f"{name}: a cell runs longer than {CELL_TIMEOUT} s") from None
    for count, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            output.pop("execution_count", None)
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.output_type == "error":  # a traceback names this machine's folders
                output.traceback = [f"{output.ename}: {output.evalue}"]
        cell.execution_count = count
        cell.metadata.pop("execution", None)
    notebook.metadata = nbformat.from_dict(METADATA)


def verify(notebook: NotebookNode, name: str) -> None:
    """Raise WeaveError for an output that nbval would not notice."""
    for count, cell in enumerate(code_cells(notebook), 1):
        where = f"{name}, cell {count} `{cell.source.splitlines()[-1]}`"
        raised = any(output.output_type == "error" for output in cell.outputs)
        if raised != ("raises-exception" in cell.metadata.get("tags", [])):
            raise WeaveError(f"{where}: an error and the tag raises-exception need each other")
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise WeaveError(f"{where} writes to stderr: {output.text}")
            if str(ROOT) in str(output):
                raise WeaveError(f"{where} shows the path of a folder of this machine")


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def take_outputs(notebook: NotebookNode, old: NotebookNode) -> int:
    """Copy the outputs of `old` to each cell whose code, and all code before it, is the same. Returns how many cells."""
    count = 0
    for cell, earlier in zip(code_cells(notebook), code_cells(old), strict=False):
        if cell.source != earlier.source or earlier.execution_count != count + 1:
            break
        count += 1
        cell.outputs, cell.execution_count = earlier.outputs, count
    return count


def keep_equal(notebook: NotebookNode, old: NotebookNode, same: int) -> None:
    """Give the first `same` code cells their old outputs, and each other cell if nbval calls them equal.

    A diff then shows only what changed. The cells are matched by code.
    """
    before = {cell.source: cell.outputs for cell in reversed(code_cells(old))}
    for place, cell in enumerate(code_cells(notebook)):
        earlier = before.get(cell.source)
        if earlier and (place < same or comparable(earlier) == comparable(cell.outputs)):
            for output in earlier:
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count
            cell.outputs = earlier


def comparable(value):
    """Outputs as nbval compares them: sanitised, without what differs between two runs."""
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if isinstance(value, dict):
        skipped = {"metadata", "traceback", "execution_count"}
        return {key: comparable(value[key]) for key in value if key not in skipped}
    if isinstance(value, str):
        for regex, replacement in sanitizers():
            value = re.sub(regex, replacement, value)
    return value


@cache
def sanitizers() -> list[tuple[str, str]]:
    """The rules of tests/sanitize.cfg, read as nbval reads them: (regex, replacement)."""
    text = (ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
    return re.findall("^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)


# ---------------------------------------------------------------- the verb


def weave(page: Page, run: bool = False) -> str:
    """Write the notebook of a page; execute it if its code has changed, or with `run`. Returns what was done.

    Raises WeaveError.
    """
    notebook, old, before = build(page), nbformat.v4.new_notebook(), ""
    if page.notebook.exists():
        before = page.notebook.read_text(encoding="utf-8")
        old = nbformat.reads(before, as_version=4)
    page.notebook.parent.mkdir(exist_ok=True)
    same = take_outputs(notebook, old)
    executed = run or same < len(code_cells(notebook))
    if executed:
        execute(notebook, page.notebook.name, page.notebook.parent)
        keep_equal(notebook, old, 0 if run else same)
    verify(notebook, page.notebook.name)
    nbformat.validate(notebook)
    after = _written(notebook)
    if after != before:
        page.notebook.write_text(after, encoding="utf-8")
    done = "changed" if after != before else "the same"
    return f"{done}, executed" if executed else done


def stale(page: Page) -> str:
    """Why the notebook is not what its page and its code make; empty if it is. Nothing is run: nbval compares outputs."""
    if not page.notebook.exists():
        return "it does not exist"
    before = page.notebook.read_text(encoding="utf-8")
    wanted, found = build(page), nbformat.reads(before, as_version=4)
    take_outputs(wanted, found)
    for count, (have, want) in enumerate(zip(found.cells, wanted.cells, strict=False), 1):
        if have != want:
            return f"cell {count} `{next(iter(want.source.splitlines()), '')}`"
    return "" if _written(wanted) == before else "another number of cells, or other metadata"


def _written(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook, indent=1) + "\n"


def main(numbers: list[int] | None, check: bool = False, run: bool = False) -> int:
    """Weave the pages of these chapters (None: all) and the index; with `check`, say what is stale.

    With `run`, every notebook is executed. Returns an exit status: 1 if something is wrong, or stale.
    """
    status = 0
    for page in pages():
        if numbers and page.number not in numbers:
            continue
        started = time.perf_counter()
        try:
            reason = stale(page) if check else ""
            done = (f"stale: {reason}" if reason else "fresh") if check else weave(page, run)
        except WeaveError as error:
            done, reason = f"wrong\n  {error}", str(error)
        status = 1 if reason else status
        print(f"{page.notebook.name:36} {time.perf_counter() - started:5.1f} s  {done}", flush=True)
    try:
        changed = index.write(check)
        done = ("stale" if changed else "fresh") if check else "changed" if changed else "the same"
    except ClaimsError as error:
        done, changed, check = f"wrong\n  {error}", True, True
    print(f"{index.PAGE.name:36}          {done}")
    if check and status | changed:
        print("`python -m course weave` writes what is stale.")
    return status | (check and changed)
