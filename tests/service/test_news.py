"""Whoever waits for news of a commit never sleeps through it, and is not woken by what does not concern them."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from sayso.runtime.news import ANYTHING, News
from sayso.stores.driver import sqlite_module
from tests.service.served import served
from tests.service.test_api import pending, start

Ring = Callable[[Collection[str]], None]


class Bell:
    """A store as `News` knows it: something that can be watched."""

    def __init__(self) -> None:
        self.ring: Ring = lambda touched: None
        self.stopped = 0

    def watch(self, heard: Ring) -> Callable[[], None]:
        self.ring = heard

        def stop() -> None:
            self.stopped += 1

        return stop


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def woken(act: Callable[[], None], news: News, heard: int, *about: str) -> bool:
    """Wait for some runs, act, and tell whether that ended the waiting."""
    waiting = asyncio.create_task(news.wait(heard, about or ("run_1",), seconds=60))
    await asyncio.sleep(0)
    act()
    for _ in range(5):  # the turns that a wake-up takes; it does not come later
        await asyncio.sleep(0)
    over = waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return over


@pytest.mark.anyio
async def test_a_commit_between_reading_and_waiting_is_not_slept_through() -> None:
    bell = Bell()
    news = News(cast("Any", bell))
    heard = news.heard()
    bell.ring({"run_1"})
    bell.ring({"run_2"})
    assert await woken(lambda: None, news, heard)
    assert await woken(lambda: None, news, heard, "run_3", "run_2")
    assert not await woken(lambda: None, news, news.heard()), "what was heard of before the reading is no news"


@pytest.mark.anyio
async def test_only_those_whom_a_commit_is_about_are_woken() -> None:
    bell = Bell()
    news = News(cast("Any", bell))
    heard = news.heard()
    bell.ring({"run_2", "ses_2"})
    assert not await woken(lambda: bell.ring({"run_2"}), news, heard)
    assert await woken(lambda: bell.ring({"run_2", "run_1"}), news, news.heard())
    assert await woken(lambda: bell.ring({"ses_1"}), news, news.heard(), "run_1", "ses_1")


@pytest.mark.anyio
async def test_who_waits_for_anything_is_woken_by_every_commit() -> None:
    bell = Bell()
    news = News(cast("Any", bell))
    assert await woken(lambda: bell.ring(set()), news, news.heard(), ANYTHING)
    heard = news.heard()
    bell.ring(set())
    assert await woken(lambda: None, news, heard, ANYTHING)


@pytest.mark.anyio
async def test_who_has_not_listened_for_long_reads_again() -> None:
    bell = Bell()
    news = News(cast("Any", bell))
    heard = news.heard()
    for number in range(10_000):
        bell.ring({f"run_{number + 2}"})
    assert await woken(lambda: None, news, heard)
    assert not await woken(lambda: None, news, news.heard())


@pytest.mark.anyio
async def test_the_end_wakes_everybody_and_nobody_begins_to_wait_after_it() -> None:
    bell = Bell()
    news = News(cast("Any", bell))
    heard = news.heard()
    assert await woken(news.close, news, heard)
    assert await woken(lambda: None, news, heard)
    assert bell.stopped == 1


@pytest.mark.anyio
async def test_a_wait_ends_by_itself_for_the_commits_of_others_and_leaves_nothing_behind() -> None:
    news = News(cast("Any", Bell()))
    await asyncio.wait_for(news.wait(news.heard(), ("run_1", "ses_1"), seconds=0.001), 5)
    assert not vars(news)["_waiting"]


CHANGED = """
CREATE TABLE changed (id TEXT);
CREATE TRIGGER c1 AFTER INSERT ON journal BEGIN INSERT INTO changed VALUES (new.run_id); END;
CREATE TRIGGER c2 AFTER INSERT ON tasks BEGIN INSERT INTO changed VALUES (new.run_id); END;
CREATE TRIGGER c3 AFTER UPDATE OF status ON tasks BEGIN INSERT INTO changed VALUES (new.run_id); END;
CREATE TRIGGER c4 AFTER UPDATE OF seq ON runs WHEN new.seq <> old.seq
    BEGIN INSERT INTO changed VALUES (new.run_id); END;
CREATE TRIGGER c6 AFTER UPDATE OF state ON runs WHEN new.state NOT IN ('queued', 'running')
    BEGIN INSERT INTO changed VALUES (new.run_id || '/rest'); END;
CREATE TRIGGER c5 AFTER INSERT ON runs BEGIN INSERT INTO changed VALUES (new.session_id); END;
"""


@pytest.mark.anyio
async def test_a_commit_tells_of_everything_that_it_changed_for_those_who_wait(tmp_path: Path) -> None:
    """The database itself writes down, by triggers, what each commit has changed; the callback must name all of it."""
    untold: list[str] = []
    commits = [0]
    async with served(tmp_path) as it, it.client(token=await it.token("owner")) as client:
        with closing(sqlite_module().connect(tmp_path / "sayso.db", timeout=20)) as other:
            other.executescript(CHANGED)
        store = cast("Any", it.service.runtime.store)
        connection = vars(store)["_connection"]

        def heard(touched: Collection[str]) -> None:  # on the writer's thread, after each commit
            changed = {row[0] for row in connection.execute("SELECT DISTINCT id FROM changed")}
            connection.execute("DELETE FROM changed")
            commits[0] += bool(changed)
            untold.extend(changed - set(touched))

        stop = store.watch(heard)
        for verdict in (True, False):
            begun = await start(client, it)
            task = await pending(client, begun["runId"])
            await client.post(f"/v1/user-tasks/{task['id']}/claim")
            await client.post(f"/v1/user-tasks/{task['id']}/complete", json={"approved": verdict})
            assert (await client.get(f"/v1/runs/{begun['runId']}?wait=30")).json()["status"] == "Completed"
        for end in ("terminate", "complete"):
            begun = await start(client, it)
            await client.post(f"/v1/sessions/{begun['sessionId']}/{end}", json={})
        flow = (await client.post("/v1/workflows/flow/runs?wait=30", json={"input": "x"})).json()
        await client.post(f"/v1/runs/{flow['runId']}/cancel", json={})
        stop()
    assert commits[0] >= 15
    assert not untold
