"""Several approvals at once, where it meets the rest: deadlines, claims, own runs, other workspaces, unread rows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from sayso import Agent, SqliteDb, tool
from sayso.core.taskforms import digest_of
from sayso.model.ids import TaskId
from sayso.stores.driver import sqlite_module
from sayso.testing import ScriptedModel, call
from tests.web.cardkit import Desk, desk_of
from tests.web.site import site
from tests.web.test_bulk import chosen, form_of
from tests.web.test_unreadable import FORMS

JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []

    @tool(requires_confirmation=True, effect="keyed", approval_timeout=3600, summary="Lock {door}")
    def lock(door: str, code: SecretStr) -> str:
        done.append((door, code.get_secret_value()))
        return "locked"

    def turn(request: Any) -> Any:
        if request.turn > 1:
            return "Done."
        return call("lock", door="a", code=f"code-{len(request.messages[-1].text)}-of-this-one")

    def programs(db: SqliteDb) -> list[Any]:
        return [Agent("desk", model=ScriptedModel(turn), tools=[lock], db=db)]

    with site(tmp_path_factory.mktemp("meets"), programs) as found:
        yield desk_of(found, done)


def change(desk: Desk, sql: str, *values: Any) -> None:
    connection = sqlite_module().connect(str(desk.site.db.db_file), timeout=20)
    with connection:
        assert connection.execute(sql, values).rowcount == 1
    connection.close()


def statuses(desk: Desk, *tasks: TaskId) -> list[str]:
    return [desk.status(task) for task in tasks]


def test_secrets_are_dots_and_more_time_meanwhile_is_no_other_question(desk: Desk) -> None:
    first, second = desk.asked(text="x"), desk.asked(text="xyz")
    with desk.site.client() as client, desk.site.client("operator") as other:
        page = chosen(client, first, second)
        assert page.count("••••") == 2
        assert "of-this-one" not in page
        assert other.post(f"/v1/user-tasks/{first}/extend", json={}, headers=JSON).status_code == 200
        swapped = form_of(page)
        digests = [swapped[f"digest:{task}"] for task in (first, second)]
        swapped |= {f"digest:{first}": digests[1], f"digest:{second}": digests[0]}
        assert client.post("/review/bulk", data=swapped).text.count("changed after you saw it") == 2
        assert statuses(desk, first, second) == ["pending", "pending"]
        assert client.post("/review/bulk", data=form_of(page)).text.count("Approved</p>") == 2
    desk.until_paid(2)
    assert len(set(desk.done)) == 2, "each ran with its own secret"


def test_who_may_not_decide_one_decides_the_others(desk: Desk) -> None:
    claimed, own, free = desk.asked(), desk.asked(role="developer"), desk.asked()
    root, workspaces = desk.site.root, desk.site.service.directory.workspaces
    before = root.workspace.settings
    with desk.site.client("operator") as grace, desk.site.client("developer") as client:
        form = form_of(chosen(client, claimed, own, free))
        assert form["task"] == [claimed, own, free]
        assert grace.post(f"/review/{claimed}/claim").status_code == 303
        desk.site.do(workspaces.change_settings(root, replace(before, starters_may_decide=False)))
        try:
            page = chosen(client, claimed, own, free)
            assert form_of(page)["task"] == [free]
            assert "operator@example.com is on this" in page
            assert "You started this run" in page
            told = client.post("/review/bulk", data=form).text
        finally:
            desk.site.do(workspaces.change_settings(root, before))
    assert told.count("Not decided") == 2
    assert statuses(desk, claimed, own, free) == ["pending", "pending", "completed"]


def test_assigned_to_somebody_else_is_no_lock(desk: Desk) -> None:
    task = desk.asked()
    with desk.site.client() as client, desk.site.client("operator") as other:
        other.get("/review")
        assert client.post(f"/review/{task}/assign", data={"to": "operator@example.com"}).status_code == 303
        assert client.post("/review/bulk", data=form_of(chosen(client, task))).text.count("Approved</p>") == 1


def test_what_cannot_be_read_is_of_elsewhere_or_is_over_hides_no_other(desk: Desk) -> None:
    odd, elsewhere, late, tampered, good = (desk.asked() for _ in range(5))
    with desk.site.client() as client:
        form = form_of(chosen(client, odd, elsewhere, late, tampered, good))
    stored = desk.stored(odd)
    digest = digest_of(FORMS["newer"].encode(), run_id=stored.run_id, key=stored.key)
    change(desk, "UPDATE tasks SET body = ?, digest = ? WHERE task_id = ?", FORMS["newer"].encode(), digest, odd)
    change(desk, "UPDATE runs SET workspace_id = 'ws_other' WHERE run_id = ?", desk.stored(elsewhere).run_id)
    change(desk, "UPDATE tasks SET due_at = created_at + 1 WHERE task_id = ?", late)
    change(desk, "UPDATE tasks SET body = replace(body, 'Lock a', 'Lock b') WHERE task_id = ?", tampered)  # a text now
    with desk.site.client() as client:
        assert client.get("/review").status_code == 200
        assert client.get(f"/v1/sessions/{desk.stored(tampered).session_id}/evidence", headers=JSON).status_code == 200
        page = chosen(client, odd, elsewhere, late, tampered, good)
        assert form_of(page)["task"] == [good], page[-2500:]
        told = client.post("/review/bulk", data=form | {f"digest:{odd}": digest}).text
    assert told.count("Not decided") == 4
    assert told.count("Approved</p>") == 1
    assert "no such task" in page
    assert "cannot be read" in page
    assert "changed in the database" in page
    assert "no longer pending" in page
    assert statuses(desk, odd, tampered, good) == ["pending", "pending", "completed"]
    assert desk.status(late) != "completed" or desk.stored(late).decided_by == "system:timeout"
