"""Two people decide the same task over HTTP at the same moment: one is answered 200, the other 409 with the winner."""

import json
import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fault.desk import Remote
from tests.service.process import Process, process

VERDICTS = ((True, False), (True, True))


@dataclass
class Tally:
    """What the races did."""

    races: int = 0
    approved: int = 0
    paid: int = 0
    double_decisions: int = 0
    wrong_winner: int = 0
    milliseconds: list[float] = field(default_factory=list)


def decide(client: Any, task: str, approved: bool, barrier: threading.Barrier, answers: list[Any]) -> None:
    barrier.wait(30)
    began = time.perf_counter()
    answer = client.post(f"/v1/user-tasks/{task}/complete", json={"approved": approved})
    answers.append((answer, approved, (time.perf_counter() - began) * 1000))


def race(served: Process, people: Any, starter: Any, number: int, tally: Tally) -> None:
    begun = starter.post(f"/v1/agents/{served.who['agent']}/runs?wait=30", json={}).json()
    (task,) = [item["id"] for item in begun["pendingUserTasks"]]
    barrier, answers = threading.Barrier(2), []
    verdicts = VERDICTS[number % 2]
    threads = [
        threading.Thread(target=decide, args=(client, task, verdict, barrier, answers))
        for client, verdict in zip(people, verdicts, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 2
    tally.races += 1
    tally.milliseconds += [took for _, _, took in answers]
    won = [(answer.json(), approved) for answer, approved, _ in answers if answer.status_code == 200]
    lost = [answer.json() for answer, _, _ in answers if answer.status_code == 409]
    tally.double_decisions += (len(won), len(lost)) != (1, 1)
    if len(won) == len(lost) == 1:
        outcome, details = won[0][0]["outcome"], lost[0]["details"]
        assert lost[0]["code"] == "user_task_not_pending"
        tally.wrong_winner += details["decided_by"].removeprefix("user:") != outcome["decidedBy"]["id"]
        tally.wrong_winner += outcome["decision"] != ("approved" if won[0][1] else "rejected")
        tally.approved += won[0][1]
    done = starter.get(f"/v1/runs/{begun['runId']}?wait=30").json()
    assert done["status"] == "Completed", done


def campaign(folder: Path, races: int) -> Tally:
    tally = Tally()
    with process(folder, synchronous="NORMAL") as served:
        one, two = served.who["operators"][:2]
        with (
            served.client(key=served.who["key"]) as starter,
            served.client(token=one) as a,
            served.client(token=two) as b,
        ):
            for number in range(races):
                race(served, (a, b), starter, number, tally)
    tally.paid = len(Remote(folder / "remote.log").arrived())
    assert len(Remote(folder / "remote.log").sent()) == tally.paid, "a payment was sent twice"
    return tally


def judge(tally: Tally) -> None:
    times = tally.milliseconds
    tally.milliseconds = [statistics.median(times), statistics.quantiles(times, n=100)[98]]
    print("\ntwo approvers over HTTP:", json.dumps(vars(tally)), "(milliseconds: p50, p99 of a decision)")
    assert tally.double_decisions == tally.wrong_winner == 0
    assert tally.paid == tally.approved, "the effect happens if and only if it was approved"
    assert 0 < tally.approved <= tally.races


def test_fifty_races_of_two_approvers(tmp_path: Path) -> None:
    judge(campaign(tmp_path, 50))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_races_of_two_approvers(tmp_path: Path) -> None:
    judge(campaign(tmp_path, int(os.environ.get("SAYSO_HTTP_RACES", "1000"))))
