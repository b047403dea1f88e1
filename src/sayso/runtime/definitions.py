"""Definitions across deploys: refusing one that lost what a run stands on, and recording one that did not."""

import json
from datetime import datetime

from sayso.core.codec import json_bytes
from sayso.core.fingerprint import changes
from sayso.model.errors import DefinitionChanged
from sayso.model.runs import Run
from sayso.programs.context import Program
from sayso.runtime.ports import Store, Transaction
from sayso.runtime.record import Record


async def adopt_definition(
    store: Store, run: Run, record: Record, shape: bytes | None, program: Program, print_: str, now: datetime
) -> None:
    """Let a leased run go on with the definition at hand, and record it where it is another one.

    Raises:
        DefinitionChanged: The definition lost what the run stands on; nothing was changed.
    """
    if run.fingerprint == print_:
        return
    refuse_changes(run, record, shape, program)

    def adopt(tx: Transaction) -> None:
        tx.save_definition(print_, run.program, json_bytes(dict(program.shape())), now=now)
        tx.set_fingerprint(run.id, print_, epoch=run.epoch)

    await store.run(adopt)


def refuse_changes(run: Run, record: Record, shape: bytes | None, program: Program) -> None:
    """Refuse a definition without every step that the run stands on.

    Raises:
        DefinitionChanged: Naming each step that is gone or is something else now.
    """
    stored: dict[str, str] = {} if shape is None else json.loads(shape)
    found = changes(stored, program.shape(), record.used_keys())
    if found:
        raise DefinitionChanged(
            f"Expected the definition of '{run.program}' to still have every step that run {run.id} stands on,"
            f" but {'; '.join(found)}.",
            run_id=run.id,
            changes=found,
        )
