"""The pages of agents: gates, versions, runs and burden; what is done there, by whom, and what is refused in words."""

from collections.abc import Iterator

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sayso.model.json import Json
from sayso.web.agents.gating import gated
from sayso.web.agents.viewing import limits_of
from sayso.web.controls import Unread
from sayso.web.fields import Fields
from sayso.web.inputs import form_of, input_of
from tests.web.conftest import Opening
from tests.web.deskkit import HOSTILE, TOOLS, Kit, book, desk, erase, flow, look, move, pay, send
from tests.web.site import Site, site

JSON = {"Accept": "application/json"}
SCHEMA: Json = {
    "type": "object",
    "properties": {"order": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
    "required": ["order", "amount"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("agents"), lambda db: [desk(db), flow(db)], worker=False) as found:
        yield found


@pytest.fixture(scope="module")
def kit(place: Site) -> Kit:
    return Kit(place)


def page_of(answer: httpx.Response) -> str:
    """Follow what a form leads to."""
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


# -- reading -------------------------------------------------------------------------------------------------------


def test_the_list_tells_what_is_live_and_what_waits(place: Site, kit: Kit) -> None:
    agent = kit.made("listed")
    kit.deploy(agent, kit.version(agent, "v7"))
    kit.made("nothing yet")
    with place.client() as client:
        text = client.get("/agents").text
        assert "There is no page 99." in client.get("/agents?page=99").text
    assert f'<a href="/agents/{agent.id}">listed</a>' in text
    assert "v7" in text
    assert "nothing deployed" in text
    assert "from code" in text


def test_more_agents_than_a_page_holds_are_paged(place: Site, kit: Kit) -> None:
    for number in range(51):
        kit.made(f"z{number:02}")
    with place.client() as client:
        first = client.get("/agents").text
        second = client.get("/agents?page=2").text
    assert 'href="/agents?page=2" rel="next"' in first
    assert "Page 2 of 2" in second
    assert ">z50<" in second
    assert ">z50<" not in first


def test_how_each_operation_is_gated_is_told(place: Site, kit: Kit) -> None:
    with place.client() as client:
        text = client.get(f"/agents/{kit.agent().id}").text
    for words in (
        "Approval is switched on for it.",
        "It has no setting of its own, and inherits none that asks.",
        "A condition in code decides on each call (large). If it fails, it asks.",
        "A person gives account; the model cannot.",
        "It is executed outside; a person or a program brings the result.",
        "It has no setting of its own; its toolkit requires approval.",
        "After 30 min without an answer: rejected.",
        "A rejection ends the run.",
        "Pay an amount to the customer of the case.",
    ):
        assert words in text


def test_hostile_words_stay_words(place: Site, kit: Kit) -> None:
    agent = kit.made("<b>bold</b>")
    version = kit.version(agent, "<i>v</i>", instructions=HOSTILE, description=HOSTILE)
    with place.client() as client:
        for text in (client.get("/agents").text, client.get(f"/agents/{agent.id}?version={version.id}").text):
            assert "<b>bold" not in text
            assert "&lt;b&gt;bold" in text
            assert "<img" not in text
            assert "\u202e" not in text
    assert "U+202E" in text


def test_an_agent_of_elsewhere_and_a_version_of_nothing_are_not_found(place: Site, kit: Kit) -> None:
    with place.client() as client:
        assert client.get("/agents/agt_none").status_code == 404
        assert client.get(f"/agents/{kit.agent().id}?version=ver_none").status_code == 404


def test_runs_of_this_snapshot_only(place: Site, kit: Kit) -> None:
    """Item 177."""
    agent = kit.made("snapshots")
    one, two = kit.version(agent, "one"), kit.version(agent, "two")
    with place.client() as client:
        for version, count in ((one, 2), (two, 1)):
            for _ in range(count):
                page_of(client.post(f"/agents/{agent.id}/versions/{version.id}/test-run", data={"input": "in"}))
        every = client.get(f"/agents/{agent.id}?version={two.id}").text
        only = client.get(f"/agents/{agent.id}?version={two.id}&snapshot=true").text
        none = client.get(f"/agents/{kit.made('idle').id}").text
    assert "Page 1 of 1 · 3 total" in every
    assert "Page 1 of 1 · 1 total" in only
    assert 'value="true" checked' in only
    assert "It has not run yet." in none
    assert "It has no version yet." in none


# -- starting ------------------------------------------------------------------------------------------------------


def test_a_test_run_leads_to_its_session_and_a_form_sent_twice_to_the_same(place: Site, kit: Kit) -> None:
    """Item 34."""
    agent = kit.made("tested")
    live, other = kit.version(agent, "live"), kit.version(agent, "other")
    kit.deploy(agent, live)
    with place.client() as client:
        text = client.get(f"/agents/{agent.id}?version={other.id}").text
        run = text.split('name="run" value="')[1].split('"')[0]
        sent = {"input": "hello", "run": run}
        first = page_of(client.post(f"/agents/{agent.id}/versions/{other.id}/test-run", data=sent))
        again = page_of(client.post(f"/agents/{agent.id}/versions/{other.id}/test-run", data=sent))
        assert first == again
        assert first.startswith("/sessions/ses_")
        found = client.get(f"/v1/agents/{agent.id}/sessions", headers=JSON).json()
    assert found["total"] == 1
    assert (found["items"][0]["agentVersionId"], found["items"][0]["triggerType"]) == (other.id, "test_run")


def test_a_run_of_the_live_version_starts_what_was_seen(place: Site, kit: Kit) -> None:
    agent = kit.made("started")
    seen, newer = kit.version(agent, "seen"), kit.version(agent, "newer")
    kit.deploy(agent, seen)
    with place.client() as client:
        assert ">Start a run</button>" in client.get(f"/agents/{agent.id}").text
        assert ">Start a run</button>" not in client.get(f"/agents/{agent.id}?version={newer.id}").text
        page_of(client.post(f"/agents/{agent.id}/versions/{seen.id}/runs", data={"input": "hello"}))
        kit.deploy(agent, newer)
        answer = client.post(f"/agents/{agent.id}/versions/{seen.id}/runs", data={"input": "typed before"})
    assert answer.status_code == 409
    assert "nothing was started" in answer.text
    assert "typed before" in answer.text


def test_an_input_that_does_not_fit_is_refused_in_words_and_kept(place: Site, kit: Kit) -> None:
    """Item 36."""
    agent = kit.made("schemas")
    version = kit.version(agent, "v1", inputSchema=SCHEMA)
    path = f"/agents/{agent.id}/versions/{version.id}/test-run"
    with place.client() as client:
        form = client.get(f"/agents/{agent.id}").text
        answer = client.post(path, data={"in.order": "o-1 <i>", "in.amount": "much"})
        unfit = client.post(path, data={"in.order": "o-1", "in.amount": "-1"})
        page_of(client.post(path, data={"in.order": "o-1", "in.amount": "12.5"}))
    assert 'name="in.order"' in form
    assert unfit.status_code == 422
    assert "Expected an input that fits version" in unfit.text
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "Give a number" in answer.text
    assert "\no-1 &lt;i&gt;</textarea>" in answer.text


def test_json_that_cannot_be_read_is_refused_and_kept(place: Site, kit: Kit) -> None:
    agent = kit.made("json")
    version = kit.version(agent, "v1")
    with place.client() as client:
        answer = client.post(
            f"/agents/{agent.id}/versions/{version.id}/test-run", data={"input": '{"half": ', "json": "1"}
        )
    assert answer.status_code == 422
    assert "Give JSON." in answer.text
    assert "{&#34;half&#34;: " in answer.text


# -- what is live --------------------------------------------------------------------------------------------------


def test_deploy_roll_back_and_retract(place: Site, kit: Kit) -> None:
    """Items 24, 26, 27."""
    agent = kit.made("lifecycle")
    old, new = kit.version(agent, "old"), kit.version(agent, "new")
    with place.client() as client:

        def act(path: str, **fields: str) -> str:
            return client.get(page_of(client.post(f"/agents/{agent.id}/{path}", data=fields))).text

        assert "The version is live" in act(f"versions/{old.id}/deploy", digest=old.digest)
        text = act(f"versions/{new.id}/deploy", digest=new.digest)
        assert kit.agent("lifecycle").deployed_version_id == new.id
        assert "deployed, live" in text
        seen = client.get(f"/agents/{agent.id}?version={old.id}").text
        assert "Roll back now" in seen
        assert "The older version is live again." in act(f"versions/{old.id}/rollback")
        assert kit.agent("lifecycle").deployed_version_id == old.id
        assert "Nothing is deployed any more." in act("retract")
        again = client.post(f"/agents/{agent.id}/retract")
        assert again.status_code == 409
        assert "Expected a deployed version" in again.text


def test_what_was_seen_is_what_goes_live(place: Site, kit: Kit) -> None:
    agent = kit.made("seen")
    version = kit.version(agent, "v1")
    with place.client() as client:
        answer = client.post(f"/agents/{agent.id}/versions/{version.id}/deploy", data={"digest": "of what I saw"})
    assert answer.status_code == 409
    assert "Expected version" in answer.text
    assert "as it was read, but it has changed" in answer.text
    assert kit.agent("seen").deployed_version_id is None


def test_delete_a_testing_version_and_not_the_live_one(place: Site, kit: Kit) -> None:
    """Item 29."""
    agent = kit.made("deleting")
    live, other = kit.version(agent, "live"), kit.version(agent, "other")
    kit.deploy(agent, live)
    with place.client() as client:
        text = client.get(page_of(client.post(f"/agents/{agent.id}/versions/{other.id}/delete"))).text
        assert "The version is deleted." in text
        assert ">other<" not in text
        refused = client.post(f"/agents/{agent.id}/versions/{live.id}/delete")
    assert refused.status_code == 409
    assert "Expected to delete a testing version, but" in refused.text


def test_code_alone_writes_the_versions_of_a_loaded_agent(place: Site, kit: Kit) -> None:
    agent = kit.agent()
    with place.client() as client:
        text = client.get(f"/agents/{agent.id}").text
        assert "Its versions are written by the code alone" in text
        assert "Delete now" not in text


def test_block_with_a_reason_and_clear_it_with_a_note(place: Site, kit: Kit) -> None:
    """Items 47, 48."""
    agent = kit.made("blocking")
    version = kit.version(agent, "v1")
    with place.client() as client:
        empty = client.post(f"/agents/{agent.id}/block", data={"reason": "  "})
        assert empty.status_code == 422
        text = client.get(page_of(client.post(f"/agents/{agent.id}/block", data={"reason": "pays <too> much"}))).text
        assert "No run of this agent starts." in text
        assert "pays &lt;too&gt; much" in text
        refused = client.post(f"/agents/{agent.id}/versions/{version.id}/test-run", data={"input": "kept words"})
        assert refused.status_code == 409
        assert "not to be blocked" in refused.text
        assert "kept words" in refused.text
        assert client.post(f"/agents/{agent.id}/unblock", data={"note": ""}).status_code == 422
        cleared = client.get(page_of(client.post(f"/agents/{agent.id}/unblock", data={"note": "mended"}))).text
        assert "The block is cleared" in cleared
        page_of(client.post(f"/agents/{agent.id}/versions/{version.id}/test-run", data={"input": "in"}))


def test_a_trigger_is_switched_off_and_on(place: Site, kit: Kit) -> None:
    agent = kit.made("triggered")
    kit.version(agent, "v1")
    trigger = kit.trigger(agent, "shop")
    with place.client() as client:
        text = client.get(f"/agents/{agent.id}").text
        assert "Switch off shop" in text
        assert "never" in text
        off = client.get(page_of(client.post(f"/agents/{agent.id}/triggers/{trigger.id}/deactivate"))).text
        assert "switched off" in off
        assert "Activate shop" in off
        page_of(client.post(f"/agents/{agent.id}/triggers/{trigger.id}/activate"))
        assert client.post(f"/agents/{agent.id}/triggers/trg_none/activate").status_code == 404


# -- who may -------------------------------------------------------------------------------------------------------


def test_who_may_see_agents_and_who_may_act(place: Site, kit: Kit) -> None:
    """Item 3, 7."""
    agent = kit.made("roles")
    version = kit.version(agent, "v1")
    kit.deploy(agent, version)
    trigger = kit.trigger(agent)
    acts = [f"versions/{version.id}/{act}" for act in ("deploy", "rollback", "delete", "test-run", "runs")]
    acts += ["retract", "block", "unblock", f"triggers/{trigger.id}/activate", f"triggers/{trigger.id}/deactivate"]
    with place.client("operator") as client:
        assert client.get("/agents").status_code == 403
        assert client.get(f"/agents/{agent.id}").status_code == 403
        assert 'href="/agents"' not in client.get("/review").text
        assert {client.post(f"/agents/{agent.id}/{act}", data={"a": "b"}).status_code for act in acts} == {403}
    with place.client("auditor") as client:
        text = client.get(f"/agents/{agent.id}").text
        assert '<form method="post" action="/agents' not in text
        assert {client.post(f"/agents/{agent.id}/{act}", data={"a": "b"}).status_code for act in acts} == {403}
    with place.client("developer") as client:
        assert "Test run" in client.get(f"/agents/{agent.id}").text
    assert kit.agent("roles").deployed_version_id == version.id


def test_a_form_of_another_site_does_nothing(place: Site, kit: Kit) -> None:
    agent = kit.made("foreign")
    kit.deploy(agent, kit.version(agent, "v1"))
    with place.client() as client:
        answer = client.post(f"/agents/{agent.id}/retract", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert kit.agent("foreign").deployed_version_id is not None


# -- in a browser --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["desktop", "phone"])
def test_no_rule_of_accessibility_is_broken(place: Site, kit: Kit, opening: Opening, where: str, scheme: str) -> None:
    page = opening(place, place=where, color_scheme=scheme).new_page()
    for path in ("/agents", f"/agents/{kit.agent().id}", f"/agents/{kit.agent('schemas').id}"):
        page.goto(path)
        for opened in page.locator("details:not(.menu) > summary").all():
            opened.click()
        found = Axe().run(page)
        assert found.violations_count == 0, path + found.generate_report()
        wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room, path


def test_going_live_is_confirmed_without_scripts_too(place: Site, kit: Kit, opening: Opening) -> None:
    agent = kit.made("confirmed")
    version = kit.version(agent, "v1")
    page = opening(place, java_script_enabled=False).new_page()
    page.goto(f"/agents/{agent.id}")
    now = page.get_by_role("button", name="Deploy now")
    expect(now).to_be_hidden()
    page.get_by_text("Deploy v1 …").click()
    expect(page.get_by_text("From then on triggers and the API start v1")).to_be_visible()
    now.click()
    expect(page.get_by_role("status").filter(has_text="The version is live")).to_be_visible()
    assert kit.agent("confirmed").deployed_version_id == version.id


def test_a_new_run_shows_without_a_reload_and_leaves_forms_alone(place: Site, kit: Kit, opening: Opening) -> None:
    agent = kit.made("living")
    version = kit.version(agent, "v1")
    page = opening(place).new_page()
    page.goto(f"/agents/{agent.id}")
    expect(page.locator("#live")).to_have_text("Live")
    page.get_by_label("Input", exact=True).fill("half a thought")
    with place.client() as client:
        page_of(client.post(f"/agents/{agent.id}/versions/{version.id}/test-run", data={"input": "in"}))
    expect(page.get_by_text("Page 1 of 1 · 1 total")).to_be_visible()
    assert page.get_by_label("Input", exact=True).input_value() == "half a thought"


# -- what it is made of --------------------------------------------------------------------------------------------


def test_the_level_of_a_gate() -> None:
    levels = {tool.name: gated(tool.name, tool, "hitl").level for tool in (pay, look, book, move, send)}
    assert levels == {"pay": "asks", "look": "free", "book": "sometimes", "move": "asks", "send": "asks"}
    (inherited,) = TOOLS[-1].all()
    assert (gated("erase", inherited, "hitl").level, gated("erase", erase, "hitl").level) == ("asks", "free")
    assert gated("gone", None, "hitl").level == "gone"
    assert "such a call is refused" in gated("pay", pay, "request").why
    assert "the mode of the agent it works for" in gated("pay", pay, "sub_agent").why
    assert "refused" not in gated("look", look, "request").why


def test_the_schema_of_an_object_becomes_fields_and_any_other_json() -> None:
    form = form_of(SCHEMA)
    assert [(item.name, item.look, item.required) for item in form.controls] == [
        ("in.order", "text", True),
        ("in.amount", "number", True),
    ]
    whole = form_of({"type": "array", "items": {"type": "string"}})
    assert (whole.controls, whole.as_json, whole.text) == ((), True, '[\n  ""\n]')
    either = form_of({"type": "object", "properties": {"a": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {}]})
    assert (either.controls, either.as_json, either.text) == ((), True, '{\n  "a": ""\n}')
    assert form_of({}) == form_of(None)
    assert not form_of(None).as_json


def test_what_was_written_is_read_by_its_schema() -> None:
    assert input_of(SCHEMA, Fields({"in.order": ["12"], "in.amount": ["12.5"]})) == {"order": "12", "amount": 12.5}
    with pytest.raises(Unread) as caught:
        input_of(SCHEMA, Fields({"in.order": ["12"], "in.amount": ["much"]}))
    assert list(caught.value.errors) == ["in.amount"]


def test_a_text_stays_a_text_unless_it_is_said_to_be_json() -> None:
    assert input_of(None, Fields({"input": ["12"]})) == "12"
    assert input_of(None, Fields({"input": ["12"], "json": ["1"]})) == 12
    with pytest.raises(Unread):
        input_of(None, Fields({"input": ["{"], "json": ["1"]}))


def test_limits_are_told_in_words_and_none_is_left_out() -> None:
    told = dict(limits_of({"maxIterations": 10, "maxTokensPerRun": 400_000, "waitBudgetSec": 3600}))
    assert told == {"Model turns in a run": "10", "Tokens in a run": "400,000", "Waits for a time, together": "1 h"}
    asked = dict(limits_of({"questionTimeoutSec": 60, "onQuestionTimeout": "cancel"}))
    assert asked["When nobody answers a question"] == "the run is cancelled"
    assert asked["Extensions of that time"] == "10"
    hard = limits_of({"questionTimeoutSec": 60, "onQuestionTimeout": "cancel", "questionExtensions": 0})
    assert dict(hard)["Extensions of that time"] == "none"
