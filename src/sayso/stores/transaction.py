"""The runtime's `Transaction` port over a driver's cursor: rows in, values out.

One object serves one thread's connection for its whole life. It decides nothing: conditions are in the statements,
and what a refusal means is the caller's business.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sayso.core.instants import from_micros, some_micros, to_micros
from sayso.model.ids import RunId, SessionId, WorkerId
from sayso.model.journal import Entry, EntryKind, NewEntry
from sayso.model.messages import Usage
from sayso.model.runs import Applied, NewRun, Run, RunFilter, RunPage, RunState, Transition, rest_of
from sayso.stores.audit import AuditRows
from sayso.stores.calls import CallRows
from sayso.stores.confided import ConfidedRows
from sayso.stores.credentials import CredentialRows
from sayso.stores.cursors import Cursor
from sayso.stores.directory import DirectoryRows
from sayso.stores.evidence import EvidenceRows
from sayso.stores.listings import Listings
from sayso.stores.measures import MeasureRows
from sayso.stores.registry import RegistryRows
from sayso.stores.requests import RequestRows
from sayso.stores.reviews import ReviewRows
from sayso.stores.rows import entry_of, nano_of, run_of
from sayso.stores.sessions import SessionRows
from sayso.stores.tasks import TaskRows

_MICROSECOND = timedelta(microseconds=1)


class SqlTransaction(TaskRows):
    """Answers the `Transaction` port with compiled statements."""

    def __init__(self, cursor: Cursor, sql: Mapping[str, str], listings: Listings) -> None:
        super().__init__(cursor, sql, listings)
        self.calls = CallRows(self._change, self._all)
        """See the port."""
        self.audit = AuditRows(self._change, self._all)
        """See the port."""
        self.confided = ConfidedRows(self._change, self._all)
        """See the port."""
        self.requests = RequestRows(self._change, self._all)
        """See the port."""
        self.registry = RegistryRows(self._change, self._all)
        """See the port."""
        self.directory = DirectoryRows(self._change, self._all)
        """See the port."""
        self.credentials = CredentialRows(self._change, self._all)
        """See the port."""
        self.evidence = EvidenceRows(self._all)
        """See the port."""
        self.reviews = ReviewRows(self._change, self._all, self._text, listings.reviews)
        """See the port."""
        self.measures = MeasureRows(self._all)
        """See the port."""
        self.sessions = SessionRows(self._change, self._all, self._text, listings)
        """See the port."""

    # -- runs --------------------------------------------------------------------------------------------

    def insert_run(self, run: NewRun, *, now: datetime, owner: WorkerId | None, ready_at: datetime | None) -> bool:
        """See the port."""
        at = to_micros(now)
        created = self._change(
            "insert_run",
            run_id=run.id,
            session_id=run.session_id,
            program=run.program,
            fingerprint=run.fingerprint,
            state=RunState.QUEUED if owner is None else RunState.RUNNING,
            epoch=0 if owner is None else 1,
            seq=1,
            owner=owner,
            ready_at=at if ready_at is None else to_micros(ready_at),
            parent_id=run.parent_id,
            parent_key=run.parent_key,
            problem=None,
            created_at=at,
            updated_at=at,
            version=run.origin.version,
            input_tokens=0,
            output_tokens=0,
            cost_nano=None,
            active_us=0,
            workspace_id=run.origin.workspace_id,
            version_id=run.origin.version_id,
            trigger_type=run.origin.trigger_type,
            trigger_id=run.origin.trigger_id,
            started_by=run.origin.started_by,
        )
        if created == 1:
            self._touched.add(run.session_id)
            self._insert_entries(run.id, 0, [NewEntry("", EntryKind.STARTED, now, run.started)])
        return created == 1

    def find_run(self, run_id: RunId) -> Run | None:
        """See the port."""
        row = self._one("find_run", run_id=run_id)
        return None if row is None else run_of(row)

    def list_children(self, run_id: RunId) -> list[Run]:
        """See the port."""
        return [run_of(row) for row in self._all("children", run_id=run_id)]

    def list_runs(
        self, *, session_id: SessionId | None, program: str | None, state: RunState | None, limit: int
    ) -> list[Run]:
        """See the port."""
        wanted = RunFilter(session_id=session_id, program=program, state=state)
        return self._runs(*self._listings.runs(wanted, limit=limit))

    def page_runs(self, wanted: RunFilter, *, limit: int, cursor: str | None) -> RunPage:
        """See the port."""
        found = self._runs(*self._listings.runs(wanted, limit=limit + 1, cursor=cursor))
        more = self._listings.cursor_of(found[limit - 1]) if len(found) > limit else None
        return RunPage(runs=tuple(found[:limit]), next_cursor=more)

    def _runs(self, sql: str, parameters: Mapping[str, Any]) -> list[Run]:
        self._cursor.execute(sql, parameters)
        return [run_of(row) for row in self._cursor.fetchall()]

    def claim_run(self, run_id: RunId, *, owner: WorkerId, now: datetime, until: datetime) -> Run | None:
        """See the port."""
        row = self._one("claim_run", run_id=run_id, owner=owner, now=to_micros(now), until=to_micros(until))
        return None if row is None else run_of(row)

    def ready_runs(self, programs: Sequence[str], *, now: datetime, limit: int) -> list[RunId]:
        """See the port."""
        at = to_micros(now)
        return [
            RunId(row[0])
            for program in programs
            for row in self._all("ready_runs", program=program, now=at, limit=limit)
        ][:limit]

    def next_ready_at(self, programs: Sequence[str]) -> datetime | None:
        """See the port."""
        rows = [self._one("next_ready_at", program=program) for program in programs]
        times = [row[0] for row in rows if row is not None]
        return from_micros(min(times)) if times else None

    def apply(self, transition: Transition) -> Applied | None:
        """See the port."""
        self._touch(transition.run_id, rests=transition.end is not None)
        count = len(transition.entries)
        now, active = to_micros(transition.now), transition.active // _MICROSECOND
        if transition.end is None:
            row = self._one(
                "advance_run", run_id=transition.run_id, epoch=transition.epoch, n=count, now=now, active=active
            )
        else:
            ready_at = some_micros(transition.ready_at)
            row = self._one(
                "rest_run",
                run_id=transition.run_id,
                epoch=transition.epoch,
                known_seq=transition.known_seq,
                n=count,
                end=transition.end,
                ready_at=ready_at,
                now=now,
                active=active,
            )
        if row is None:
            return None
        seq: int = row[0]
        self._insert_entries(transition.run_id, seq - count, transition.entries)
        return Applied(seq=seq, news=seq - count != transition.known_seq)

    def count_usage(self, run_id: RunId, usage: Usage, *, epoch: int) -> None:
        """See the port."""
        self._change(
            "count_usage",
            run_id=run_id,
            epoch=epoch,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
        )
        if usage.cost is not None:
            self._change("count_cost", run_id=run_id, epoch=epoch, cost_nano=nano_of(usage.cost))

    def started_since(self, trigger_id: str, *, since: datetime) -> int:
        """See the port."""
        return self._one("started_since", trigger_id=trigger_id, since=to_micros(since))[0]

    def started_before(self, trigger_id: str, *, since: datetime, beyond: int) -> datetime | None:
        """See the port."""
        row = self._one("started_before", trigger_id=trigger_id, since=to_micros(since), beyond=beyond)
        return None if row is None else from_micros(row[0])

    def at_work(self, trigger_id: str) -> int:
        """See the port."""
        return self._one("at_work", trigger_id=trigger_id)[0]

    def renew_lease(self, run_id: RunId, *, epoch: int, until: datetime) -> int | None:
        """See the port."""
        row = self._one("renew_lease", run_id=run_id, epoch=epoch, until=to_micros(until))
        return None if row is None else row[0]

    def wake_run(self, run_id: RunId, entries: Sequence[NewEntry], *, now: datetime) -> RunState | None:
        """See the port."""
        self._touched.add(run_id)
        row = self._one("wake_run", run_id=run_id, n=len(entries), now=to_micros(now))
        if row is None:
            return None
        self._insert_entries(run_id, row[0] - len(entries), entries)
        return RunState(row[1])

    def postpone_run(
        self, run_id: RunId, entry: NewEntry, *, due: datetime, until: datetime | None, now: datetime
    ) -> bool:
        """See the port."""
        at = {"due": to_micros(due), "until": some_micros(until), "now": to_micros(now)}
        row = self._one("postpone_run", run_id=run_id, **at)
        if row is not None:
            self._insert_entries(run_id, row[0] - 1, [entry])
        return row is not None

    def end_run(self, run_id: RunId, entries: Sequence[NewEntry], state: RunState, *, now: datetime) -> bool:
        """See the port."""
        self._touch(run_id, rests=True)
        row = self._one("end_run", run_id=run_id, n=len(entries), end=state, now=to_micros(now))
        if row is not None:
            self._insert_entries(run_id, row[0] - len(entries), entries)
        return row is not None

    def release_run(
        self, run_id: RunId, state: RunState, *, problem: str | None, epoch: int, now: datetime, retry_at: datetime
    ) -> None:
        """See the port."""
        self._touch(run_id, rests=True)
        self._change(
            "release_run",
            run_id=run_id,
            epoch=epoch,
            state=state,
            problem=problem,
            retry_at=to_micros(retry_at),
            now=to_micros(now),
        )

    def set_fingerprint(self, run_id: RunId, fingerprint: str, *, epoch: int) -> None:
        """See the port."""
        self._change("set_fingerprint", run_id=run_id, epoch=epoch, fingerprint=fingerprint)

    def _touch(self, run_id: RunId, *, rests: bool) -> None:
        self._touched |= {run_id, rest_of(run_id)} if rests else {run_id}

    # -- journal -----------------------------------------------------------------------------------------

    def load_entries(self, run_id: RunId, *, after: int) -> list[Entry]:
        """See the port."""
        return [entry_of(run_id, row) for row in self._all("load_entries", run_id=run_id, after=after)]

    def _insert_entries(self, run_id: RunId, base: int, entries: Sequence[NewEntry]) -> None:
        if not entries:
            return
        self._touched.add(run_id)
        rows = [self._entry_row(run_id, base + number, entry) for number, entry in enumerate(entries, 1)]
        if len(rows) == 1:
            self._cursor.execute(self._sql["insert_entry"], rows[0])
        else:
            self._cursor.executemany(self._sql["insert_entry"], rows)

    def _entry_row(self, run_id: RunId, seq: int, entry: NewEntry) -> dict[str, Any]:
        data, blob = self._body(run_id, entry.data)
        return {
            "run_id": run_id,
            "seq": seq,
            "key": entry.key,
            "kind": entry.kind,
            "at": to_micros(entry.at),
            "data": data,
            "blob": blob,
        }

    # -- definitions -------------------------------------------------------------------------------------

    def save_definition(self, fingerprint: str, program: str, shape: bytes, *, now: datetime) -> None:
        """See the port."""
        self._change(
            "insert_definition", fingerprint=fingerprint, program=program, shape=shape, created_at=to_micros(now)
        )

    def find_definition(self, fingerprint: str) -> bytes | None:
        """See the port."""
        row = self._one("find_definition", fingerprint=fingerprint)
        return None if row is None else row[0]
