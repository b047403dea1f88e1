"""T85 over HTTP: secrets that the process knows pass through everything a run and its management may hold.

Each place is taken two canaries: one that the process knows as a secret, and one that it does not, which shows that the
place is looked at at all. Then every answer of the API, the events of streams, the log, the figures, the spans and the
database with its WAL are searched, in every form, and inside of what is compressed.
"""

import asyncio
import base64
import gzip
import io
import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sayso import Agent, HumanReview, SqliteDb, Step, Team, ToolContext, ToolError, Worker, Workflow, tool
from sayso.app import logs
from sayso.app.secrets import scrub_logs
from sayso.app.service import Parts, compose
from sayso.stores.driver import sqlite_module
from sayso.testing import ScriptedModel, call
from tests.fault.test_canaries import written
from tests.service.authtable import TABLE
from tests.service.served import Served

pytestmark = pytest.mark.anyio
RESULTS = ("result raw", "result base64", "result hex", "result url", "result json")
PLACES = (
    "run input", "user id", "model text", *RESULTS, "free argument", "gated argument", "edited argument", "tool error",
    "lost call", "session state", "approve comment", "approve metadata", "reject comment", "uncertain comment",
    "text answer", "final answer", "child task", "child output", "model error", "workflow input", "step output",
    "review comment", "workflow output", "terminate reason", "complete reason", "cancel reason", "message",
    "agent name", "block reason", "unblock note", "instructions", "code instructions", "rule", "trigger name",
    "key name", "member name",
    "workspace name", "test run input",
)  # fmt: skip


def canary(place: str, *, known: bool) -> str:
    """Return one of the two canaries of a place; what is known has the signs that are written differently."""
    number = PLACES.index(place)
    return f"KNOWN{number:02d}/kq+é{number * 7919:06d}=z" if known else f"DECOY{number:02d}-kq{number * 7919:06d}z"


def both(place: str) -> str:
    return f"[{canary(place, known=True)}] [{canary(place, known=False)}]"


@tool
def look(what: str) -> Any:
    """Return what a place is to bring, in its form."""
    two = [canary(what, known=True), canary(what, known=False)]
    forms: dict[str, Any] = {
        "result raw": two,
        "result base64": [base64.b64encode(text.encode()).decode() for text in two],
        "result hex": [text.encode().hex() for text in two],
        "result url": [quote(text, safe="") for text in two],
        "result json": json.dumps({"body": json.dumps(two)}),
    }
    return forms[what]


@tool(effect="read")
def say(text: str) -> str:
    """Say it."""
    return "said"


@tool(requires_confirmation=True)
def pay(to: str) -> str:
    """Pay."""
    return "paid"


@tool
def refuse() -> str:
    """Refuse."""
    raise ToolError(both("tool error"))


@tool
def lose() -> str:
    """Lose the connection."""
    raise ConnectionResetError(both("lost call"))


@tool
def remember(ctx: ToolContext) -> str:
    """Change the session's state."""
    ctx.session_state["kept"] = both("session state")
    return "kept"


TOOLS = [look, say, pay, refuse, lose, remember]
TURNS: list[Any] = [
    [both("model text"), *[call("look", what=form) for form in RESULTS]],
    [call("say", text=both("free argument")), call("pay", to=both("gated argument"))],
    [call("pay", to="edit")],
    [call("pay", to="no")],
    [call("refuse"), call("remember"), call("lose")],
    [call("ask_human_text", question="?")],
    both("final answer"),
]


def failing(_: Any) -> Any:
    raise RuntimeError(both("model error"))


def programs(db: SqliteDb) -> list[Any]:
    kid = Agent("kid", model=ScriptedModel([both("child output")]), db=db, description="Works.")
    review = HumanReview(requires_confirmation=True)
    return [
        Agent("desk", model=ScriptedModel(TURNS), tools=TOOLS, db=db, instructions=both("code instructions")),
        Team("team", model=ScriptedModel([call("ask_kid", task=both("child task")), "done"]), members=[kid], db=db),
        Agent("failing", model=ScriptedModel(failing), db=db),
        Agent("talking", model=ScriptedModel([call("reply_and_wait", message="Which one?"), "done"]), db=db),
        Agent("waiting", model=ScriptedModel([call("pay", to="x"), "done"]), tools=[pay], db=db),
        Workflow("flow", db=db, steps=[
            Step("first", lambda _: both("step output")),
            Step("second", lambda _: both("workflow output"), human_review=review),
        ]),
    ]  # fmt: skip


