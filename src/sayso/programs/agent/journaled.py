"""What is journaled of an agent's work, and nothing beyond it: a context that answers and performs nothing.

An agent whose time is over goes through it, so that what it has said and used can be shown, and its sum stays the
same on every replay. Whatever is new suspends: no model is asked, no call starts, no question is opened.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar

from sayso.core.confiding import Vault
from sayso.model.calls import CallResult
from sayso.model.decisions import Outcome
from sayso.model.ids import RunId, SessionId
from sayso.model.messages import Usage
from sayso.model.runs import Spent, StatePatch
from sayso.model.tasks import TaskSpec
from sayso.programs.context import Announce, CallPlan, ChildSpec, Context, Suspended

T = TypeVar("T")


class Journaled:
    """Answers the `Context` port from what another context has in its journal.

    Args:
        ctx: The other context.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    @property
    def run_id(self) -> RunId:
        """See the port."""
        return self._ctx.run_id

    @property
    def session_id(self) -> SessionId:
        """See the port."""
        return self._ctx.session_id

    @property
    def listening(self) -> bool:
        """See the port; nothing of this is news."""
        return False

    def has(self, key: str) -> bool:
        """See the port."""
        return self._ctx.has(key)

    async def step(self, key: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """See the port."""
        self._known(key)
        return await self._ctx.step(key, effect)

    async def ask(self, key: str, spec: TaskSpec, announce: Announce | None = None) -> Outcome:
        """See the port."""
        del announce
        self._known(key)
        return await self._ctx.ask(key, spec)

    async def vault(self) -> Vault | None:
        """See the port; nothing is opened to look at what is journaled."""
        return None

    async def call(self, key: str, plan: CallPlan) -> CallResult:
        """See the port."""
        self._known(key)
        return await self._ctx.call(key, plan)

    async def spawn(self, key: str, child: ChildSpec) -> Any:
        """See the port."""
        self._known(key)
        return await self._ctx.spawn(key, child)

    async def sleep(self, key: str, until: datetime) -> str | None:
        """See the port."""
        self._known(key)
        return await self._ctx.sleep(key, until)

    async def now(self, key: str) -> datetime:
        """See the port."""
        self._known(key)
        return await self._ctx.now(key)

    async def emit(self, key: str, event: Any) -> None:
        """See the port."""
        self._known(key)
        await self._ctx.emit(key, event)

    def announce(self, event: Any) -> None:
        """See the port; nobody is told."""

    async def read_state(self) -> dict[str, Any]:
        """See the port; it serves new effects only."""
        self._refuse()

    def merge_state(self, patch: StatePatch) -> None:
        """See the port; nothing is changed."""

    def count(self, usage: Usage) -> None:
        """See the port; nothing is added."""

    async def spent(self) -> Spent:
        """See the port; it serves new effects only."""
        self._refuse()

    async def waited(self, key: str) -> timedelta:
        """See the port."""
        self._known(key)
        return await self._ctx.waited(key)

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """See the port."""
        return await self._ctx.parallel(branches)

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """See the port; user code is an effect."""
        del function, args
        self._refuse()

    def _known(self, key: str) -> None:
        if not self._ctx.has(key):
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise Suspended
