"""T6: the server is killed with -9 around the commit of a decision, and while streams and pauses are open.

The client repeats its request with the same Idempotency-Key and gets the answer of the one decision; streams go on by
Last-Event-ID with nothing lost or doubled; every approved payment is sent once.
"""

import json
import os
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fault.desk import Remote
from tests.service.process import Process, process

STREAMS = 4
Positions = list[tuple[str | None, str]]


@dataclass
class Tally:
    """What the kills did."""

    kills: int = 0
    decided_before: int = 0
    """Decisions that were committed, and whose answer was lost."""
    doubled: int = 0
    lost: int = 0
    paid: int = 0
    paid_twice: int = 0
    streams: int = 0
    events_lost_or_doubled: int = 0


def start(served: Process, client: httpx.Client) -> dict[str, Any]:
    begun = client.post(f"/v1/agents/{served.who['agent']}/runs?wait=30", json={}).json()
    assert begun["status"] == "WaitingForHITL", begun
    return begun


def kill_around_a_decision(folder: Path, phase: str, number: int, tally: Tally) -> None:
    """Kill the server while it decides; then repeat the very request."""
    key = {"Idempotency-Key": f"decide-{number}"}
    with process(folder) as served, served.client(token=served.who["owner"]) as client:
        begun = start(served, client)
        path = f"/v1/user-tasks/{begun['pendingUserTasks'][0]['id']}/complete"
        with served.client(token=served.who["operators"][0]) as person, pytest.raises(httpx.TransportError):
            person.post(path, json={"approved": True, "comment": "yes"}, headers={**key, "X-Test-Die": phase})
        assert served.running.wait(10) == -9
        tally.kills += 1
    with process(folder) as served, served.client(token=served.who["operators"][0]) as person:
        before = person.get(path.removesuffix("/complete")).json()["outcome"]
        again = [person.post(path, json={"approved": True, "comment": "yes"}, headers=key) for _ in range(2)]
        bodies = [answer.json() for answer in again]
        tally.decided_before += before is not None
        tally.lost += any(answer.status_code != 200 for answer in again) or (before is None) is (
            phase != "before_commit"
        )
        tally.doubled += bodies[0]["outcome"] != bodies[1]["outcome"] or not bodies[1].get("duplicateDelivery")
        tally.doubled += (phase == "after_commit") != bool(bodies[0].get("duplicateDelivery"))
        other = person.post(path, json={"approved": False})
        tally.doubled += other.status_code != 409
        done = person.get(f"/v1/runs/{begun['runId']}?wait=30").json()
        tally.lost += done["status"] != "Completed"


def events(client: httpx.Client, run: str, last: str | None, seen: Positions, opened: threading.Event) -> None:
    """Follow a run until its end, or until the server is killed."""
    headers = {} if last is None else {"Last-Event-ID": last}
    try:
        with client.stream("GET", f"/v1/runs/{run}/stream", headers=headers) as answer:
            assert answer.status_code == 200
            position = None
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    position = line[4:]
                elif line.startswith("data: "):
                    seen.append((None, json.loads(line[6:])["data"]["id"]))
                elif not line and seen:
                    seen[-1], position = (position, seen[-1][1]), None
                if len(seen) >= 3:
                    opened.set()
    except httpx.TransportError:
        return


def follow(served: Process, client: httpx.Client, run: str, last: str | None) -> tuple[threading.Thread, Positions]:
    seen: Positions = []
    opened = threading.Event()
    thread = threading.Thread(target=events, args=(client, run, last, seen, opened))
    thread.start()
    if last is None:
        assert opened.wait(20)
    return thread, seen


def resumable(seen: Positions) -> tuple[str | None, list[str]]:
    """Return the last position that a client can name, and the events up to it."""
    places = [place for place, (position, _) in enumerate(seen) if position is not None]
    if not places:
        return None, []
    return seen[places[-1]][0], [event for _, event in seen[: places[-1] + 1]]


