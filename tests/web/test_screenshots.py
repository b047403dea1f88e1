"""The pictures of the README, taken from the demo: `SAYSO_SCREENSHOTS=1 ./dev test tests/web/test_screenshots.py`."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sayso import SqliteDb
from sayso.cli.demo import agent as case
from sayso.cli.demo.desk import Desk, build
from sayso.cli.demo.ledger import Ledger
from tests.web.conftest import Opening
from tests.web.site import Site, site

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
RENEW = bool(os.environ.get("SAYSO_SCREENSHOTS"))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Site]:
    desk = Desk(tmp_path)
    shutil.copyfile(ROOT / "src" / "sayso" / "cli" / "demo" / "refunds.csv", desk.input)
    made: list[Any] = []

    def programs(db: SqliteDb) -> list[Any]:
        made.extend([build(db, desk), case.build(db, Ledger(tmp_path / "case.jsonl"))])
        return made

    with site(tmp_path, programs) as found:
        workflow, agent = made
        found.do(agent.arun(case.case(), session_id="case-of-ida"))
        task = found.do(found.service.runtime.list_tasks()).tasks[0]
        with found.client("owner", "ana@example.com") as client:
            answer = client.post(
                f"/v1/user-tasks/{task.id}/complete",
                json={"textValue": "DE02120300000000202051"},
                headers={"Accept": "application/json"},
            )
            assert answer.status_code == 200, answer.text
        found.do(workflow.arun())
        yield found


@pytest.mark.parametrize(("name", "place", "scheme"), [("inbox", "desktop", "light"), ("inbox-phone", "phone", "dark")])
def test_the_demo_looks_as_the_readme_shows_it(
    demo: Site, opening: Opening, tmp_path: Path, name: str, place: str, scheme: str
) -> None:
    page = opening(demo, "owner", email="ana@example.com", place=place, color_scheme=scheme).new_page()
    page.goto("/review")
    row = page.locator(".task", has_text="Pay 180")
    expect(row).to_be_visible()
    row.locator("a").click()
    expect(page.locator("#card")).to_contain_text("Pay 180")
    expect(page.locator("#live")).to_have_text("Live")
    folder = IMAGES if RENEW else tmp_path
    folder.mkdir(exist_ok=True)
    page.screenshot(path=str(folder / f"{name}.png"))
    assert (folder / f"{name}.png").stat().st_size > 10_000
    assert f"docs/images/{name}.png" in (ROOT / "README.md").read_text("utf-8")
    assert (IMAGES / f"{name}.png").exists()
