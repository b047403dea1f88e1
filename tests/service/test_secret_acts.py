"""A secret that people themselves say while they act on tasks: on no page, in no answer, line, log or other table.

What they type stands in for every slip: a note that quotes the password, a comment, an answer in the call's place.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, SecretStr
from structlog.testing import capture_logs

from sayso import Agent, SqliteDb, tool
from sayso.model.ids import TaskId
from sayso.testing import ScriptedModel, call
from tests.agents.test_secret_arguments import everything
from tests.cli.places import ran
from tests.service.test_secret_arguments import AS_JSON, surfaces
from tests.web.cardkit import Desk, desk_of
from tests.web.site import site
from tests.web.test_bulk import chosen, form_of

CANARY = "canary-5b1d-hunter2"
NEW = "another-canary-e4"
GIVEN = "given-canary-77c0"
SAID = f"it is {CANARY}, is it not?"
ALL = (CANARY, NEW, GIVEN)


class Account(BaseModel):
    user: str
    password: SecretStr


def programs(db: SqliteDb, done: list[Any]) -> list[Any]:
    @tool(
        requires_confirmation=True,
        effect="keyed",
        subject="account",
        approval_timeout=3600,
        preview=lambda account: {"before": "", "after": f"{account.user}: {account.password.get_secret_value()}"},
        summary="Let {account} in",
    )
    def log_in(account: Account, user: str = "") -> str:
        """Log in."""
        done.append(account.password.get_secret_value())
        return f"in with {account.password.get_secret_value()}"

    @tool(user_input_fields=["token"])
    def publish(name: str, token: SecretStr) -> str:
        """Publish."""
        done.append(token.get_secret_value())
        return f"published with {token.get_secret_value()}"

    def turn(request: Any) -> Any:
        if request.turn > 1:
            return request.messages[-1].text
        if "publish" in request.messages[-1].text:
            return call("publish", name="n")
        return [f"With {CANARY}.", call("log_in", account={"user": "ada", "password": CANARY})]

    return [Agent("desk", model=ScriptedModel(turn), tools=[log_in, publish], db=db)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    with site(tmp_path_factory.mktemp("acts"), lambda db: programs(db, done)) as found:
        yield desk_of(found, done)


def complete(desk: Desk, task: TaskId, **fields: Any) -> httpx.Response:
    with desk.site.client() as client:
        return client.post(f"/v1/user-tasks/{task}/complete", json=fields, headers=AS_JSON)


def beside(desk: Desk, task: TaskId) -> list[str]:
    """Do what is done beside deciding; return the answers."""
    with desk.site.client() as client:
        told = [
            client.post(f"/review/{task}/comment", data={"comment": SAID}),
            client.post(f"/review/{task}/comment", data={"comment": SAID}, headers={"HX-Request": "true"}),
            client.post(f"/v1/user-tasks/{task}/assign", json={"assignee": "owner@example.com"}, headers=AS_JSON),
            client.post(f"/v1/user-tasks/{task}/extend", json={}, headers=AS_JSON),
            client.get(f"/review/{task}/presence"),
            client.get(f"/review/{task}/state?seen=x"),
            client.get("/review?risk=medium"),
            client.get("/waiting"),
        ]
    assert {answer.url.path: answer.text for answer in told if answer.status_code >= 400} == {}
    return [answer.text for answer in told]


def together(desk: Desk, tasks: list[TaskId]) -> list[str]:
    """Approve several at once, with a note; return the pages."""
    with desk.site.client() as client:
        page = chosen(client, *tasks)
        assert page.count("told by the tool itself") == len(tasks)
        told = client.post("/review/bulk", data=form_of(page) | {"note": SAID}).text
    assert told.count("Approved</p>") == len(tasks)
    return [page, told]


def ended(desk: Desk, task: TaskId) -> list[str]:
    """End the run of one task, and the session of another, with a reason that quotes it; return the answers."""
    other = desk.asked()
    with desk.site.client() as client:
        told = [
            client.post(f"/v1/runs/{desk.stored(task).run_id}/cancel", json={"reason": SAID}, headers=AS_JSON),
            client.post(f"/v1/sessions/{desk.stored(other).session_id}/complete", json={"note": SAID}, headers=AS_JSON),
        ]
    assert [answer.status_code for answer in told if answer.status_code >= 400] == [], [one.text for one in told]
    return [answer.text for answer in told]


def in_a_terminal(desk: Desk, tasks: list[TaskId]) -> list[str]:
    env = {"SAYSO_DATABASE": str(desk.site.db.db_file)}
    commands = [["tasks", "ls", "--all"], ["tasks", "ls", "--all", "--json"], ["audit", "export"], ["audit", "ls"]]
    for task in tasks:
        stored = desk.stored(task)
        commands += [["tasks", "show", task], ["tasks", "show", task, "--json"], ["runs", "show", stored.run_id]]
        commands += [["runs", "show", stored.run_id, "--json"], ["audit", "evidence", stored.session_id]]
    printed = [ran(*command, env=env) for command in commands]
    return [done.stdout + done.stderr for done in printed]


def test_what_people_say_about_it_is_masked_wherever_it_goes(desk: Desk) -> None:
    with capture_logs() as logs:
        edited, responded, rejected, cancelled, given, *bulk = (
            desk.asked(text=text) for text in ("a", "b", "c", "d", "publish", "e", "f")
        )
        told = beside(desk, edited)
        new = {"account": {"user": "bob", "password": NEW}, "user": CANARY}
        told.append(complete(desk, edited, approved=True, editedArguments=new, comment=f"{SAID} {NEW}").text)
        told.append(complete(desk, responded, textValue=SAID, comment=SAID, metadata={"was": CANARY}).text)
        told.append(complete(desk, rejected, approved=False, comment=SAID).text)
        said = complete(desk, given, values={"token": GIVEN}, comment=f"took {GIVEN}", metadata={"n": [GIVEN]})
        assert said.status_code == 200, said.text
        told += [said.text, *together(desk, bulk), *ended(desk, cancelled)]
        desk.until(lambda: sorted(desk.done) == sorted([NEW, GIVEN, CANARY, CANARY]))
        tasks = [edited, responded, rejected, cancelled, given, *bulk]
        desk.until(lambda: all("finished" in surfaces(desk, task)[f"/v1/runs/{desk.stored(task).run_id}/journal"]
                               for task in tasks))  # fmt: skip
        places = {f"act {number}": text for number, text in enumerate(told)}
        places |= {f"{path} of {task}": text for task in tasks for path, text in surfaces(desk, task).items()}
    with desk.site.client() as client:
        again = client.get(f"/review/{desk.asked()}").text
        assert "log_in for account = {&#34;user&#34;: &#34;ada&#34;, &#34;password&#34;: &#34;••••&#34;}" in again
        rows = client.get("/review?tab=completed").text
        assert "account/password: •••• → •••• (another value)" in rows
        found = client.get("/review", params={"q": CANARY, "tab": "completed"}).text
        assert 'class="task' not in found, "nothing is found by it"
        places |= {"metrics": client.get("/metrics").text, "burden": client.get("/dashboard").text, "last card": again}
    places |= {f"terminal {number}": text for number, text in enumerate(in_a_terminal(desk, tasks))}
    places |= {"log": repr(logs), "tables": everything(Path(str(desk.site.db.db_file)))}
    assert [(place, one) for place, text in places.items() for one in ALL if one in text] == []
