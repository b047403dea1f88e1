"""Which kinds of tasks a key may complete: those of every key, and those that the trigger of a run names."""

from collections.abc import Iterable, Mapping

from sayso.core.completions import BY_KEYS
from sayso.model.ids import RunId
from sayso.model.registry import TriggerId
from sayso.model.runs import Run
from sayso.model.tasks import UserTask
from sayso.runtime.ports import Transaction


def by_keys(tx: Transaction, run: Run) -> frozenset[str]:
    """Return the kinds of a run's tasks that a key may complete; a child run counts as what began its session does."""
    trigger = None if run.origin.trigger_id is None else tx.registry.find_trigger(TriggerId(run.origin.trigger_id))
    return BY_KEYS if trigger is None else BY_KEYS | set(trigger.settings.api_completable_kinds)


def by_keys_of(tx: Transaction, tasks: Iterable[UserTask]) -> Mapping[RunId, frozenset[str]]:
    """Return the same of the runs of some tasks."""
    runs = [tx.find_run(run_id) for run_id in dict.fromkeys(task.run_id for task in tasks)]
    return {run.id: by_keys(tx, run) for run in runs if run is not None}
