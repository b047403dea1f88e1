"""Whoever waits for news of a commit never sleeps through it."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from sayso.runtime.news import News


class Bell:
    """A store as `News` knows it: something that can be watched."""

    def __init__(self) -> None:
        self.ring: Callable[[], None] = lambda: None
        self.stopped = 0

    def watch(self, heard: Callable[[], None]) -> Callable[[], None]:
        self.ring = heard

        def stop() -> None:
            self.stopped += 1

        return stop


async def woken(act: Callable[[], None], news: News, heard: int) -> bool:
    waiting = asyncio.create_task(news.wait(heard, seconds=60))
    await asyncio.sleep(0)
    act()
    done, _ = await asyncio.wait({waiting}, timeout=5)
    waiting.cancel()
    return bool(done)


def test_a_commit_between_reading_and_waiting_is_not_slept_through() -> None:
    async def main() -> None:
        bell = Bell()
        news = News(cast("Any", bell))
        heard = news.heard()
        bell.ring()
        assert await woken(lambda: None, news, heard)

    asyncio.run(main())


def test_a_later_commit_and_the_end_wake_those_who_wait() -> None:
    async def main() -> None:
        bell = Bell()
        news = News(cast("Any", bell))
        assert not await asyncio.wait_for(_stays(news), 5)
        assert await woken(bell.ring, news, news.heard())
        assert await woken(news.close, news, news.heard())
        assert bell.stopped == 1

    asyncio.run(main())


async def _stays(news: News) -> bool:
    waiting = asyncio.create_task(news.wait(news.heard(), seconds=60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    over = waiting.done()
    waiting.cancel()
    return over
