"""Branches that run side by side and suspend each for itself.

Each branch is a task. A branch that suspends is out of the way; when news arrives while its siblings still run, it
is begun again, which replays it to where it stood and takes it on from there. The block as a whole comes to rest
when every branch has finished or suspended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

from sayso.programs.context import Suspended

T = TypeVar("T")


class Branches:
    """Runs parallel blocks and rings their suspended branches awake."""

    def __init__(self) -> None:
        self._bells: set[asyncio.Event] = set()

    @property
    def running(self) -> bool:
        """Whether any block runs."""
        return bool(self._bells)

    def ring(self) -> None:
        """Tell every block that something has arrived which a suspended branch may wait for."""
        for bell in self._bells:
            bell.set()

    async def run(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run the branches to rest; see `Context.parallel` for what is promised.

        Raises:
            Suspended: At least one branch waits and none has failed.
        """
        block = _Block(branches)
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            await block.settle(bell)
        finally:
            self._bells.discard(bell)
            await block.stop()
        return block.results()


class _Block:
    """One parallel block while it runs."""

    def __init__(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> None:
        self._branches = branches
        self._values: dict[int, Any] = {}
        self._errors: dict[int, BaseException] = {}
        self._suspended: set[int] = set(range(len(branches)))
        self._running: dict[asyncio.Task[Any], int] = {}

    async def settle(self, bell: asyncio.Event) -> None:
        """Run until every branch has finished, failed or suspended."""
        self._begin_suspended()
        while self._running:
            rung = asyncio.ensure_future(bell.wait())
            try:
                done, _ = await asyncio.wait({*self._running, rung}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                rung.cancel()
            for task in done - {rung}:
                self._take(cast("asyncio.Task[Any]", task))
            if bell.is_set():
                bell.clear()
                self._begin_suspended()

    async def stop(self) -> None:
        """Stop what still runs, when the block is given up."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def results(self) -> list[Any]:
        """Return the values in order, or raise what stands in their way."""
        for number in sorted(self._errors):
            raise self._errors[number]
        if self._suspended:
            raise Suspended
        return [self._values[number] for number in range(len(self._branches))]

    def _begin_suspended(self) -> None:
        for number in sorted(self._suspended):
            self._running[asyncio.ensure_future(_awaited(self._branches[number]))] = number
        self._suspended.clear()

    def _take(self, task: asyncio.Task[Any]) -> None:
        number = self._running.pop(task)
        if task.cancelled():
            self._errors[number] = asyncio.CancelledError()
            return
        error = task.exception()
        if error is None:
            self._values[number] = task.result()
        elif isinstance(error, Suspended):
            self._suspended.add(number)
        else:
            self._errors[number] = error


async def _awaited(branch: Callable[[], Awaitable[Any]]) -> Any:
    return await branch()
