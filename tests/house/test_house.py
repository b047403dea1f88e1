"""The house rules that no linter knows: sizes, names, exports, the error tree, documentation, circles.

What ruff, basedpyright and import-linter can hold is held there (pyproject.toml, .importlinter).
"""

import ast
import graphlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "sayso"
REFERENCE = ROOT / "docs" / "reference"

# What to aim for, and today's largest. A pin above its aim equals today's largest, so that it can only fall.
AIMS = {"file": 500, "class": 300, "function": 50}
PINS = {"file": 500, "class": 300, "function": 56}

MOST_EXPORTS = 30
NAMELESS_MODULES = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"}
PICKLERS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
EVALUATORS = {"eval", "exec"}
MAY_IMPORT_THE_ROOT = ("sayso.cli", "sayso.testing", "sayso.__main__")
NOT_ON_IMPORT = {
    "alembic", "asyncio", "click", "fastapi", "httpx", "jinja2", "prometheus_client", "psycopg", "pydantic",
    "pydantic_ai", "pydantic_settings", "pysqlite3", "rich", "sqlalchemy", "sqlite3", "starlette", "structlog",
    "temporalio", "typer", "uvicorn",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file, class or function and its length in lines."""

    kind: str
    where: str
    lines: int


@cache
def sources() -> dict[Path, ast.Module]:
    """Return every module of the package, parsed."""
    return {path: ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(SRC.rglob("*.py"))}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for path, tree in sources().items():
        for node in ast.walk(tree):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}", node


def lines_of(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length without decorators and docstring: nobody should save on words to fit a limit."""
    first = node.body[0]
    docstring = 0 if ast.get_docstring(node, clean=False) is None else first.end_lineno - first.lineno + 1
    return node.end_lineno - node.lineno + 1 - docstring


def pieces() -> Iterator[Piece]:
    for path in sources():
        lines = len(path.read_text("utf-8").splitlines())
        yield Piece(kind="file", where=str(path.relative_to(ROOT)), lines=lines)
    for where, node in nodes():
        match node:
            case ast.ClassDef():
                yield Piece(kind="class", where=f"{where} {node.name}", lines=lines_of(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Piece(kind="function", where=f"{where} {node.name}", lines=lines_of(node))


def test_the_package_is_found() -> None:
    assert len(sources()) > 10, f"Expected the sources under {SRC}."


@pytest.mark.parametrize("kind", PINS)
def test_nothing_is_larger_than_its_pin(kind: str) -> None:
    too_large = [piece for piece in pieces() if piece.kind == kind and piece.lines > PINS[kind]]
    assert not too_large, f"Expected at most {PINS[kind]} lines. Hint: split it; a pin only falls."


@pytest.mark.parametrize("kind", PINS)
def test_a_pin_above_the_aim_falls_with_the_largest(kind: str) -> None:
    largest = max((piece for piece in pieces() if piece.kind == kind), key=lambda piece: piece.lines)
    lowest = max(AIMS[kind], largest.lines)
    assert PINS[kind] <= lowest, f"The largest {kind} is {largest}. Hint: lower PINS[{kind!r}] to {lowest}."


def test_modules_are_named_after_what_they_answer_for() -> None:
    named = {part for path in sources() for part in path.relative_to(SRC).with_suffix("").parts}
    assert not named & NAMELESS_MODULES


def test_no_notes_are_left_in_the_code() -> None:
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line)
    ]
    assert not left


def imported(node: ast.AST) -> set[str]:
    """Return the top-level names of the packages that a statement imports."""
    match node:
        case ast.Import():
            return {alias.name.partition(".")[0] for alias in node.names}
        case ast.ImportFrom(module=str(module), level=0):
            return {module.partition(".")[0]}
        case _:
            return set()


def test_nothing_is_unpickled() -> None:
    assert not [where for where, node in nodes() if imported(node) & PICKLERS]


def test_nothing_is_evaluated() -> None:
    found = []
    for where, node in nodes():
        match node:
            case (
                ast.Call(func=ast.Name(id=name))
                | ast.Call(func=ast.Attribute(value=ast.Name(id="builtins"), attr=name))
            ) if name in EVALUATORS:
                found.append(f"{where} {name}")
    assert not found


def test_the_root_exports_few_names_and_each_exists() -> None:
    import sayso

    assert len(set(sayso.__all__)) == len(sayso.__all__) <= MOST_EXPORTS
    assert not [name for name in sayso.__all__ if not hasattr(sayso, name)]


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys; before = set(sys.modules); import sayso; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "sayso" in loaded
    assert not loaded & NOT_ON_IMPORT


@cache
def import_graph() -> grimp.ImportGraph:
    """Return who imports whom, imports inside functions and under TYPE_CHECKING included."""
    return grimp.build_graph("sayso", cache_dir=None)


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    """Hold single modules, package roots included, to what import-linter holds packages to."""
    graph = import_graph()
    sorter = graphlib.TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    try:
        sorter.prepare()
    except graphlib.CycleError as circle:
        pytest.fail("Imported in a circle: " + " <- ".join(circle.args[1]))


def test_no_room_imports_the_package_root() -> None:
    """The root names everything lazily: a room that imports it closes a circle that no tool can see."""
    importers = import_graph().find_modules_that_directly_import("sayso")
    assert not {name for name in importers if not name.startswith(MAY_IMPORT_THE_ROOT)}


def errors() -> list[type]:
    """Return the whole tree of `SaysoError`, base first."""
    from sayso.model import directoryerrors, registryerrors, requesterrors
    from sayso.model import errors as module

    parts = (module, directoryerrors, registryerrors, requesterrors)
    found = {name: cls for part in parts for name, cls in vars(part).items()}.values()
    return [cls for cls in found if inspect.isclass(cls) and issubclass(cls, module.SaysoError)]


def leaves() -> list[type]:
    tree = errors()
    return [cls for cls in tree if not any(cls in other.__bases__ for other in tree)]


def test_the_tree_of_errors_is_drawn_and_documented() -> None:
    from sayso.model import errors as module

    page = (REFERENCE / "errors.md").read_text("utf-8")
    drawn, documented = (set(re.findall(r"\w+", text)) for text in (module.__doc__ or "", page))
    assert not [cls.__name__ for cls in errors() if cls.__name__ not in drawn]
    assert not [cls.__name__ for cls in leaves() if not {cls.__name__, vars(cls).get("code")} <= documented]


def test_each_error_says_what_it_is_and_what_to_do() -> None:
    from sayso.model.errors import SaysoError

    found = leaves()
    codes = [vars(cls).get("code") for cls in found]
    assert found
    assert all(isinstance(code, str) and re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", code) for code in codes), codes
    assert len(set(codes)) == len(codes), "Expected every leaf to have a code of its own."
    assert not [cls for cls in found if not 400 <= cls.status <= 599]
    assert not [cls for cls in found if not isinstance(cls.hint, str) or cls.hint in {"", SaysoError.hint}]


def test_errors_have_one_home() -> None:
    names = {cls.__name__ for cls in errors()}
    elsewhere = [
        f"{where} {node.name}"
        for where, node in nodes()
        if isinstance(node, ast.ClassDef)
        and not re.match(r"src/sayso/(model/\w*|client/)errors\.py", where)
        and any(ast.unparse(base).rpartition(".")[2] in names for base in node.bases)
    ]
    assert not elsewhere, "Expected every error in model/, where the tree is drawn, or with what the client raises."


def commands(command: object, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the words of every command below a group, hidden ones left out."""
    for name, child in getattr(command, "commands", {}).items():
        if child.hidden:
            continue
        if not getattr(child, "commands", None):
            yield " ".join((*path, name))
        yield from commands(child, (*path, name))


def test_every_command_is_documented() -> None:
    from typer.main import get_command

    from sayso.cli import app

    page = (REFERENCE / "cli.md").read_text("utf-8")
    known = list(commands(get_command(app), ("sayso",)))
    assert known
    assert not [words for words in known if not re.search(rf"{words}(?![\w-])", page)]
