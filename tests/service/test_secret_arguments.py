"""A secret argument over the service: in no answer, unless one person asks for it and that is on record."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from sayso import Agent, SqliteDb, tool
from sayso.testing import ScriptedModel, call
from tests.web.cardkit import Desk, desk_of
from tests.web.site import site

CANARY = "canary-5b1d-hunter2"
NEW = "another-canary-e4"
AS_JSON = {"Accept": "application/json"}


def programs(db: SqliteDb, done: list[Any]) -> list[Any]:
    def preview(user: str, password: SecretStr) -> Any:
        return {"before": {"user": ""}, "after": {"user": user, "password": password.get_secret_value()}}

    @tool(requires_confirmation=True, preview=preview, summary="Let {user} in with {password}")
    def log_in(user: str, password: SecretStr) -> str:
        """Log in."""
        done.append((user, password.get_secret_value()))
        return f"{user} is in with {password.get_secret_value()}"

    def turn(request: Any) -> Any:
        if request.turn == 1:
            return [f"I use {CANARY} now.", call("log_in", user="ada", password=CANARY)]
        return request.messages[-1].text

    return [Agent("desk", model=ScriptedModel(turn), tools=[log_in], db=db)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    with site(tmp_path_factory.mktemp("secrets"), lambda db: programs(db, done)) as found:
        yield desk_of(found, done)


def surfaces(desk: Desk, task: str) -> dict[str, str]:
    """Return everything that the service tells of a task and its run, by address."""
    stored = desk.stored(task)  # pyright: ignore[reportArgumentType]
    run, session = stored.run_id, stored.session_id
    pages = [
        "/review",
        "/review?q=ada",
        f"/review/{task}",
        "/review?tab=completed",
        "/sessions",
        f"/sessions/{session}",
    ]
    pages += ["/audit", "/dashboard", f"/sessions/{session}?task={task}"]
    answers = [f"/v1/user-tasks/{task}", f"/v1/user-tasks/{task}?include=spec", "/v1/user-tasks?status=any"]
    answers += [f"/v1/runs/{run}", f"/v1/runs/{run}/journal", f"/v1/runs/{run}/calls", f"/v1/runs/{run}/user-tasks"]
    answers += [f"/v1/runs/{run}/conversation", f"/v1/sessions/{session}", f"/v1/sessions/{session}/evidence"]
    answers += ["/v1/audit/export"]
    with desk.site.client() as client:
        got = {path: client.get(path) for path in pages}
        got |= {path: client.get(path, headers=AS_JSON) for path in answers}
        assert {path: answer.status_code for path, answer in got.items() if answer.status_code != 200} == {}
        found = {path: answer.text for path, answer in got.items()}
        steps = {link for text in found.values() for link in re.findall(r'href="(/sessions/[^"#]*step=[^"#]*)', text)}
        return found | {path: client.get(path.replace("&amp;", "&")).text for path in sorted(steps)}


def leaks(desk: Desk, task: str) -> list[str]:
    return [path for path, text in surfaces(desk, task).items() if CANARY in text or NEW in text]


def edit(desk: Desk, task: str, password: str) -> str:
    """Approve with other arguments on the page, without scripts; return the page before the second press."""
    with desk.site.client() as client:
        hidden = desk.hidden(client.get(f"/review/{task}").text)
        sent = {**hidden, "arg:user": "bob", "arg:password": password, "say": "edit"}
        armed = client.post(f"/review/{task}/decide", data=sent).text
        client.post(f"/review/{task}/decide", data={**sent, **desk.hidden(armed)})
    return armed


def test_nothing_tells_it_before_or_after_the_decision(desk: Desk) -> None:
    task = desk.asked()
    assert leaks(desk, task) == []
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert "Let ada in with ••••" in page
        plain = client.get(f"/v1/user-tasks/{task}", headers=AS_JSON).json()
        assert plain["request"]["call"]["arguments"] == {"user": "ada", "password": "••••"}
        assert plain["request"]["call"]["preview"]["after"] == {"user": "ada", "password": "••••"}
        done = client.post(f"/v1/user-tasks/{task}/complete", json={"approved": True}, headers=AS_JSON)
        assert done.status_code == 200
    desk.until(lambda: ("ada", CANARY) in desk.done)
    desk.until(lambda: "is in with [secret]" in surfaces(desk, task)[f"/v1/runs/{desk.stored(task).run_id}"])
    assert leaks(desk, task) == []
    stored = desk.stored(task)
    with desk.site.client() as client:
        timeline = client.get(f"/v1/runs/{stored.run_id}/conversation", headers=AS_JSON).json()
        calls = client.get(f"/v1/runs/{stored.run_id}/calls", headers=AS_JSON).json()
    proposed = [item["content"]["arguments"] for item in timeline["items"] if item["type"] == "ToolCall"]
    assert proposed == [{"user": "ada", "password": "••••"}]
    assert [one["arguments"] for one in calls["items"]] == proposed


def test_a_person_who_may_decide_is_told_it_and_that_is_written_down_first(desk: Desk) -> None:
    task = desk.asked()
    with desk.site.client("operator") as client:
        page = client.get(f"/review/{task}").text
        assert 'name="place" value="/password"' in page
        told = client.post(f"/review/{task}/reveal", data={"place": "/password"})
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
        assert CANARY in told.text
        assert CANARY not in client.get(f"/review/{task}").text, "it is told once"
        part = client.post(f"/review/{task}/reveal", data={"place": "/password"}, headers={"HX-Request": "true"})
        assert part.text.strip() == f'<span class="exact mono" hx-ignore>{CANARY}</span>'
        plain = client.post(f"/v1/user-tasks/{task}/reveal", json={"path": "/password"}, headers=AS_JSON)
        assert plain.json() == {"path": "/password", "value": CANARY}
        assert plain.headers["cache-control"] == "no-store"
        wrong = client.post(f"/v1/user-tasks/{task}/reveal", json={"path": "/user"}, headers=AS_JSON)
        assert wrong.status_code == 422
        assert client.get(f"/v1/user-tasks/{task}/reveal?path=/password", headers=AS_JSON).status_code == 405
    with desk.site.client("auditor") as client:
        assert client.post(f"/review/{task}/reveal", data={"place": "/password"}).status_code == 403
        assert 'value="/password"' not in client.get(f"/review/{task}").text
    with desk.site.client() as client:
        lines = client.get("/v1/audit/export", headers=AS_JSON).text.splitlines()
    shown = [json.loads(line) for line in lines if "task.secret_shown" in line and task in line]
    assert len(shown) == 3
    assert CANARY not in "".join(lines)
    assert "operator@example.com" in json.dumps(shown[0])
    assert "/password" in json.dumps(shown[0])
    assert leaks(desk, task) == []


def test_an_edit_that_leaves_the_dots_leaves_the_secret(desk: Desk) -> None:
    task = desk.asked()
    armed = edit(desk, task, "••••")
    assert "+ bob" in armed
    assert "arg:password" not in armed.partition("What you change")[2].partition("</table>")[0]
    desk.until(lambda: ("bob", CANARY) in desk.done)
    assert leaks(desk, task) == []


def test_an_edited_secret_is_told_as_changed_only(desk: Desk) -> None:
    task = desk.asked()
    armed = edit(desk, task, NEW)
    diff = armed.partition("What you change")[2].partition("</table>")[0]
    assert "•••• (another value)" in diff
    assert NEW not in diff
    desk.until(lambda: ("bob", NEW) in desk.done)
    desk.until(lambda: "is in with" in surfaces(desk, task)[f"/v1/runs/{desk.stored(task).run_id}"])
    assert leaks(desk, task) == []
    with desk.site.client() as client:
        assert "•••• (another value)" in client.get(f"/review/{task}").text
        assert client.post(f"/review/{task}/reveal", data={"place": "/password"}).status_code == 409
