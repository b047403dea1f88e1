"""T77: every route of the OpenAPI by everybody who may come, and the exact status that each is answered.

A route that is not in tests/service/authtable.py fails. Foreign objects are not there at all: 404.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from sayso import web
from sayso.api.v1 import router
from sayso.server.application import plain_app
from tests.service.authtable import BROWSER, CALLERS, OPEN_PAGES, TABLE, Route, expected, shape
from tests.service.authworld import World, world
from tests.service.served import served

pytestmark = pytest.mark.anyio
SOMETIMES = {"error", "problem", "pendingUserTasks", "duplicateDelivery", "cancelled"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def cells(all_: World, method: str, path: str, route: Route) -> list[str]:
    """Ask as everybody, those who may first; return who was answered something else than the table says."""
    wanted = f"{path} {json.dumps(route.body)}"
    await all_.fresh(wanted)
    if path.endswith("/stream"):  # it would wait for the end
        await all_.clients["owner"].post(f"/v1/runs/{all_.ids['runId']}/cancel", json={})
    wrong = []
    for caller in sorted(CALLERS, key=lambda name: expected(route, name), reverse=True):
        if method != "GET" and expected(route, caller) < 400:
            await all_.fresh(wanted)
        status = await all_.ask(method, path, route, caller)
        if status != expected(route, caller):
            wrong.append(f"{method} {path} by {caller}: {status}, not {expected(route, caller)}")
    return wrong


def misleading(document: dict[str, Any], answers: dict[tuple[str, str], httpx.Response]) -> list[str]:
    """Return the routes whose example in the OpenAPI has other fields than what was answered."""
    shown = {
        (method.upper(), shape(path)): operation["responses"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    found = []
    for method, path in TABLE.keys() & answers.keys():
        answer = answers[method, path]
        media = shown[method, shape(path)][str(answer.status_code)].get("content", {})
        example = media.get("application/json", {}).get("example")
        if example is not None:
            given, listed = answer.json(), bool(answer.json().get("items"))
            wrong = _fields(example, listed=listed) ^ _fields(given, listed=listed)
            found += [f"{method} {path}: {wrong}"] if wrong else []
    return found


def _fields(value: Any, *, listed: bool) -> set[str]:
    """Return the names in an answer that are always there; those of the first listed item, too, where there are any."""
    of_item = value["items"][0] if listed else {}
    return (set(value) | {f"items/{name}" for name in of_item}) - SOMETIMES


async def test_every_route_answers_everybody_as_the_table_says(tmp_path: Path) -> None:
    mismatches = []
    async with world(tmp_path) as all_:
        for (method, path), route in TABLE.items():
            mismatches += await cells(all_, method, path, route)
        document = plain_app(all_.it.service, [router]).openapi()
    print(f"\nauth matrix: {len(TABLE) * len(CALLERS)} cells, {len(mismatches)} mismatches")
    assert not mismatches, "\n".join(mismatches)
    wrong = misleading(document, all_.answers)
    assert not wrong, "\n".join(wrong)


async def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it:
        paths = plain_app(it.service, [router]).openapi()["paths"]
    told = {(method.upper(), shape(path)) for path, methods in paths.items() for method in methods}
    assert told == {(method, shape(path)) for method, path in TABLE}, (
        "Expected an entry for every route. Hint: name its ability in tests/service/authtable.py."
    )


async def test_every_page_wants_a_browsers_session(tmp_path: Path) -> None:
    """Generated from the routes that the OpenAPI leaves out: a new one is held to it without being named anywhere."""
    hidden, let_in = set(), []
    async with world(tmp_path) as all_:
        await all_.fresh("{taskId}")
        for context in iter_route_contexts(plain_app(all_.it.service, [router, web.router]).router.routes):
            if not isinstance(context.original_route, APIRoute) or context.original_route.include_in_schema:
                continue
            path = re.sub(r"\{(\w+)[^}]*\}", lambda found: all_.ids.get(found[1], "x"), context.path)
            for method in context.methods or ():
                hidden.add((method, shape(context.path)))
                for caller in CALLERS if (method, shape(context.path)) not in OPEN_PAGES else ():
                    answer = None if caller == BROWSER else await all_.clients[caller].request(method, path)
                    let_in += (
                        [f"{method} {path} by {caller}"] if answer is not None and answer.status_code != 401 else []
                    )
    assert not let_in, "\n".join(let_in)
    assert hidden > OPEN_PAGES
