"""The secrets of runs: the one place where a secret argument is kept, in the clear."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ClauseElement, select

from sayso.core.codec import json_bytes
from sayso.model.ids import RunId
from sayso.model.json import Json
from sayso.stores.schema import confided
from sayso.stores.statements import P, insert_new

STATEMENTS: Mapping[str, ClauseElement | Mapping[str, ClauseElement]] = {
    "confide": insert_new(confided, "run_id", "ref"),
    "confided_of": select(confided.c.ref, confided.c.value).where(confided.c.run_id == P("run_id")),
}


class ConfidedRows:
    """The part of a transaction that keeps and reads secrets.

    Args:
        change: Runs a changing statement by name, and returns how many rows it changed.
        all_: Runs a selecting statement by name, and returns its rows.
    """

    def __init__(self, change: Callable[..., int], all_: Callable[..., list[Any]]) -> None:
        self._change = change
        self._all = all_

    def keep(self, run_id: RunId, values: Mapping[str, Json]) -> None:
        """See the port."""
        for ref, value in values.items():
            self._change("confide", run_id=run_id, ref=ref, value=json_bytes(value))

    def of_run(self, run_id: RunId) -> dict[str, Json]:
        """See the port."""
        return {ref: json.loads(value) for ref, value in self._all("confided_of", run_id=run_id)}
