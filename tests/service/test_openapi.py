"""Every route says in OpenAPI what it does, what it answers, with an example, and each code that it refuses with."""

import re
from pathlib import Path
from typing import Any

import pytest

from sayso.api.v1 import router
from sayso.server.application import plain_app
from sayso.server.routes import router as strict_router
from tests.service.authtable import TABLE, shape
from tests.service.served import served

pytestmark = pytest.mark.anyio
CODES = set(re.findall(r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs/reference/errors.md").read_text("utf-8")))
BARE = {"healthz", "readyz", "metrics"}
"""With answers whose schema says it all."""
OPEN = {(method, shape(path)) for (method, path), route in TABLE.items() if route.needs == "nothing"}
"""What asks for no proof, so it refuses nobody for having none."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def untold(document: dict[str, Any]) -> list[str]:
    """Return what routes leave out."""
    return [
        f"{method} {path}: {what}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for what in _missing(operation, proof=(method.upper(), shape(path)) not in OPEN)
    ]


def _missing(operation: dict[str, Any], *, proof: bool) -> list[str]:
    answers = operation["responses"]
    found = [name for name in ("summary", "description", "tags") if not operation.get(name)]
    good = {status: answer for status, answer in answers.items() if status < "400"}
    found += [] if len(good) == 1 else [f"one good answer, not {sorted(good)}"]
    if operation["operationId"] not in BARE:
        found += [f"an example of {status}" for status, answer in good.items() if not _shown(status, answer)]
    found += [status for status in ("401", "403", "429") if proof and status not in answers]
    found += ["default is no documentation"] if "default" in answers else []
    for status, answer in answers.items():
        codes = set(re.findall(r"`([a-z_]+)`", answer["description"]))
        if status >= "400" and (not codes or codes - CODES):
            found.append(f"the codes of {status}: {codes - CODES}")
    body = operation.get("requestBody")
    return (
        found if body is None or _required(body) else [*found, "a body that is required, or may be left out as a whole"]
    )


def _shown(status: str, answer: dict[str, Any]) -> bool:
    """Tell whether an answer is shown: by an example, or by being empty."""
    if status == "204":
        return "content" not in answer
    return bool(answer.get("content")) and all("example" in media for media in answer["content"].values())


def _required(body: dict[str, Any]) -> bool:
    schemas = [media["schema"] for media in body["content"].values()]
    return body.get("required", False) or all({"type": "null"} in schema.get("anyOf", ()) for schema in schemas)


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
    assert {line.partition(": ")[2] for line in found} >= {"description", "tags", "an example of 200", "401"}


async def test_every_link_leads_from_what_an_answer_holds_to_an_operation_that_takes_it(tmp_path: Path) -> None:
    document = await documents(tmp_path)
    operations = {
        operation["operationId"]: {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    followed = 0
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for name, link in answer.get("links", {}).items():
                    (media,) = answer["content"].values()
                    assert set(link["parameters"]) == operations[link["operationId"]], (operation["operationId"], name)
                    for expression in link["parameters"].values():
                        found: Any = media["example"]
                        for part in expression.removeprefix("$response.body#/").split("/"):
                            found = found[int(part) if isinstance(found, list) else part]
                        assert isinstance(found, str), (operation["operationId"], name)
                    followed += 1
    assert followed >= 60
