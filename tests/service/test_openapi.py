"""Every route says in OpenAPI what it does, what it answers, with an example, and each code that it refuses with."""

import re
from pathlib import Path
from typing import Any

import pytest

from sayso.api.v1 import router
from sayso.server.application import plain_app
from sayso.server.routes import router as strict_router
from tests.service.served import served

pytestmark = pytest.mark.anyio
CODES = set(re.findall(r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs/reference/errors.md").read_text("utf-8")))
BARE = {"healthz", "readyz", "metrics"}
"""Without sign-in, and with answers whose schema says it all."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


MANAGEMENT = frozenset(
    {"agents", "versions", "triggers", "people", "keys", "me", "workspace", "audit", "reference paths"}
)
"""Tags of the routes for people; what each refuses is in docs/reference/api.md, tested in test_management*.py."""


def untold(document: dict[str, Any]) -> list[str]:
    """Return what routes leave out."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if MANAGEMENT & set(operation.get("tags", ())):
                continue
            found += [f"{method} {path}: {what}" for what in _missing(operation)]
    return found


def _missing(operation: dict[str, Any]) -> list[str]:
    answers = operation["responses"]
    found = [name for name in ("summary", "description", "tags") if not operation.get(name)]
    good = [status for status in answers if status.startswith("2")]
    examples = [media for status in good for media in answers[status].get("content", {}).values()]
    if operation["operationId"] not in BARE:
        found += [] if good and all("example" in media for media in examples) and examples else ["an example"]
        found += [status for status in ("401", "403", "429") if status not in answers]
    found += ["default is no documentation"] if "default" in answers else []
    for status, answer in answers.items():
        codes = set(re.findall(r"`([a-z_]+)`", answer["description"]))
        if not status.startswith("2") and (not codes or codes - CODES):
            found.append(f"the codes of {status}: {codes - CODES}")
    body = operation.get("requestBody")
    return found if body is None or body["required"] else [*found, "a required body"]


async def documents(folder: Path, *routers: Any) -> dict[str, Any]:
    async with served(folder, worker=False) as it:
        return plain_app(it.service, [router, *routers]).openapi()


async def test_every_route_tells_its_answers_and_refusals(tmp_path: Path) -> None:
    document = await documents(tmp_path)
    assert not untold(document)
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    bodies = [schema for name, schema in document["components"]["schemas"].items() if schema.get("properties")]
    assert bodies


async def test_a_route_that_tells_nothing_is_found(tmp_path: Path) -> None:
    bare = strict_router()

    @bare.get("/v1/bare")
    async def untold_route() -> None: ...

    found = untold(await documents(tmp_path, bare))
    assert {line.partition(": ")[2] for line in found} >= {"description", "tags", "an example", "401"}
