"""Agents and workflows of code, by `module:attribute` or `path.py:attribute`."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from sayso.app.agent import Agent
from sayso.app.workflow import Workflow
from sayso.model.errors import Invalid


def load(target: str) -> list[Workflow | Agent]:
    """Return the workflows and agents of `module:attribute` or `path.py:attribute`.

    Raises:
        Invalid: It cannot be imported, or is neither.
    """
    where, colon, attribute = target.rpartition(":")
    if not colon:
        raise Invalid(f"Expected module:attribute or path.py:attribute, but got {target!r}.")
    module = _file(Path(where)) if where.endswith(".py") else _module(where)
    given: Any = getattr(module, attribute, None)
    items = list(cast("list[Any]", given)) if isinstance(given, list | tuple) else [given]
    found = [item for item in items if isinstance(item, Workflow | Agent)]
    if not found or len(found) != len(items):
        raise Invalid(f"Expected '{attribute}' of {where} to be a Workflow, an Agent or a list of them, but it is not.")
    return found


def _module(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise Invalid(f"Expected to import '{name}', but: {exc}.") from exc


def _file(path: Path) -> ModuleType:
    """Import a file under its own name, so that stored dataclasses are found again under it."""
    if not path.is_file():
        raise Invalid(f"Expected a Python file at {path}, but there is none.")
    sys.path.insert(0, str(path.resolve().parent))
    return _module(path.stem)
