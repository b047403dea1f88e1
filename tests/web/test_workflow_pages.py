"""The pages of workflows: steps with their gates, and starting one."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from pydantic import BaseModel

from sayso import SqliteDb, Workflow
from sayso.web.agents.steps import step_rows
from sayso.workflow import Condition, HumanReview, Loop, Parallel, Router, Step
from tests.web.conftest import Opening
from tests.web.deskkit import HOSTILE, desk, flow
from tests.web.site import Site, site

JSON = {"Accept": "application/json"}


class Order(BaseModel):
    number: str
    amount: float


def quiet(given: object) -> str:
    return str(given)


def costly(output: object) -> bool:
    return bool(output)


def tree(db: SqliteDb) -> Workflow:
    asks = HumanReview(requires_confirmation=True, timeout=3600, extensions=0, on_timeout="reject", on_reject="cancel")
    steps = [
        Step("fetch", quiet, description=HOSTILE, human_review=HumanReview(on_error="pause")),
        Condition(True, [Step("charge", quiet, human_review=asks)], name="large"),
        Router(
            [Step("mail", quiet), Step("phone", quiet)], name="way", human_review=HumanReview(requires_user_input=True)
        ),
        Loop([Step("draft", quiet)], name="polish", human_review=HumanReview(requires_iteration_review=True)),
        Parallel(
            Step("letter", quiet, human_review=HumanReview(requires_output_review=costly, on_reject="retry")),
            Step("values", quiet, human_review=HumanReview(
                requires_user_input=True, user_input_schema=[{"name": "iban", "field_type": "str"}]
            )),
            name="both",
        ),
        Step("inner", workflow=flow(db)),
        Step(agent=desk(db)),
    ]  # fmt: skip
    return Workflow("tree of <steps>", steps=steps, db=db, input_schema=Order, description="Orders, end to end.")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("workflows"), lambda db: [tree(db), flow(db)], worker=False) as found:
        yield found


def address(place: Site, name: str) -> str:
    listed = place.do(place.service.registry.list_workflows(place.root.workspace.id))
    return f"/agents/workflows/{next(one.id for one in listed if one.name == name)}"


def test_steps_are_told_with_their_gates(tmp_path_factory: pytest.TempPathFactory) -> None:
    with SqliteDb(tmp_path_factory.mktemp("steps") / "sayso.db") as db:
        rows = {row.name: row for row in step_rows(tree(db))}
    assert {name: row.gates for name, row in rows.items() if row.gates} == {
        "fetch": ("asks on a failure: retry or skip",),
        "charge": ("asks before it runs",),
        "way": ("a person chooses the way",),
        "polish": ("shows each pass",),
        "letter": ("shows its output on a condition (costly)",),
        "values": ("asks for iban",),
        "second": ("asks before it runs",),
    }
    assert rows["charge"].policies == (
        "Rejected: the run is cancelled",
        "After 1 h without an answer: counts as rejected; a hard deadline",
    )
    assert [(name, rows[name].depth) for name in ("large", "charge", "inner", "second")] == [
        ("large", 0), ("charge", 1), ("inner", 0), ("second", 1),
    ]  # fmt: skip
    assert (rows["inner"].kind, rows["desk"].kind) == ("Workflow", "Agent")


def test_the_list_leads_to_a_workflow_and_its_page_tells_it(place: Site) -> None:
    path = address(place, "tree of <steps>")
    with place.client() as client:
        listed = client.get("/agents").text
        text = client.get(path).text
        assert client.get("/agents/workflows/none").status_code == 404
    assert f'<a href="{path}">tree of &lt;steps&gt;</a>' in listed
    assert "Orders, end to end." in text
    assert "asks before it runs" in text
    assert "<img" not in text
    assert "U+202E" in text


def test_a_run_starts_once_and_leads_to_its_session(place: Site) -> None:
    path = address(place, "tree of <steps>")
    with place.client() as client:
        run = client.get(path).text.split('name="run" value="')[1].split('"')[0]
        sent = {"in.number": "o-1", "in.amount": "5", "run": run}
        first = client.post(f"{path}/runs", data=sent)
        again = client.post(f"{path}/runs", data=sent)
        assert (first.status_code, again.status_code) == (303, 303)
        assert first.headers["location"] == again.headers["location"]
        listed = client.get(path).text
    assert "The newest 1 of 1." in listed


def test_an_input_that_does_not_fit_is_refused_and_kept(place: Site) -> None:
    path = address(place, "tree of <steps>")
    with place.client() as client:
        wrong = client.post(f"{path}/runs", data={"in.number": "o-2", "in.amount": "much"})
        missing = client.post(f"{path}/runs", data={"in.number": "o-3"})
    assert wrong.status_code == 422
    assert "Give a number" in wrong.text
    assert "o-2</textarea>" in wrong.text
    assert missing.status_code == 422


def test_who_may_see_and_start(place: Site) -> None:
    path = address(place, "flow")
    with place.client("operator") as client:
        assert client.get(path).status_code == 403
        assert client.post(f"{path}/runs", data={"input": "in"}).status_code == 403
    with place.client("auditor") as client:
        assert "Start a run" not in client.get(path).text
        assert client.post(f"{path}/runs", data={"input": "in"}).status_code == 403
    with place.client("developer") as client:
        assert client.post(f"{path}/runs", data={"input": "in"}).status_code == 303


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["desktop", "phone"])
def test_no_rule_of_accessibility_is_broken(place: Site, opening: Opening, where: str, scheme: str) -> None:
    page = opening(place, place=where, color_scheme=scheme).new_page()
    page.goto(address(place, "tree of <steps>"))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= room
