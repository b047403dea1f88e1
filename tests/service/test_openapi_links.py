"""Every link that the OpenAPI tells is followed, each from a fresh answer, to an operation that knows what it names."""

from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.api.v1 import router
from sayso.server.application import plain_app
from tests.service.served import Served, served
from tests.service.test_api import pending, start

pytestmark = pytest.mark.anyio
_number = count()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Walk:
    """A client that makes what links start from, and follows them.

    Args:
        it: The service.
        client: Somebody who may do everything.
    """

    def __init__(self, it: Served, client: httpx.AsyncClient) -> None:
        self.it, self.client = it, client
        self.operations = {
            operation["operationId"]: (method, path, operation)
            for path, methods in plain_app(it.service, [router]).openapi()["paths"].items()
            for method, operation in methods.items()
        }

    async def asked(self, name: str, body: Any = None, **ids: str) -> httpx.Response:
        method, path, operation = self.operations[name]
        takes = operation.get("requestBody") is not None
        return await self.client.request(method, path.format(**ids), json=(body or {}) if takes else None)

    async def made(self, name: str, body: Any = None, **ids: str) -> dict[str, Any]:
        answer = await self.asked(name, body, **ids)
        assert answer.status_code < 300, f"{name}: {answer.text}"
        return answer.json()

    async def source(self, name: str) -> dict[str, Any]:  # noqa: C901 - an arm per operation
        """Return a fresh answer of an operation that has links."""
        desk, number = await self.it.agent_id(), next(_number)
        match name:
            case "start_run":
                return await self.made(name, agentId=desk)
            case "start_workflow":
                return await self.made(name, workflow="flow")
            case "get_run":
                return await self.made(name, runId=(await self.source("start_run"))["runId"])
            case "get_session":
                return await self.made(name, sessionId=(await self.source("start_run"))["sessionId"])
            case "get_task" | "complete_task":
                task = await pending(self.client, (await start(self.client, self.it))["runId"])
                return await self.made(name, {"approved": True}, taskId=task["id"])
            case "create_agent":
                return await self.made(name, {"name": f"agent {number}"})
            case "create_version" | "start_test_run":
                agent = (await self.source("create_agent"))["id"]
                fields = {"versionLabel": "v1", "llmModel": "stub:none"}
                version = await self.made("create_version", fields, agentId=agent)
                if name == "create_version":
                    return version
                return await self.made(name, agentId=agent, versionId=version["id"])
            case "create_trigger":
                return await self.made(name, {"name": "api"}, agentId=(await self.source("create_agent"))["id"])
            case "add_member":
                return await self.made(name, {"email": f"p{number}@example.com", "role": "operator"})
            case _:
                raise AssertionError(f"nobody knows how to get an answer of {name}")


def at(answer: Any, expression: str) -> str:
    for part in expression.removeprefix("$response.body#/").split("/"):
        answer = answer[int(part) if isinstance(answer, list) else part]
    return answer


async def test_every_link_is_followed(tmp_path: Path) -> None:
    async with served(tmp_path) as it, it.client(token=await it.token("owner")) as client:
        walk, followed = Walk(it, client), dict[str, int]()
        for name, (_, _, operation) in walk.operations.items():
            for status, answer in operation["responses"].items():
                for link in answer.get("links", {}).values():
                    found = await walk.source(name)
                    ids = {parameter: at(found, where) for parameter, where in link["parameters"].items()}
                    target = link["operationId"]
                    done = await walk.asked(target, **ids)
                    step = f"{name} -> [{status}] {target}"
                    assert str(done.status_code) in walk.operations[target][2]["responses"], f"{step}: {done.text}"
                    assert done.status_code not in {401, 403, 404, 405, 415}, f"{step}: {done.text}"
                    followed[step] = done.status_code
        reads = [step for step, status in followed.items() if status == 200]
        print(f"\nlinks: {len(followed)} followed, {len(reads)} answered 200,", sorted(set(followed.values())))
        assert len(followed) >= 80
        assert len(reads) >= 40