def kill_under_streams(folder: Path, number: int, tally: Tally) -> None:
    """Kill the server while runs wait for people and streams are read; go on with another."""
    with process(folder) as served, served.client(token=served.who["owner"]) as client:
        runs = [start(served, client) for _ in range(STREAMS)]
        followed = [follow(served, client, run["runId"], None) for run in runs]
        served.kill()
        tally.kills += 1
        for thread, _ in followed:
            thread.join(20)
    with process(folder) as served, served.client(token=served.who["operators"][0]) as client:
        resumed = []
        for run, (_, seen) in zip(runs, followed, strict=True):
            last, before = resumable(seen)
            resumed.append((run["runId"], before, follow(served, client, run["runId"], last or "0")))
        for run in runs:
            path = f"/v1/user-tasks/{run['pendingUserTasks'][0]['id']}/complete"
            answer = client.post(
                path, json={"approved": True}, headers={"Idempotency-Key": f"s{number}-{run['runId']}"}
            )
            assert answer.status_code == 200, answer.text
        for run_id, before, (thread, after) in resumed:
            thread.join(40)
            whole: Positions = []
            events(client, run_id, None, whole, threading.Event())
            tally.streams += 1
            tally.events_lost_or_doubled += before + [event for _, event in after] != [event for _, event in whole]


def campaign(folder: Path, rounds: int) -> Tally:
    tally = Tally()
    for number in range(rounds):
        kill_around_a_decision(folder, ("after_commit", "before_commit")[number % 2], number, tally)
        kill_under_streams(folder, number, tally)
    sent = Remote(folder / "remote.log").sent()
    tally.paid = len(sent)
    tally.paid_twice = sum(count > 1 for count in sent.values())
    return tally


def judge(tally: Tally, rounds: int) -> None:
    print("\nkilled servers:", json.dumps(vars(tally)))
    assert tally.kills == 2 * rounds
    assert tally.decided_before == (rounds + 1) // 2
    assert tally.doubled == tally.lost == tally.paid_twice == tally.events_lost_or_doubled == 0
    assert tally.paid == rounds * (1 + STREAMS), "each approved payment was sent, once"


@pytest.mark.timeout(110)
def test_a_killed_server_loses_and_doubles_nothing(tmp_path: Path) -> None:
    judge(campaign(tmp_path, 1), 1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_killed_servers_lose_and_double_nothing(tmp_path: Path) -> None:
    rounds = int(os.environ.get("SAYSO_SERVER_KILLS", "40")) // 2
    judge(campaign(tmp_path, rounds), rounds)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("phase", ["before_commit", "after_commit"])
def test_more_time_is_given_once_whatever_dies(tmp_path: Path, phase: str) -> None:
    """Killed around the commit of an extension; the same request once more gives the one answer."""
    key, shown = {"Idempotency-Key": "more"}, datetime.fromisoformat
    with process(tmp_path) as served, served.client(token=served.who["owner"]) as client:
        task = start(served, client)["pendingUserTasks"][0]
        path = f"/v1/user-tasks/{task['id']}"
        with pytest.raises(httpx.TransportError):
            client.post(f"{path}/extend", json={}, headers={**key, "X-Test-Die": phase})
        assert served.running.wait(10) == -9
    with process(tmp_path) as served, served.client(token=served.who["owner"]) as client:
        before = client.get(path).json()
        made = int(phase == "after_commit")
        assert (before["extension"]["made"], before["status"]) == (made, "Pending")
        again = [client.post(f"{path}/extend", json={}, headers=key).json() for _ in range(2)]
        assert [bool(answer.get("duplicateDelivery")) for answer in again] == [bool(made), True]
        after = client.get(path).json()
        assert {answer["dueAt"] for answer in again} == {after["dueAt"]}
        assert shown(after["dueAt"]) == shown(task["dueAt"]) + timedelta(days=1)
        assert client.get(f"/v1/runs/{before['runId']}/journal").json()["run"]["readyAt"] == after["dueAt"]
