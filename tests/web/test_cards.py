"""The card of an approval: read, approved, rejected, edited; by plain HTTP and by mouse."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.served import desk
from tests.web.cardkit import Desk, desk_of
from tests.web.site import site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    paid: list[Any] = []
    with site(tmp_path_factory.mktemp("cards"), lambda db: [desk(db, paid)]) as found:
        yield desk_of(found, paid)


def test_a_card_shows_what_will_run_and_deciding_takes_two_presses(place: Desk) -> None:
    task = place.asked()
    with place.site.client() as client:
        shown = client.get(f"/review/{task}")
        assert shown.status_code == 200
        assert "Pay 5" in shown.text
        first = client.post(f"/review/{task}/decide", data={**place.hidden(shown.text), "say": "approve"})
        assert first.status_code == 200
        assert "Nothing is decided yet" in first.text
        assert place.status(task) == "pending"
        second = client.post(f"/review/{task}/decide", data={**place.hidden(first.text), "say": "approve"})
        assert (second.status_code, second.headers["location"]) == (303, f"/review/{task}")
        assert "Approved" in client.get(f"/review/{task}").text
    place.until_paid(1)


def test_a_rejection_needs_a_reason(place: Desk) -> None:
    task = place.asked()
    with place.site.client() as client:
        hidden = place.hidden(client.get(f"/review/{task}").text)
        refused = client.post(f"/review/{task}/decide", data={**hidden, "say": "reject"})
        assert refused.status_code == 422
        assert "Say why" in refused.text
        done = client.post(f"/review/{task}/decide", data={**hidden, "say": "reject", "note": "too much"})
        assert done.status_code == 303
        assert "too much" in client.get(f"/review/{task}").text
