"""Following a session: what its journals hold beyond a position, as events, in an order that can be taken up again.

A position is the number of the last entry that was told, per run, in the order in which the runs were created:
`17` or `17,4`. It is the id of an event, so that whoever comes back with one goes on exactly there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sayso.core.timeline import Item, timeline
from sayso.model.errors import Invalid
from sayso.model.ids import RunId, SessionId
from sayso.model.journal import EntryKind
from sayso.model.json import Json
from sayso.model.runs import Run
from sayso.runtime.ports import Store, Transaction

_MOST_RUNS = 10_000
_MOST_ENTRIES = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has become true of a session."""

    kind: str
    """`session`, `run`, `step`, `user_task` or `aitl`."""
    subject: str
    """What exactly, e.g. `engine.step.tool_call`."""
    item: Item
    child: bool
    """Whether it is of a run that another one has started."""
    position: str | None
    """Where to go on after this event; None where another one of the same entry follows."""


def parse(position: str | None) -> list[int]:
    """Return a position's numbers.

    Raises:
        Invalid: It is none that an event carried.
    """
    if not position:
        return []
    parts = position.split(",")
    if len(parts) > _MOST_RUNS or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise Invalid(
            "Expected a Last-Event-ID that an event of this stream carried.", hint="Leave it out to begin anew."
        )
    return [int(part) for part in parts]


class Follower:
    """Reads one session, step by step.

    Args:
        store: The database.
        session_id: The session.
        position: Where to begin.
    """

    def __init__(self, store: Store, session_id: SessionId, position: Sequence[int] = ()) -> None:
        self._store = store
        self._session = session_id
        self._seen: list[int] = list(position)
        self.about: tuple[str, ...] = (session_id,)
        """The session and the runs of it that were there at the last reading: whoever waits, waits for these."""
        self.over = False
        """Whether the end of the session has been told; nothing follows."""

    async def news(self) -> list[Event]:
        """Return what has become true since the last call, in order; nothing where nothing has."""
        return await self._store.read(self._read)

    def _read(self, tx: Transaction) -> list[Event]:
        runs = tx.list_runs(session_id=self._session, program=None, state=None, limit=_MOST_RUNS)[::-1]
        self._seen += [0] * (len(runs) - len(self._seen))
        found = [event for number, run in enumerate(runs) for event in self._of_run(tx, number, run)]
        self.about = (self._session, *(run.id for run in runs))
        roots = [run for run in runs if run.parent_id is None]
        self.over = bool(roots) and all(_told(run, self._seen[runs.index(run)]) for run in roots)
        return found

    def _of_run(self, tx: Transaction, number: int, run: Run) -> list[Event]:
        if run.seq <= self._seen[number]:
            return []
        entries = tx.load_entries(run.id, after=self._seen[number])
        asked = any(entry.kind in {EntryKind.ASKED, EntryKind.DECIDED, EntryKind.STEP} for entry in entries)
        tasks = tx.run_tasks(RunId(run.id), pending_only=False) if asked else []
        events: list[Event] = []
        for item in timeline(run, entries, tasks):
            self._seen[number] = item.sequence
            position = ",".join(map(str, self._seen)) if item.last_of_entry else None
            events += _begins(run, item) if item.sequence == 1 else []
            events.append(
                Event(
                    kind=_kind(item),
                    subject=_subject(item),
                    item=item,
                    child=run.parent_id is not None,
                    position=position,
                )
            )
        if entries:
            self._seen[number] = entries[-1].seq
        return events


def _told(run: Run, seen: int) -> bool:
    return run.state in {"completed", "failed", "cancelled"} and seen >= run.seq


def _begins(run: Run, item: Item) -> list[Event]:
    """Return the events with which a run begins, before its first item."""
    kinds = ["run"] if run.parent_id is not None else ["session", "run"]
    about: dict[str, Json] = {"run_id": run.id, "session_id": run.session_id, "status": "Running"}
    return [
        Event(
            kind=kind,
            subject=f"engine.{kind}.started",
            item=Item(
                run_id=run.id, id=f"{item.id}.{kind}", sequence=item.sequence, type=f"{kind.title()}Started",
                content=about, started_at=item.started_at, finished_at=item.started_at, last_of_entry=False,
            ),
            child=run.parent_id is not None,
            position=None,
        )
        for kind in kinds
    ]  # fmt: skip


_KINDS = {
    "UserTaskReq": "user_task",
    "UserTaskRes": "user_task",
    "UserTaskExtended": "user_task",
    "RunCompleted": "run",
    "SessionCompleted": "session",
}
_SUBJECTS = {
    "RunCompleted": "engine.run.completed",
    "SessionCompleted": "engine.session.completed",
    "SubAgentCall": "engine.subagent.spawned",
}


def _kind(item: Item) -> str:
    return "aitl" if item.type.startswith("AITL") else _KINDS.get(item.type, "step")


def _subject(item: Item) -> str:
    found = _SUBJECTS.get(item.type)
    if found is not None:
        return found
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in item.type).lstrip("_")
    return f"engine.{_kind(item)}.{snake}" if _kind(item) != "step" else f"engine.step.{snake}"
