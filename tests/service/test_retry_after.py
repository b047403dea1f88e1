"""`Retry-After` is when the next request is let through: a second before it is refused, and then it is not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.model.registry import AgentId, TriggerId
from sayso.model.requesterrors import TooManyGuesses
from sayso.model.workspaces import DEFAULT_WORKSPACE, Scope
from sayso.runtime.triggers import TriggerChange
from sayso.server.guessing import MOST, Guesses
from sayso.testing import FakeClock
from tests.service.served import Served, served

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def limited(it: Served, **limits: int) -> Scope:
    agent = await it.agent_id()
    made = TriggerChange(name="api", settings=dict(limits))
    trigger = await it.service.registry.create_trigger(
        DEFAULT_WORKSPACE, AgentId(agent), made, by=(await it.root()).actor
    )
    return Scope(agent_id=agent, trigger_id=trigger.id)


async def told(client: Any, it: Served) -> tuple[int, str | None, str, str]:
    """Start a run; return the status, and what is said of the limit."""
    answer = await client.post(f"/v1/agents/{await it.agent_id()}/runs", json={})
    said = answer.headers
    if answer.status_code == 429:
        assert answer.json()["details"]["retry_after"] == int(said["Retry-After"])
    return answer.status_code, said.get("Retry-After"), said["RateLimit-Remaining"], said["RateLimit-Reset"]


async def test_the_next_start_is_let_through_when_retry_after_is_over_and_no_earlier(tmp_path: Path) -> None:
    clock = FakeClock()
    async with (
        served(tmp_path, worker=False, clock=clock) as it,
        it.client(key=await it.key(await limited(it, rpmLimit=2))) as client,
    ):
        assert await told(client, it) == (202, None, "1", "60")
        clock.advance(20.5)
        assert await told(client, it) == (202, None, "0", "40")  # the first is counted for 39.5 s more
        clock.advance(9.5)
        assert await told(client, it) == (429, "30", "0", "30")
        clock.advance(29)
        assert await told(client, it) == (429, "1", "0", "1")
        clock.advance(1)
        assert await told(client, it) == (202, None, "0", "21")
        assert await told(client, it) == (429, "21", "0", "21")


async def test_of_two_limits_the_longer_wait_counts(tmp_path: Path) -> None:
    clock = FakeClock()
    async with (
        served(tmp_path, worker=False, clock=clock) as it,
        it.client(key=await it.key(await limited(it, rpmLimit=1, rpdLimit=2))) as client,
    ):
        assert (await told(client, it))[0] == 202
        assert (await told(client, it))[:2] == (429, "60")
        clock.advance(60)
        assert (await told(client, it))[0] == 202
        day = int(timedelta(days=1).total_seconds())
        assert (await told(client, it))[:2] == (429, str(day - 60))
        clock.advance(day - 61)
        assert (await told(client, it))[:2] == (429, "1")
        clock.advance(1)
        assert (await told(client, it))[0] == 202


async def test_a_limit_that_was_lowered_waits_for_all_that_it_counts_too_many(tmp_path: Path) -> None:
    clock = FakeClock()
    async with served(tmp_path, worker=False, clock=clock) as it:
        scope = await limited(it, rpmLimit=3)
        async with it.client(key=await it.key(scope)) as client:
            for _ in range(3):
                assert (await told(client, it))[0] == 202
                clock.advance(10)
            trigger = TriggerId(scope.trigger_id or "")
            change = TriggerChange(settings={"rpmLimit": 1})
            root = await it.root()
            await it.service.registry.edit_trigger(
                DEFAULT_WORKSPACE, AgentId(scope.agent_id or ""), trigger, change, by=root.actor
            )
            assert (await told(client, it))[:2] == (
                429,
                "50",
            )  # the newest of the three, at 20 s, counts
            clock.advance(50)
            assert (await told(client, it))[0] == 202


def test_who_has_guessed_is_told_when_it_is_listened_to_again() -> None:
    clock, guesses = FakeClock(), Guesses()
    for _ in range(MOST):
        guesses.wrong("10.0.0.1", clock.now())
        clock.advance(0.25)
    for passed, wait in ((0, 55), (0.5, 55), (54, 1)):
        clock.advance(passed)
        with pytest.raises(TooManyGuesses) as refused:
            guesses.refuse("10.0.0.1", clock.now())
        assert refused.value.facts["retry_after"] == wait
    clock.advance(0.5)
    guesses.refuse("10.0.0.1", clock.now())
