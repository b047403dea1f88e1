"""The part of a listing that keeps to somebody's reach: a workspace, and in it programs, some with one trigger."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.sql import Select

from sayso.model.workspaces import Reach
from sayso.stores.schema import runs
from sayso.stores.statements import ONE, P

_root = runs.alias("root")


@dataclass(frozen=True, slots=True)
class Reaching:
    """A reach as conditions and parameters.

    Args:
        reach: Whose; None for all of the database.
        tasks: Whether the rows are tasks, which some triggers hide from keys.
    """

    reach: Reach | None
    tasks: bool = False

    @property
    def shape(self) -> str:
        """What the conditions depend on, besides the parameters."""
        if self.reach is None:
            return "all"
        named = ["trigger" if trigger is not None else "program" for _, trigger in self._pairs()]
        shown = f" of {len(self._shown())} triggers" if self.tasks else ""
        return f"workspace {named}{shown}" if self.reach.programs is not None else "workspace"

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the conditions."""
        if self.reach is None:
            return {}
        values: dict[str, Any] = {"workspace_id": self.reach.workspace_id}
        for number, (program, trigger) in enumerate(self._pairs()):
            values[f"program_{number}"] = program
            if trigger is not None:
                values[f"trigger_{number}"] = trigger
        values |= {f"shown_{number}": trigger for number, trigger in enumerate(self._shown())}
        return values

    def applied(self, query: Select[Any], rows: Any) -> Select[Any]:
        """Return a query over rows with a session and a workspace, kept to what is reached."""
        if self.reach is None:
            return query
        query = query.where(rows.c.workspace_id == P("workspace_id"))
        return query if self.reach.programs is None else query.where(self._begun(rows))

    def _begun(self, rows: Any) -> ColumnElement[bool]:
        """Tell whether the session of a row began with one of the programs (and triggers)."""
        any_of = [
            and_(
                _root.c.program == P(f"program_{number}"),
                *([] if trigger is None else [_root.c.trigger_id == P(f"trigger_{number}")]),
            )
            for number, (_, trigger) in enumerate(self._pairs())
        ]
        if not any_of:
            return false()
        rooted = and_(_root.c.session_id == rows.c.session_id, _root.c.parent_id.is_(None))
        shown = [_root.c.trigger_id == P(f"shown_{number}") for number, _ in enumerate(self._shown())]
        seen = [or_(_root.c.trigger_id.is_(None), *shown)] if self.tasks else []
        return exists(select(ONE).where(rooted, or_(*any_of), *seen))

    def _pairs(self) -> list[tuple[str, str | None]]:
        return sorted((self.reach and self.reach.programs) or (), key=str)

    def _shown(self) -> list[str]:
        return sorted((self.tasks and self.reach and self.reach.shown) or ())
