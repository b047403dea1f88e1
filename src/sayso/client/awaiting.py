"""`AsyncSayso`: the client for coroutines. What it says of a call is in client/calls.py."""

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from sayso.client import calls, outside
from sayso.client.answers import Event, Run, Task
from sayso.client.calls import Call
from sayso.client.events import Following
from sayso.client.flow import Came, Flow, Paging, Pause, Retries, Send, calling, resting, session_of
from sayso.client.sending import access, lost, reply

P = ParamSpec("P")
T = TypeVar("T")


def _method(make: Callable[P, Call[T]]) -> Callable[Concatenate["AsyncSayso", P], Coroutine[Any, Any, T]]:
    """Return a call as a method that makes it."""

    @functools.wraps(make)
    async def method(self: "AsyncSayso", *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.call(make(*args, **kwargs))

    return method


class AsyncSayso:
    """Calls a service from coroutines; see `Sayso`, whose methods it has, to be awaited.

    Args:
        url: The service's address; without it, `SAYSO_URL`.
        api_key: An API key; without both this and `token`, `SAYSO_API_KEY`.
        token: A person's token; without both, and without `SAYSO_API_KEY`, `SAYSO_TOKEN`.
        timeout: Seconds to wait for an answer, beside what `wait` asks for.
        retries: When a call is made again.
        transport: What httpx should send by, e.g. an application in this process.

    Raises:
        Invalid: There is no address.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._access = access(url, api_key, token, timeout)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncSayso":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    start_run = _method(calls.start_run)
    get_run = _method(calls.get_run)
    get_conversation = _method(calls.get_conversation)
    list_run_tasks = _method(calls.list_run_tasks)
    send_run_message = _method(calls.send_run_message)
    skip_agent_wait_timer = _method(calls.skip_agent_wait_timer)
    cancel_run = _method(calls.cancel_run)
    decide = _method(calls.decide)
    list_sessions = _method(calls.list_sessions)
    get_session = _method(calls.get_session)
    terminate_session = _method(calls.terminate_session)
    complete_session = _method(calls.complete_session)
    page_user_tasks = _method(calls.page_user_tasks)
    get_user_task = _method(calls.get_user_task)
    complete_user_task = _method(calls.complete_user_task)
    claim_user_task = _method(calls.claim_user_task)
    release_user_task = _method(calls.release_user_task)
    list_workflows = _method(calls.list_workflows)
    start_workflow = _method(calls.start_workflow)

    async def wait_run(self, run_id: str, *, timeout: float | None = None) -> Run:
        """Wait until a run rests, i.e. has ended or needs somebody; after `timeout` seconds, return it as it is."""
        return await self._flow(resting(run_id, timeout, self._retries))

    async def list_user_tasks(
        self,
        *,
        status: calls.TaskStatus = "Pending",
        kind: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        session_id: str | None = None,
    ) -> AsyncIterator[Task]:
        """Yield all user tasks that fit, oldest first, page by page."""
        wanted = {"status": status, "kind": kind, "agent_id": agent_id, "run_id": run_id, "session_id": session_id}
        paging = Paging(wanted)
        while not paging.over:
            for task in await self._flow(paging.next(self._retries)):
                yield task

    async def stream_run_events(self, run_id: str, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """Yield what happens in a run's session until its end; a connection that breaks is taken up where it was.

        Args:
            run_id: Any run of the session.
            last_event_id: The `id` of the last event that is known already.

        Raises:
            ApiError: There is no such run, or the service stays away.
        """
        following = Following(run_id, last_event_id, self._retries)
        while not following.over:
            try:
                async with self._http.stream(**self._access.stream(run_id, following.connect())) as response:
                    if not following.opened(response.status_code, response.headers):
                        await response.aread()
                        following.broken(reply(response))
                    else:
                        async for data in response.aiter_bytes():
                            for event in following.take(data):
                                yield event
                        following.closed(await self._flow(session_of(run_id, self._retries)))
            except httpx.TransportError as error:
                following.broken(lost(error))
            await outside.apause(following.pause)

    async def call(self, call: Call[T]) -> T:
        """Make a call of client/calls.py."""
        return await self._flow(calling(call, self._retries))

    async def _flow(self, flow: Flow[T]) -> T:
        came: Came = None
        while True:
            try:
                step = flow.send(came)
            except StopIteration as end:
                return end.value
            match step:
                case Send():
                    came = await self._send(step)
                case Pause(seconds=seconds):
                    await outside.apause(seconds)
                    came = None

    async def _send(self, send: Send) -> Came:
        try:
            return reply(await self._http.request(**self._access.request(send)))
        except httpx.TransportError as error:
            return lost(error)
