"""Secret arguments in a terminal: dots, told one at a time, at a file and at the server that serves it."""

from collections.abc import Iterator
from typing import Any

import pytest

from sayso.model.ids import TaskId
from tests.cli.places import ran
from tests.service.test_secret_arguments import CANARY, programs
from tests.web.cardkit import Desk, desk_of
from tests.web.site import site


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    done: list[Any] = []
    with site(tmp_path_factory.mktemp("secrets"), lambda db: programs(db, done)) as found:
        yield desk_of(found, done)


def test_the_command_line_tells_one_too_at_a_file_and_at_a_server(desk: Desk) -> None:
    task = desk.asked()
    here, root = desk.site, desk.site.root

    async def token() -> str:
        directory = here.service.directory
        await directory.people.add(root, email="ann@example.com", role="operator")
        person = await directory.people.find(root, "ann@example.com")
        assert person is not None
        link = await directory.sign_in.make_link(root, person.person.id)
        browser = await directory.sign_in.by_link(link.text)
        return (await directory.tokens.create(browser.principal, name="test")).text

    server = {"SAYSO_URL": here.url, "SAYSO_API_KEY": here.do(token())}
    file = {"SAYSO_DATABASE": str(here.db.db_file)}
    for where in (file, server):
        card = ran("tasks", "show", task, env=where)
        assert '"password": "••••"' in card.stdout
        assert "--reveal PLACE" in card.stdout
        assert CANARY not in card.stdout + ran("tasks", "show", task, "--json", env=where).stdout
        told = ran("tasks", "show", task, "--reveal", "/password", env=where)
        assert (told.code, told.stdout) == (0, CANARY + "\n")
        assert ran("tasks", "show", task, "--reveal", "/password", "--json", env=where).json["value"] == CANARY
        wrong = ran("tasks", "show", task, "--reveal", "/user", env=where)
        assert wrong.code != 0
        assert "secret argument" in wrong.stderr
    kept = ran("tasks", "edit", task, "--content", '{"user": "eve", "password": "••••"}', env=server)
    assert kept.code == 0, kept.stderr
    desk.until(lambda: ("eve", CANARY) in desk.done)
    assert str(desk.stored(TaskId(task)).verdict) == "edit"
    lines = ran("audit", "export", env=file).stdout.splitlines()
    shown = [line for line in lines if "task.secret_shown" in line and task in line]
    assert len(shown) == 4
    assert CANARY not in "".join(lines)