@asynccontextmanager
async def serving(folder: Path) -> Any:
    known = [canary(place, known=True) for place in PLACES]
    with SqliteDb(folder / "sayso.db", synchronous="NORMAL", secrets=known) as db:
        scrub_logs(db.secrets)
        made = programs(db)
        service = await compose(Parts(db=db, programs=made))
        stop = asyncio.Event()
        working = asyncio.create_task(Worker(db, made).serve(stop))
        try:
            yield Served(db, service, [])
        finally:
            service.stopping.set()
            stop.set()
            service.news.close()
            await working


class Drive:
    """Somebody who takes the canaries to their places, and keeps every answer."""

    def __init__(self, it: Served, client: httpx.AsyncClient) -> None:
        self.it = it
        self.client = client
        self.answers: list[httpx.Response] = []
        self.ids: dict[str, str] = {"tenantId": "default", "workflow": "flow"}

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.client.request(method, path, json=body) if body is not None else await self.client.get(path)
        assert answer.status_code < 300, answer.text
        self.answers.append(answer)
        return answer.json() if answer.content else None

    async def post(self, path: str, body: Any) -> Any:
        return await self.send("POST", path, body)

    async def start(self, name: str, **body: Any) -> Any:
        return await self.post(f"/v1/agents/{await self.it.agent_id(name)}/runs?wait=30", body)

    async def decide(self, run: str, **body: Any) -> Any:
        """Answer what a run waits for, and return where it comes to rest then."""
        told = (await self.send("GET", f"/v1/runs/{run}?wait=30"))["pendingUserTasks"]
        await self.post(f"/v1/user-tasks/{told[0]['id']}/complete", body)
        return await self.send("GET", f"/v1/runs/{run}?wait=30")

    async def runs(self) -> None:
        begun = await self.start("desk", input={"note": both("run input")}, userId=both("user id"))
        run = self.ids["runId"] = begun["runId"]
        self.ids["sessionId"] = begun["sessionId"]
        told = {"seen": both("approve metadata")}
        await self.decide(run, approved=True, comment=both("approve comment"), metadata=told)
        await self.decide(run, approved=True, editedArguments={"to": both("edited argument")})
        await self.decide(run, approved=False, comment=both("reject comment"))
        await self.decide(run, selectedOptionId="not_happened", comment=both("uncertain comment"))
        done = await self.decide(run, textValue=both("text answer"))
        assert done["status"] == "Completed", done
        assert (await self.start("team"))["status"] == "Completed"
        assert (await self.start("failing"))["status"] == "Failed"
        talk = (await self.start("talking"))["runId"]
        await self.post(f"/v1/runs/{talk}/messages", {"text": both("message")})
        flow = await self.post("/v1/workflows/flow/runs?wait=30", {"input": both("workflow input")})
        assert (await self.decide(flow["runId"], approved=True, comment=both("review comment")))[
            "status"
        ] == "Completed"
        for end in ("terminate", "complete"):
            session = (await self.start("waiting"))["sessionId"]
            named = "note" if end == "complete" else "reason"
            await self.post(f"/v1/sessions/{session}/{end}", {named: both(f"{end} reason")})
        await self.post(f"/v1/runs/{(await self.start('waiting'))['runId']}/cancel", {"reason": both("cancel reason")})

    async def management(self) -> None:
        agent = (await self.post("/v1/agents", {"name": both("agent name")}))["id"]
        path = f"/v1/agents/{agent}"
        await self.post(f"{path}/block", {"reason": both("block reason")})
        await self.post(f"{path}/unblock", {"note": both("unblock note")})
        rule = {"id": "r", "then": "pause", "reason": both("rule"), "when": {"tool_name_in": ["pay"]}}
        fields = {"versionLabel": "v1", "llmModel": "stub:none", "instructions": both("instructions"), "rules": [rule]}
        version = (await self.post(f"{path}/versions", fields))["id"]
        await self.post(f"{path}/versions", {"versionLabel": "v2", "llmModel": "stub:none"})
        trigger = (await self.post(f"{path}/triggers", {"name": both("trigger name")}))["id"]
        person = {"email": "kim@example.com", "role": "operator", "name": both("member name")}
        await self.post("/v1/members", person)
        await self.send("PATCH", "/v1/workspace", {"name": both("workspace name")})
        desk = await self.it.agent_id()
        await self.post("/v1/keys", {"name": both("key name"), "scopes": [{"agentId": desk}]})
        deployed = (await self.send("GET", f"/v1/agents/{desk}"))["deployedVersionId"]
        await self.post(f"/v1/agents/{desk}/versions/{deployed}/test-runs", {"input": both("test run input")})
        self.ids |= {"dataAgentId": agent, "dataVersionId": version, "triggerId": trigger, "agentId": desk}

    async def read_everything(self) -> None:
        """Ask for whatever can be read: every route by GET, and every run and session by its own paths."""
        listed = (await self.send("GET", "/v1/sessions?take=100"))["items"]
        tasks = (await self.send("GET", "/v1/user-tasks?take=100&status=Completed"))["items"]
        self.ids["taskId"] = tasks[0]["id"]
        self.ids["personId"] = (await self.send("GET", "/v1/members"))["items"][0]["id"]
        paths = {path.format(**self.ids) for method, path in TABLE if method == "GET" and not path.startswith("/auth")}
        for item in listed:
            run = f"/v1/runs/{item['rootRunId']}"
            paths |= {f"/v1/sessions/{item['id']}/evidence", run, f"{run}/conversation", f"{run}/user-tasks"}
            paths |= {f"{run}/stream"} if item["status"] in {"Completed", "Failed"} else set()
        for path in sorted(paths):
            answer = await self.client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert "content-encoding" not in answer.headers
            self.answers.append(answer)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of a service, as `sayso serve` writes it."""
    kept, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("json", "debug", stream)
    yield stream
    structlog.configure(**kept)
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


def unpacked(data: bytes) -> bytes:
    """Return bytes with whatever is compressed in them, as gzip or zlib, unpacked behind them."""
    found = [data]
    for mark in (b"\x1f\x8b\x08", b"\x78\x9c", b"\x78\xda"):
        place = data.find(mark)
        while place >= 0:
            with suppress(zlib.error):
                found.append(zlib.decompressobj(wbits=47).decompress(data[place:], 10_000_000))
            place = data.find(mark, place + 1)
    return b"\n".join(found)


def stored(folder: Path) -> dict[str, bytes]:
    """Return the database, what lies beside it, and a backup of it, with every row in one piece."""
    with closing(sqlite_module().connect(folder / "sayso.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "backup.db"),))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"sayso.db", "sayso.db-wal", "backup.db"} <= files.keys()
    return files


def found_in(places: dict[str, bytes], *, known: bool) -> dict[str, list[str]]:
    """Return, by place, where its canary was found."""
    forms = {place: tuple(written(canary(place, known=known))) for place in PLACES}
    whole = {name: unpacked(data) for name, data in places.items()}
    return {
        place: where
        for place, texts in forms.items()
        if (where := [name for name, data in whole.items() if any(text in data for text in texts)])
    }


async def test_no_known_secret_is_in_anything_that_a_service_stores_answers_or_logs(
    tmp_path: Path, log: io.StringIO, spans: InMemorySpanExporter
) -> None:
    async with serving(tmp_path) as it, it.client(token=await it.token("owner")) as client:
        drive = Drive(it, client)
        await drive.runs()
        await drive.management()
        await drive.read_everything()
        places = stored(tmp_path)
    places |= {
        "the log": log.getvalue().encode(),
        "the spans": "\n".join(span.to_json() for span in spans.get_finished_spans()).encode(),
    }
    for number, answer in enumerate(drive.answers):
        head = " ".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        places[f"{number} {answer.request.method} {answer.request.url.path}"] = head + answer.content
    hits, looked_at = found_in(places, known=True), found_in(places, known=False)
    count = sum(len(where) for where in hits.values())
    print(f"\ncanaries over HTTP: {len(PLACES)} in {len(places)} places, {count} hits, {len(looked_at)} decoys found")
    assert places["the log"]
    assert places["the spans"]
    assert not hits, json.dumps(hits, indent=1)
    assert looked_at.keys() == set(PLACES), f"never there: {set(PLACES) - looked_at.keys()}"


def test_the_search_looks_into_what_is_compressed() -> None:
    text = canary("final answer", known=True).encode()
    for packed in (zlib.compress(text), zlib.compress(text, 9), gzip.compress(text)):
        assert found_in({"x": b"--" + packed + b"--"}, known=True) == {"final answer": ["x"]}
