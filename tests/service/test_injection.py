"""T75, T76, T95: what is sent or stored stays data, and who guesses secrets is not listened to.

Injections go into every query parameter, path id, cursor and header that the OpenAPI names; hostile rows are written
straight into the database; reserved keys of serializers stay keys.
"""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sayso.api.v1 import router
from sayso.server.application import plain_app
from sayso.stores.driver import sqlite_module
from tests.service.served import served
from tests.service.test_api import pending, start

pytestmark = pytest.mark.anyio
SRC = Path(__file__).parents[2] / "src" / "sayso"
BANNED = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
QUOTES = ("'", '"', "`", "')", "'))", '")', "", "\\'", "%27", "\u02bc", "\uff07", ";", "--", "/*", "]")
ENDS = (
    " OR 1=1 --", " OR '1'='1", "; DROP TABLE runs; --", " UNION SELECT name FROM sqlite_master --", " AND 1=0 --",
    " OR sleep(5) --", "; SELECT pg_sleep(5) --", " || (SELECT 1) ||", " AND randomblob(500000000) --", "*/ OR 1/*",
    " ORDER BY 99 --", "; ATTACH DATABASE '/tmp/x' AS x; --", " LIKE '%", " GLOB '*", " AND json_extract(x,'$.a') --",
    "; PRAGMA writable_schema=1; --", " HAVING 1=1 --", " LIMIT 1 OFFSET 99 --", " IN (SELECT id FROM runs) --",
    "${7*7}{{7*7}}<script>",
)  # fmt: skip
PAYLOADS = [f"x{quote}{end}" for quote in QUOTES for end in ENDS]
RESERVED = {
    "$": "sayso.model.runs.Run", "$type": "x", "__class__": "os.system", "__reduce__": ["os.system", ["true"]],
    "lc": 1, "type": "constructor", "id": ["langchain", "llms", "OpenAI"], "py/object": "os.system",
    "!!python/object": "x", "__proto__": {"admin": True}, "inner": [{"$": {"$": "datetime"}, "__class__": None}],
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


CREDENTIALS = {"x-api-key", "authorization"}


def places(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return every parameter of every route that reads, as path, place and name; and for each route one of no name."""
    found = []
    for path, methods in document["paths"].items():
        if "get" in methods:
            given = [(one["in"], one["name"]) for one in methods["get"].get("parameters", [])]
            found += [(path, where, name) for where, name in given if name.lower() not in CREDENTIALS]
            found.append((path, "key", ""))
    return found


async def _attack(folder: Path, chosen: Callable[[int], list[str]]) -> None:
    """Send payloads to every parameter, and as the name of one; nothing may be found, changed or kept busy by them."""
    async with served(folder) as it, it.client(token=await it.token("owner")) as client:
        run = await start(client, it)
        task = await pending(client, run["runId"])
        ids = {"runId": run["runId"], "sessionId": run["sessionId"], "taskId": task["id"], "workflow": "flow"}
        ids |= {"agentId": await it.agent_id(), "tenantId": "default", "versionId": "ver_1", "triggerId": "trg_1"}
        ids["personId"] = (await client.get("/v1/members")).json()["items"][0]["id"]
        found = places(plain_app(it.service, [router]).openapi())
        plain = [await _ask(client, path, {}, {}, ids) for path, _, _ in found]
        before = _rows(folder)
        asked = [
            (where, plain[number][2], await _inject(client, path, where, name, payload, ids))
            for number, (path, where, name) in enumerate(found)
            for payload in chosen(number)
        ]
        listed = (await client.get("/v1/user-tasks")).json()["items"]
        assert [item["id"] for item in listed] == [task["id"]]
        assert _rows(folder) == before
    wrong = [answer for _, _, answer in asked if answer[0] not in {200, 404, 422, 400}]
    assert not wrong, wrong[:5]
    more = [answer for where, plainly, answer in asked if answer[2] > (plainly if where == "key" else 0)]
    assert not more, f"an injection found rows: {more[:5]}"
    assert not [answer for where, _, answer in asked if where == "path" and answer[0] == 200]
    slowest = max(answer[3] for _, _, answer in asked)
    assert slowest < 5, "Expected no payload to keep the database busy."
    print(f"\ninjections: {len(asked)} in {len(found)} places, injected 0, slowest {slowest:.2f} s")


async def test_three_hundred_injections_in_every_parameter_find_and_change_nothing(tmp_path: Path) -> None:
    """Each of the 300 somewhere, and twelve in every place; all of them everywhere by `-m slow`."""
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 300
    await _attack(tmp_path, lambda number: PAYLOADS[number % 25 :: 25])


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_every_injection_in_every_parameter_finds_and_changes_nothing(tmp_path: Path) -> None:
    await _attack(tmp_path, lambda _: PAYLOADS)


async def _inject(client: Any, path: str, where: str, name: str, payload: str, ids: dict[str, str]) -> Any:
    address, headers, query = path, {}, {}
    if where == "path":
        address = path.replace(f"{{{name}}}", quote(payload, safe=""))
    elif where == "header":
        headers[name] = payload.encode()
    else:
        query[payload if where == "key" else name] = payload
    return await _ask(client, address, query, headers, ids)


async def _ask(client: Any, path: str, query: dict[str, str], headers: dict[str, bytes], ids: dict[str, str]) -> Any:
    """Return the status, what was asked, how many rows were listed, and how long it took."""
    address = path.format(**ids)
    if path.endswith("{runId}/stream") and not headers:  # it would wait for the end of the run
        return 200, address, 0, 0.0
    answer = await client.get(address, params=query, headers=headers)
    is_list = answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    items = answer.json().get("items") or [] if is_list else []
    return answer.status_code, f"{address} {query} {headers}", len(items), answer.elapsed.total_seconds()


def _rows(folder: Path) -> dict[str, int]:
    with sqlite_module().connect(folder / "sayso.db") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        kept = [name for name in tables if name not in {"credentials", "api_keys", "audit"}]  # reading is written down
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in kept}


async def test_injections_as_idempotency_keys_act_once_each(tmp_path: Path) -> None:
    async with served(tmp_path, worker=False) as it, it.client(key=await it.key()) as client:
        path = f"/v1/agents/{await it.agent_id()}/runs"
        plain = [payload for payload in PAYLOADS if payload.isascii()][::12]
        for payload in plain:
            first, second = [
                await client.post(path, json={}, headers={"Idempotency-Key": payload}) for _ in range(2)
            ]  # fmt: skip
            assert (first.status_code, second.status_code) == (202, 202), payload
            assert first.json()["runId"] == second.json()["runId"]
        sessions = (await client.get("/v1/sessions")).json()
        assert sessions["total"] == len(plain)


async def test_reserved_keys_of_serializers_stay_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-secret-that-is-looked-for-everywhere")
    async with (
        served(tmp_path) as it,
        it.client(key=await it.key()) as client,
        it.client(token=await it.token("operator")) as person,
    ):
        run = (await start(client, it, input=RESERVED))["runId"]
        task = await pending(client, run)
        body = {"approved": True, "metadata": RESERVED}
        answer = await person.post(f"/v1/user-tasks/{task['id']}/complete", json=body)
        assert answer.status_code == 200, answer.text
        assert (await client.get(f"/v1/runs/{run}?wait=30")).json()["status"] == "Completed"
        conversation = (await client.get(f"/v1/runs/{run}/conversation")).json()
        assert conversation["session"]["input"] == RESERVED
        assert conversation["runs"][0]["input"] == RESERVED


HOSTILE = {
    "pickle": b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "an unknown type": b'{"$": "os.system", "value": "true"}',
    "an unknown encoding": b'{"$": "sayso/99", "v": 99}',
    "no JSON": b"\xff\xfe not json",
    "NaN": b'{"input": NaN}',
    "a lone surrogate": b'{"input": "\\ud800"}',
    "deep": b"[" * 5000 + b"]" * 5000,
    "empty": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_rows_in_the_database_are_refused_and_harm_no_other_run(tmp_path: Path, name: str) -> None:
    async with served(tmp_path) as it, it.client(token=await it.token("owner")) as client:
        good, bad = (await start(client, it))["runId"], (await start(client, it))["runId"]
        _overwrite(tmp_path, bad, HOSTILE[name])
        for path in (f"/v1/runs/{bad}", f"/v1/runs/{bad}/conversation", f"/v1/runs/{bad}/user-tasks"):
            answer = await client.get(path)
            assert answer.status_code in {200, 409, 422, 500}, answer.text
            if answer.status_code == 500:
                assert answer.json()["code"] != "unexpected", answer.text
            assert "system" not in answer.text.replace("os.system", "")
        assert (await client.get(f"/v1/runs/{good}/conversation")).status_code == 200


def _overwrite(folder: Path, run: str, data: bytes) -> None:
    with sqlite_module().connect(folder / "sayso.db", timeout=20) as connection:
        changed = connection.execute("UPDATE journal SET data = ? WHERE run_id = ? AND seq = 1", (data, run))
        assert changed.rowcount == 1


def test_no_unpickling_and_no_evaluation_in_the_sources() -> None:
    found = []
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=names):
                    found += [path for alias in names if alias.name.partition(".")[0] in BANNED]
                case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in BANNED:
                    found.append(path)
                case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "__import__")):
                    found.append(path)
    assert not found


HOOK = """
import builtins, sys, pickle, marshal, asyncio, tempfile
from pathlib import Path
import sayso.app.service, sayso.server.application, sayso.api.v1, tests.service.served as kit  # all is loaded before
loads = []
pickle.loads = pickle.load = pickle.Unpickler = lambda *a, **k: loads.append("pickle")
for name in ("eval", "exec"):
    real = getattr(builtins, name)
    def spy(*a, _real=real, _name=name, **k):
        where = sys._getframe(1).f_code.co_filename
        if "/src/sayso/" in where: loads.append(f"{_name} {where}")
        return _real(*a, **k)
    setattr(builtins, name, spy)
async def main():
    async with kit.served(Path(tempfile.mkdtemp())) as it, it.client(token=await it.token("owner")) as client:
        begun = await client.post(f"/v1/agents/{await it.agent_id()}/runs?wait=20", json={"input": {"$": 1, "lc": 1}})
        task = begun.json()["pendingUserTasks"][0]["id"]
        await client.post(f"/v1/user-tasks/{task}/complete", json={"approved": True})
        done = (await client.get(f"/v1/runs/{begun.json()['runId']}?wait=20")).json()
        assert done["status"] == "Completed", done
asyncio.run(main())
assert not loads, loads
print("loads: 0", file=sys.stderr)
"""


def test_a_whole_run_unpickles_and_evaluates_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOOK], cwd=SRC.parents[1], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "loads: 0" in done.stderr


async def test_guessing_secrets_is_answered_429(tmp_path: Path) -> None:
    """T95: keys and tokens alike; the wait is told, and a good secret waits, too."""
    async with served(tmp_path, worker=False) as it, it.client() as client:
        good = await it.token("owner")
        statuses = []
        for number in range(60):
            wrong = {"X-API-Key": f"sayso_live_{number}"} if number % 2 else {"Authorization": f"Bearer x{number}"}
            answer = await client.get("/v1/sessions", headers=wrong)
            statuses.append(answer.status_code)
        assert statuses == [401] * 20 + [429] * 40
        assert answer.json()["code"] == "too_many_guesses"
        assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/v1/sessions", headers={"Authorization": f"Bearer {good}"})).status_code == 429
        assert (await client.get("/healthz")).status_code == 200


async def test_who_presents_nothing_has_guessed_nothing(tmp_path: Path) -> None:
    """A page that is not signed in asks often; that must not lock out everybody behind the same address."""
    async with served(tmp_path, worker=False) as it, it.client() as client:
        for _ in range(60):
            assert (await client.get("/v1/sessions")).status_code == 401
        good = {"Authorization": f"Bearer {await it.token('owner')}"}
        assert (await client.get("/v1/sessions", headers=good)).status_code == 200
