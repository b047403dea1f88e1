"""`Sayso`: the client for plain code. What it says of a call is in client/calls.py."""

import functools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

import httpx

from sayso.client import calls, managing, outside
from sayso.client.answers import Event, Run, Task
from sayso.client.calls import Call
from sayso.client.events import Following
from sayso.client.flow import Came, Flow, Paging, Pause, Retries, Send, calling, failure, resting, session_of
from sayso.client.sending import access, lost, reply, row

P = ParamSpec("P")
T = TypeVar("T")


def _method(make: Callable[P, Call[T]]) -> Callable[Concatenate["Sayso", P], T]:
    """Return a call as a method that makes it."""

    @functools.wraps(make)
    def method(self: "Sayso", *args: P.args, **kwargs: P.kwargs) -> T:
        return self.call(make(*args, **kwargs))

    return method


class Sayso:
    """Calls a service; every method is one call of its API.

    A call is made again on a lost connection, and on 429, 502, 503 and 504, after a pause; since a POST then carries
    the same Idempotency-Key, it is never acted upon twice. Proxies and certificates are those of httpx, which reads
    `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE` from the environment.

    Args:
        url: The service's address; without it, `SAYSO_URL`.
        api_key: An API key or a person's token; without this and `token`, `SAYSO_API_KEY`.
        token: A person's token.
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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._access = access(url, api_key, token, timeout)
        self._retries = retries or Retries()
        self._http = httpx.Client(transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Sayso":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
    extend_user_task = _method(calls.extend_user_task)
    claim_user_task = _method(calls.claim_user_task)
    reveal_secret = _method(calls.reveal_secret)
    assign_user_task = _method(calls.assign_user_task)
    release_user_task = _method(calls.release_user_task)
    list_workflows = _method(calls.list_workflows)
    start_workflow = _method(calls.start_workflow)
    list_runs = _method(managing.list_runs)
    get_journal = _method(managing.get_journal)
    list_calls = _method(managing.list_calls)
    list_agents = _method(managing.list_agents)
    get_me = _method(managing.get_me)
    list_members = _method(managing.list_members)
    add_member = _method(managing.add_member)
    change_member = _method(managing.change_member)
    remove_member = _method(managing.remove_member)
    disable_person = _method(managing.disable_person)
    enable_person = _method(managing.enable_person)
    list_invitations = _method(managing.list_invitations)
    invite = _method(managing.invite)
    revoke_invitation = _method(managing.revoke_invitation)
    list_keys = _method(managing.list_keys)
    create_key = _method(managing.create_key)
    revoke_key = _method(managing.revoke_key)
    list_tokens = _method(managing.list_tokens)
    revoke_token = _method(managing.revoke_token)
    list_audit = _method(managing.list_audit)
    verify_audit = _method(managing.verify_audit)
    get_evidence = _method(managing.get_evidence)

    def wait_run(self, run_id: str, *, timeout: float | None = None) -> Run:
        """Wait until a run rests, i.e. has ended or needs somebody; after `timeout` seconds, return it as it is."""
        return self._flow(resting(run_id, timeout, self._retries))

    def list_user_tasks(
        self,
        *,
        status: calls.TaskStatus = "Pending",
        kind: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        session_id: str | None = None,
    ) -> Iterator[Task]:
        """Yield all user tasks that fit, oldest first, page by page."""
        wanted = {"status": status, "kind": kind, "agent_id": agent_id, "run_id": run_id, "session_id": session_id}
        paging = Paging(wanted)
        while not paging.over:
            yield from self._flow(paging.next(self._retries))

    def stream_run_events(self, run_id: str, last_event_id: str | None = None) -> Iterator[Event]:
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
                with self._http.stream(**self._access.stream(run_id, following.connect())) as response:
                    if not following.opened(response.status_code, response.headers):
                        response.read()
                        following.broken(reply(response))
                    else:
                        for data in response.iter_bytes():
                            yield from following.take(data)
                        following.closed(self._flow(session_of(run_id, self._retries)))
            except httpx.TransportError as error:
                following.broken(lost(error))
            outside.pause(following.pause)

    def export_audit(self, *, since: datetime | None = None, action: str | None = None) -> Iterator[managing.Object]:
        """Yield the rows of the audit log in order, as `sayso audit export` writes them; a break is not mended.

        Raises:
            ApiError: It was refused, or the connection broke before the end.
        """
        wanted = self._access.lines(calls.at("audit", "export"), managing.export_query(since, action))
        try:
            with self._http.stream(**wanted) as response:
                if not response.is_success:
                    response.read()
                    raise failure(reply(response))
                for line in response.iter_lines():
                    yield row(line)
        except httpx.TransportError as error:
            raise failure(lost(error)) from error

    def call(self, call: Call[T]) -> T:
        """Make a call of client/calls.py."""
        return self._flow(calling(call, self._retries))

    def _flow(self, flow: Flow[T]) -> T:
        came: Came = None
        while True:
            try:
                step = flow.send(came)
            except StopIteration as end:
                return end.value
            match step:
                case Send():
                    came = self._send(step)
                case Pause(seconds=seconds):
                    outside.pause(seconds)
                    came = None

    def _send(self, send: Send) -> Came:
        try:
            return reply(self._http.request(**self._access.request(send)))
        except httpx.TransportError as error:
            return lost(error)
