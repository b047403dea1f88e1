"""The audit log of a file."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sayso.cli.local.bench import Bench
from sayso.core.audit import Checked
from sayso.model.audit import AuditFilter, AuditRow
from sayso.model.ids import SessionId
from sayso.model.workspaces import DEFAULT_WORKSPACE, WorkspaceId
from sayso.runtime.auditlog import check_chain, exported, newest
from sayso.runtime.evidence import evidence
from sayso.runtime.ports import Transaction


class FileLog:
    """See `cli.desk.AuditLog`."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def verify(self, workspace: str | None, anchor: tuple[int, str] | None) -> Mapping[str, Checked]:
        """See the port; an anchor without a workspace is of the default one."""
        one = workspace or (None if anchor is None else DEFAULT_WORKSPACE)

        def chains(tx: Transaction) -> dict[str, Checked]:
            names = tx.audit.workspaces() or [DEFAULT_WORKSPACE] if one is None else [WorkspaceId(one)]
            return {name: check_chain(tx, name, anchor) for name in names}

        return self._bench.do(self._bench.runtime.store.read(chains))

    def newest(self, workspace: str | None, limit: int) -> Sequence[AuditRow]:
        """See the port."""
        return self._bench.do(self._bench.runtime.store.read(lambda tx: newest(tx, _named(workspace), limit)))

    def export(
        self, workspace: str | None, *, since: datetime | None, action: str | None, write: Callable[[AuditRow], object]
    ) -> int:
        """See the port."""

        async def work() -> int:
            count, wanted = 0, AuditFilter(since=since, action=action)
            async for row in exported(self._bench.runtime.store, _named(workspace), wanted):
                write(row)
                count += 1
            return count

        return self._bench.do(work())

    def evidence(self, session_id: str) -> dict[str, Any]:
        """See the port."""
        return self._bench.do(evidence(self._bench.runtime, SessionId(session_id)))


def _named(workspace: str | None) -> WorkspaceId:
    return DEFAULT_WORKSPACE if workspace is None else WorkspaceId(workspace)
