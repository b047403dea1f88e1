"""Whether a run lies within somebody's reach: in the workspace, and of a session that an allowed program began.

Within reach, a trigger that does not expose the timeline hides steps and tasks from keys.
"""

from collections.abc import Iterable

from sayso.model.errors import RunNotFound
from sayso.model.ids import RunId
from sayso.model.registry import AgentId
from sayso.model.requesterrors import OutOfScope
from sayso.model.runs import Run
from sayso.model.workspaces import Reach, Scope, WorkspaceId
from sayso.runtime.ports import Transaction


def reach_of_key(tx: Transaction, workspace_id: WorkspaceId, scopes: Iterable[Scope]) -> Reach:
    """Return what a key with these scopes reaches, and of which triggers it sees the steps."""
    programs: set[tuple[str, str | None]] = set()
    shown: set[str] = set()
    for scope in scopes:
        found = tx.registry.find_agent(workspace_id, AgentId(scope.agent_id))
        if found is not None:
            programs.add((found.program, scope.trigger_id))
            shown |= {item.id for item in tx.registry.list_triggers(found.id) if item.settings.expose_timeline}
    return Reach(workspace_id=workspace_id, programs=frozenset(programs), shown=frozenset(shown))


def reached(tx: Transaction, run_id: RunId, reach: Reach) -> Run:
    """Return a run.

    Raises:
        RunNotFound: There is none in the workspace.
        OutOfScope: There is, but the key does not reach it.
    """
    run = tx.find_run(run_id)
    if run is None or run.origin.workspace_id != reach.workspace_id:
        raise RunNotFound(f"Expected a run {run_id}, but there is none.", run_id=run_id)
    refuse_beyond(tx, reach, run)
    return run


def refuse_beyond(tx: Transaction, reach: Reach, run: Run) -> None:
    """Refuse a run of the workspace that a key does not reach; a child run is reached by whoever reaches its root.

    Raises:
        OutOfScope: It does not.
    """
    if reach.programs is None:
        return
    root: Run | None = run
    while root is not None and root.parent_id is not None:
        root = tx.find_run(root.parent_id)
    if root is None or not {(root.program, None), (root.program, root.origin.trigger_id)} & reach.programs:
        raise OutOfScope(f"Expected a key whose scopes reach run {run.id}, but this one's do not.", run_id=run.id)


def refuse_hidden(reach: Reach, run: Run) -> None:
    """Refuse a task of a run whose trigger hides tasks from keys: what may not be seen is not decided either.

    Raises:
        OutOfScope: It does.
    """
    if not reach.shows(run.origin.trigger_id):
        raise OutOfScope(
            f"Expected a trigger that exposes the tasks of run {run.id} to keys, but its trigger hides them.",
            run_id=run.id,
        )
