"""The secrets of runs: the one place where a secret argument is kept, in the clear."""

import json
from collections.abc import Mapping

from sqlalchemy import ClauseElement, select

from sayso.core.codec import json_bytes
from sayso.model.ids import RunId
from sayso.model.json import Json
from sayso.stores.cursors import Rows
from sayso.stores.schema import confided
from sayso.stores.statements import P, insert_new

STATEMENTS: Mapping[str, ClauseElement | Mapping[str, ClauseElement]] = {
    "confide": insert_new(confided, "run_id", "ref"),
    "confided_of": select(confided.c.ref, confided.c.value).where(confided.c.run_id == P("run_id")),
}


class ConfidedRows(Rows):
    """The part of a transaction that keeps and reads secrets."""

    def keep(self, run_id: RunId, values: Mapping[str, Json]) -> None:
        """See the port."""
        for ref, value in values.items():
            self._change("confide", run_id=run_id, ref=ref, value=json_bytes(value))

    def of_run(self, run_id: RunId) -> dict[str, Json]:
        """See the port."""
        return {ref: json.loads(value) for ref, value in self._all("confided_of", run_id=run_id)}
