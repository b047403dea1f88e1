"""What models, tools and clients write is shown whole and does nothing: T81, T82 and T84 in a real browser.

Every text stands in each place that others can write to: the sentence, the arguments with their names, the agent's own
words, options, outputs, errors, comments. Nothing leaves the service's own origin, no script runs, and every character
of an argument can be read on the card by scrolling down alone.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page

from sayso import Agent, HumanReview, OnError, SqliteDb, Step, Workflow, tool
from sayso.model.workspaces import Reach
from sayso.testing import ScriptedModel, call
from sayso.web.wording import hides
from tests.web.conftest import Opening
from tests.web.payloads import payloads
from tests.web.site import Site, site

EACH = 25
BATCHES = [payloads()[start : start + EACH] for start in range(0, 500, EACH)]


FOREIGN = """document.querySelectorAll(
    '[src*="evil"], [href*="evil"], [action*="evil"], script:not([src]), style, base, iframe, object, embed,'
    + '[hx-get*="evil"], [onerror], [onload], [data-id="forged"]').length"""
"""How many elements of a page can only have come out of a payload."""


def printable(text: str) -> str:
    """Return a text as it is read on the page: what hides as its code point, runs of line ends as they are."""
    return "".join(f"U+{ord(char):04X}" if hides(char) else char for char in text)


def preview(first: str, items: list[str], by_name: dict[str, str]) -> Any:
    named = dict(list(by_name.items())[:8])
    after = {**{name: text[::-1] for name, text in named.items()}, "lines": "\n".join(items[:4])}
    return {"before": {**named, "lines": first}, "after": after}


def programs(db: SqliteDb) -> list[Any]:
    @tool(requires_confirmation=True, summary="Do {first}", preview=preview)
    def act(first: str, items: list[str], by_name: dict[str, str]) -> str:
        """Do it."""
        raise RuntimeError(first)

    def turn(request: Any) -> Any:
        said = request.messages[-1].text
        if not said.startswith("batch "):
            return f"It ended so: {said}"
        texts = BATCHES[int(said.removeprefix("batch "))]
        by_name = {f"{text[:60]} {number}": text for number, text in enumerate(texts)}
        return [texts[1], call("act", first=texts[0], items=texts, by_name=by_name)]

    def options(request: Any) -> Any:
        said = request.messages[-1].text
        if not said.startswith("batch "):
            return "Done."
        texts = BATCHES[int(said.removeprefix("batch "))]
        shown = [{"id": f"o{number}", "label": text} for number, text in enumerate(texts[:5])]
        return [texts[6], call("ask_human_choice", question=texts[7], options=shown)]

    def write(step_input: Any) -> str:
        return "\n".join(BATCHES[int(step_input.input)])

    def fail(step_input: Any) -> str:
        raise ValueError("".join(BATCHES[int(step_input.input)]))

    review = HumanReview(requires_output_review=True, output_review_message="Good?")
    return [
        Agent("<b>desk</b> \u202e", model=ScriptedModel(turn), tools=[act], db=db),
        Agent("asker", model=ScriptedModel(options), db=db),
        Workflow("writer", steps=[Step("<i>write</i>", write, human_review=review)], db=db),
        Workflow("failer", steps=[Step("fail", fail, human_review=HumanReview(on_error=OnError.pause))], db=db),
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("hostile"), programs) as found:
        desk, asker, writer, failer = programs(found.db)
        for number in range(len(BATCHES)):
            found.do(desk.arun(f"batch {number}"))
            if number % 4 == 0:
                found.do(asker.arun(f"batch {number}"))
                found.do(writer.arun(str(number)))
                found.do(failer.arun(str(number)))
        for task in tasks_of(found):
            comment = BATCHES[hash(task.id) % len(BATCHES)][3]
            found.do(found.service.review.comment(task.id, comment or "-", found.root, reach_of(found)))
        yield found


def reach_of(place: Site) -> Any:
    return Reach(workspace_id=place.root.workspace.id)


def tasks_of(place: Site) -> Sequence[Any]:
    return place.do(place.service.runtime.list_tasks(limit=100)).tasks


def watched(page: Page, place: Site) -> list[str]:
    """Note every request that would leave the service's own origin."""
    left: list[str] = []
    page.on("request", lambda request: left.append(request.url) if not request.url.startswith(place.url) else None)
    page.on("dialog", lambda dialog: left.append(f"dialog {dialog.message}"))
    return left


def test_500_payloads_in_every_field_send_nothing_and_run_nothing(place: Site, opening: Opening) -> None:
    page = opening(place).new_page()
    left, open_pages, ran, made = watched(page, place), 0, 0, 0
    tasks = tasks_of(place)
    addresses = [f"/review/{task.id}" for task in tasks]
    addresses += [f"/sessions/{task.session_id}" for task in tasks[:: max(1, len(tasks) // 12)]]
    for address in ["/review", "/review?sort=due", "/sessions", "/dashboard", "/agents", *addresses]:
        page.goto(address)
        open_pages += 1
        ran += bool(page.evaluate("window.pwned !== undefined"))
        made += page.evaluate(FOREIGN)
    told = f"payloads {sum(map(len, BATCHES))}, pages {open_pages}"
    print(f"\n{told}, requests that left {len(left)}, scripts that ran {ran}, elements made of payloads {made}")
    assert (left, ran, made) == ([], 0, 0)


def shown_on(page: Page) -> list[str]:
    """Return the texts of the values on a card, as a person reads them, after everything was unfolded."""
    return page.eval_on_selector_all("#card .values .exact", "all => all.map(one => one.textContent)")


@pytest.mark.parametrize("place_name", ["phone", "desktop"])
def test_every_character_of_every_argument_can_be_read(place: Site, opening: Opening, place_name: str) -> None:
    page = opening(place, place=place_name).new_page()
    hidden_bytes = cards = 0
    for task in [task for task in tasks_of(place) if task.spec.request.kind == "approval"]:
        page.goto(f"/review/{task.id}")
        everything = page.get_by_role("button", name="Show everything")
        if everything.count():
            assert page.get_by_role("button", name="Approve").is_disabled()
            everything.click()
        assert page.get_by_role("button", name="Approve").is_enabled()
        arguments = task.spec.request.call.arguments
        text = "\n".join(shown_on(page))
        for value in [arguments["first"]]:
            hidden_bytes += printable(value) not in text
        for value in [*arguments["items"], *arguments["by_name"].values()]:
            written = _as_json(value)
            hidden_bytes += printable(written) not in text
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), task.id
        cut = page.eval_on_selector_all(
            "#card .exact, #card th .name", "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
        )
        assert cut == 0, task.id
        cards += 1
    print(f"\n{place_name}: cards {cards}, values that are not shown whole {hidden_bytes}")
    assert hidden_bytes == 0


def _as_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def test_no_code_point_is_unseen(place: Site) -> None:
    """Each character that shows nothing by itself stands on the card as a chip; what is typed stays as it is."""
    odd = sorted({char for text in itertools.chain(*BATCHES) for char in text if hides(char)})
    assert len(odd) > 20
    with place.client() as client:
        text = "".join(client.get(f"/review/{task.id}").text for task in tasks_of(place))
    unseen = [f"U+{ord(char):04X}" for char in odd if f"U+{ord(char):04X}</span>" not in text and ord(char) > 0x1F]
    print(f"\ncode points {len(odd)}, unseen {len(unseen)}")
    assert unseen == []
