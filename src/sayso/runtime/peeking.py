"""Looking at a run: replay without doing anything, to see how far it has come."""

from sayso.core.codec import from_json
from sayso.model.errors import UnreadableValue
from sayso.model.ids import RunId
from sayso.programs.context import Produced, Signal
from sayso.runtime.definitions import Programs, refuse_changes
from sayso.runtime.ports import Ids, Secrets
from sayso.runtime.reading import Reader
from sayso.runtime.record import Record
from sayso.runtime.replay import ReplayContext
from sayso.runtime.runner import Rest


async def peek(reader: Reader, programs: Programs, ids: Ids, run_id: RunId, secrets: Secrets) -> Rest:
    """Return where a run stands.

    Raises:
        RunNotFound: No such run.
        DefinitionChanged: The definition at hand does not fit the run.
        UnreadableValue: A stored value cannot be restored by this code.
    """
    run, entries = await reader.load_run_with_entries(run_id)
    record = Record(run_id).fold(entries)
    program, print_ = programs.find(run.program)
    if print_ != run.fingerprint:
        shape = await reader.store.read(lambda tx: tx.find_definition(run.fingerprint))
        refuse_changes(run, record, shape, program)
    execution = program.execution()
    context = ReplayContext(
        run,
        record,
        clock=reader.clock,
        ids=ids,
        commits=None,
        listening=False,
        fingerprint_of=programs.fingerprint_of,
        secrets=secrets,
    )
    output, failure = None, None
    try:
        output = await execution.run(context, from_json(record.started))
        output = output.value if isinstance(output, Produced) else output
    except Signal:
        output = None
    except UnreadableValue:
        raise
    except Exception as exc:  # noqa: BLE001 - how the run failed
        failure = exc
    reason = None if record.finished is None else record.finished.get("cancelled")
    return Rest(
        run=run, state=run.state, record=record, execution=execution, output=output, failure=failure, reason=reason
    )
