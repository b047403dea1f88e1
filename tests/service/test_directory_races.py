"""Two who want the same thing at once, on threads and in processes: one gets it, and the rest are told so."""

import asyncio
import multiprocessing as mp
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sayso.app.clock import SystemClock, SystemIds, SystemSecrets
from sayso.model.directoryerrors import LastOwner, Unauthenticated
from sayso.model.errors import SaysoError
from sayso.model.workspaces import PersonId
from sayso.runtime.directory import Directory
from sayso.stores.sqlite import SqliteStore
from tests.service.world import World

_THREADS = 4
_ROUNDS = 25
_PROCESSES = 3

Work = Callable[[int], Coroutine[Any, Any, Any]]


def _at_once(work: Work) -> Counter[str]:
    """Run the same work on several threads, each with its own event loop, as near together as can be."""
    barrier, outcomes = threading.Barrier(_THREADS), list[str]()

    def run(number: int) -> None:
        async def together() -> str:
            barrier.wait(30)
            try:
                await work(number)
            except SaysoError as exc:
                return exc.code
            return "done"

        outcomes.append(asyncio.run(together()))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return Counter(outcomes)


def test_a_link_that_several_threads_use_signs_one_in(world: World) -> None:
    for _ in range(_ROUNDS):
        text = world.do(world.directory.first_link("ana")).text
        found = _at_once(lambda _, text=text: world.directory.sign_in.by_link(text))
        assert found == {"done": 1, "unauthenticated": _THREADS - 1}


def test_an_invitation_that_several_threads_accept_makes_one_member(world: World) -> None:
    for number in range(_ROUNDS):
        email = f"new{number}@example.com"
        text = world.do(world.directory.invitations.create(world.local, email=email, role="operator")).text
        found = _at_once(lambda _, text=text: world.directory.invitations.accept(text))
        assert found["done"] == 1
        assert found["unauthenticated"] == _THREADS - 1
    assert world.actions().count("member.added") == _ROUNDS
    assert world.actions().count("person.created") == _ROUNDS


def test_two_owners_who_remove_each_other_leave_one(world: World) -> None:
    for number in range(_ROUNDS):
        emails = [f"a{number}@example.com", f"b{number}@example.com"]
        space = world.do(world.directory.workspaces.create(world.local, name="Race"))
        there = world.do(world.directory.local("root", space.id))
        ids: list[PersonId] = [world.add(email, "owner", by=there).person.id for email in emails]
        found = _at_once(lambda n, ids=ids, there=there: world.directory.people.remove(there, ids[n % 2]))
        assert found["done"] == 1
        assert found[LastOwner.code] >= 1
        left = world.do(world.directory.people.list(there))
        assert [each.role for each in left] == ["owner"]


def test_a_session_that_several_threads_switch_becomes_one(world: World) -> None:
    elsewhere = world.do(world.directory.workspaces.create(world.local, name="Elsewhere"))
    world.add("ana@example.com", "operator")
    world.add("ana@example.com", "owner", by=world.do(world.directory.local("root", elsewhere.id)))
    for _ in range(_ROUNDS):
        text = world.signed_in("ana@example.com").text
        found = _at_once(lambda _, text=text: world.directory.sign_in.switch(text, elsewhere.id))
        assert found == {"done": 1, "unauthenticated": _THREADS - 1}


def test_one_address_added_by_several_threads_is_one_person(world: World) -> None:
    for number in range(_ROUNDS):
        email = f"same{number}@example.com"
        found = _at_once(lambda _, email=email: world.directory.people.add(world.local, email=email, role="operator"))
        assert found == {"done": 1, "already_member": _THREADS - 1}


def _racer(path: Path, links: list[str], invitations: list[str], start: Any, results: Any) -> None:
    """Use every link and every invitation, at the same moment as the other processes."""
    store = SqliteStore(str(path))
    directory = Directory(store, clock=SystemClock(), ids=SystemIds(), secrets=SystemSecrets())

    async def race() -> list[str]:
        won: list[str] = []
        for link, invitation in zip(links, invitations, strict=True):
            start.wait(30)
            for text, work in ((link, directory.sign_in.by_link), (invitation, directory.invitations.accept)):
                try:
                    await work(text)
                except Unauthenticated:
                    continue
                won.append(text)
        return won

    results.put(asyncio.run(race()))
    store.close()


def test_processes_that_use_the_same_links_and_invitations(tmp_path: Path) -> None:
    path = tmp_path / "race.db"
    store = SqliteStore(str(path))
    directory = Directory(store, clock=SystemClock(), ids=SystemIds(), secrets=SystemSecrets())

    async def prepare() -> tuple[list[str], list[str]]:
        by = await directory.local("root")
        links = [(await directory.first_link("ana")).text for _ in range(_ROUNDS)]
        offers = [
            await directory.invitations.create(by, email=f"n{number}@example.com", role="operator")
            for number in range(_ROUNDS)
        ]
        return links, [offer.text for offer in offers]

    links, invitations = asyncio.run(prepare())
    store.close()
    context = mp.get_context("spawn")
    start, results = context.Barrier(_PROCESSES), context.Queue()
    racers = [
        context.Process(target=_racer, args=(path, links, invitations, start, results)) for _ in range(_PROCESSES)
    ]
    for racer in racers:
        racer.start()
    won = Counter(text for _ in racers for text in results.get(timeout=90))
    for racer in racers:
        racer.join(30)
    assert won == Counter([*links, *invitations])
