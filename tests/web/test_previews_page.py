"""What a tool says that a call would change, on the card: whole, plain, and as its own word."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sayso import Agent, SqliteDb, tool
from sayso.testing import ScriptedModel, call
from tests.web.cardkit import Desk, desk_of
from tests.web.conftest import PLACES, Opening
from tests.web.site import site

LETTER = "Dear Ada,\n" + "".join(f"line {number}\n" for number in range(40)) + "yours"
HOSTILE = "<img src=//evil.example/a onerror=alert(1)>\u202e**bold**"
SAYS: dict[str, Any] = {
    "pair": {"before": {"refunded": "0.00", "left": 420, "to": "ada"}, "after": {"refunded": "420.00", "to": "ada"}},
    "text": {"before": LETTER, "after": LETTER.replace("line 20", "line twenty")},
    "same": {"before": 1, "after": 1},
    "values": {"rows": 3, "table": "orders"},
    "said": "3 rows of orders would go",
    "hostile": {"before": {HOSTILE: HOSTILE}, "after": {HOSTILE: "paypal.com and p\u0430ypal.com"}},
}


def programs(db: SqliteDb, done: list[Any]) -> list[Any]:
    def preview(case: str) -> Any:
        if case not in SAYS:
            raise RuntimeError(f"no case {case} {HOSTILE}")
        return SAYS[case]

    @tool(requires_confirmation=True, preview=preview, summary="Do {case}")
    def act(case: str, amount: int = 1) -> str:
        """Do it."""
        done.append((case, amount))
        return "done"

    def turn(request: Any) -> Any:
        said = request.messages[-1].text
        return call("act", case=said.split('"')[3] if "{" in said else said) if request.turn == 1 else "ended"

    return [Agent("desk", model=ScriptedModel(turn), tools=[act], db=db)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    with site(tmp_path_factory.mktemp("foretold"), lambda db: programs(db, done)) as found:
        yield desk_of(found, done)


def foretold(desk: Desk, case: str) -> str:
    """Return the part of a card that tells of the preview."""
    with desk.site.client() as client:
        page = client.get(f"/review/{desk.asked(text=case)}").text
    return page.partition('id="foretold-title"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("case", "texts"),
    [
        ("pair", ["Before and after", "told by the tool itself", "− 0.00", "+ 420.00", "is left out", "1 value stays"]),
        ("text", ["<del>− line 20</del>", "<ins>+ line twenty</ins>", "line 19", 'data-long="']),
        ("same", ["Nothing would change."]),
        ("values", ["What it would change", "orders", "whole number"]),
        ("said", ["What it would change", "3 rows of orders would go"]),
        ("else", ["No preview:", "RuntimeError: no case else", "U+202E", "&lt;img"]),
        ("hostile", ["U+202E", "&lt;img", "look alike"]),
    ],
)
def test_every_form_is_shown_whole_and_plain(desk: Desk, case: str, texts: list[str]) -> None:
    part = foretold(desk, case)
    assert [text for text in texts if text not in part] == []
    assert "<img" not in part


def test_edited_arguments_are_not_previewed_and_the_card_says_so(desk: Desk) -> None:
    task = desk.asked(text="pair")
    with desk.site.client() as client:
        page = client.get(f"/review/{task}").text
        assert "edited ones are not previewed" in page
        sent = {**desk.hidden(page), "say": "edit", "arg:case": "pair", "arg:amount": "2"}
        armed = client.post(f"/review/{task}/decide", data=sent).text
        assert "The preview above is of the proposed arguments, not of your changes." in armed
        client.post(f"/review/{task}/decide", data={**sent, **desk.hidden(armed)})
    desk.until(lambda: ("pair", 2) in desk.done)
    with desk.site.client() as client:
        assert "− 0.00" in client.get(f"/review/{task}").text, "it stays with the record"


def test_it_is_in_the_api_and_in_the_evidence(desk: Desk) -> None:
    task = desk.asked(text="pair")
    stored = desk.stored(task)
    with desk.site.client() as client:
        plain = client.get(f"/v1/user-tasks/{task}", headers={"Accept": "application/json"}).json()
        packet = client.get(f"/v1/sessions/{stored.session_id}/evidence", headers={"Accept": "application/json"})
    assert plain["request"]["call"]["preview"] == SAYS["pair"]
    shown = [one["shown"]["request"]["call"]["preview"] for one in packet.json()["parts"]["tasks"]]
    assert shown == [SAYS["pair"]]


def test_a_long_preview_is_folded_until_it_is_read_and_axe_finds_nothing(desk: Desk, opening: Opening) -> None:
    task = desk.asked(text="text")
    for place in PLACES:
        for scheme in ("light", "dark"):
            page = opening(desk.site, place=place, color_scheme=scheme).new_page()
            page.goto(f"/review/{task}")
            expect(page.get_by_role("button", name="Approve")).to_be_disabled()
            page.get_by_role("button", name="Show everything").click()
            expect(page.get_by_text("line twenty")).to_be_in_viewport()
            expect(page.get_by_role("button", name="Approve")).to_be_enabled()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert Axe().run(page).violations_count == 0
