"""Rows of the audit log as JSON and as cells of a table: what an export holds.

The JSON form keeps everything that a row's hash covers, so an export can be checked without the database. Cells of a
table are made safe for spreadsheets, which would otherwise run what looks like a formula.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sayso.core.audit import data_bytes
from sayso.model.actors import Actor
from sayso.model.audit import AuditRow
from sayso.model.errors import UnstorableValue
from sayso.model.json import Json

COLUMNS = (
    "workspace", "seq", "at", "by_type", "by_id", "via", "action", "target", "data", "prev_hash", "hash",
)  # fmt: skip
"""The columns of a table of rows."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula begins; spreadsheets of some languages take the wide forms as well."""


def row_to_json(row: AuditRow) -> dict[str, Json]:
    """Return a row as a JSON object from which `row_from_json` makes the same row."""
    return {
        "workspace": row.workspace_id,
        "seq": row.seq,
        "at": row.at.isoformat(),
        "by": {"type": row.by.type, "id": row.by.id, "via": row.by.via},
        "action": row.action,
        "target": row.target,
        **_data_to_json(row.data),
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    }


def row_from_json(plain: Mapping[str, Any]) -> AuditRow:
    """Return the row of a JSON object.

    Raises:
        ValueError: Something of it is missing, or is not what it should be.
    """
    try:
        data = base64.b64decode(plain["data_base64"]) if "data_base64" in plain else data_bytes(plain["data"])
        return AuditRow(
            workspace_id=plain["workspace"],
            seq=plain["seq"],
            at=datetime.fromisoformat(plain["at"]),
            by=Actor(**plain["by"]),
            action=plain["action"],
            target=plain["target"],
            data=data,
            prev_hash=plain["prev_hash"],
            hash=plain["hash"],
        )
    except (KeyError, TypeError) as exc:
        raise ValueError(f"Expected a row of the audit log, but: {type(exc).__name__}: {exc}.") from exc


def row_to_cells(row: AuditRow) -> list[str]:
    """Return a row as the cells of `COLUMNS`, none of which a spreadsheet takes for a formula."""
    cells = (
        row.workspace_id, str(row.seq), row.at.isoformat(), row.by.type, row.by.id, row.by.via, row.action, row.target,
        row.data.decode("utf-8", "backslashreplace"), row.prev_hash, row.hash,
    )  # fmt: skip
    return [_plain_cell(cell) for cell in cells]


def _plain_cell(text: str) -> str:
    """Return the text, behind an apostrophe where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _data_to_json(data: bytes) -> dict[str, Json]:
    """Return the data as what it says, or in base64 where the very bytes could not be made of that again."""
    try:
        said: Any = json.loads(data)
        if isinstance(said, dict) and data_bytes(cast("dict[str, Any]", said)) == data:
            return {"data": cast("Json", said)}
    except (ValueError, RecursionError, UnstorableValue):
        pass
    return {"data_base64": base64.b64encode(data).decode()}
