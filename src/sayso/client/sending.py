"""From calls to requests of httpx, and from its responses to what came: the same for both clients."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx

from sayso.client.calls import at
from sayso.client.errors import ServerFailed
from sayso.client.flow import Lost, Reply, Send
from sayso.model.errors import Invalid
from sayso.model.json import Json

URL, API_KEY = "SAYSO_URL", "SAYSO_API_KEY"
_OF_PEOPLE = "sayso_cli_"
"""How a person's token begins; everything else is taken for an API key."""
_SILENT = 60.0
"""How many seconds a stream may say nothing; a service sends a sign of life four times as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a service is, and how to prove who one is there."""

    url: str
    timeout: float
    headers: Mapping[str, str]

    def request(self, send: Send) -> dict[str, Any]:
        """Return the arguments of httpx's `request`."""
        call = send.call
        keyed = {} if send.key is None else {"Idempotency-Key": send.key}
        typed = {} if call.body is None else {"Content-Type": "application/json"}
        return {
            "method": call.method,
            "url": self.url + call.path,
            "params": call.query,
            "content": None if call.body is None else json.dumps(call.body, allow_nan=False).encode(),
            "headers": {**self.headers, **keyed, **typed, "Accept": "application/json"},
            "timeout": httpx.Timeout(self.timeout, read=self.timeout + call.wait),
        }

    def lines(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments of httpx's `stream` for an answer of lines."""
        return {
            "method": "GET",
            "url": self.url + path,
            "params": query,
            "headers": {**self.headers, "Accept": "application/x-ndjson"},
            "timeout": httpx.Timeout(self.timeout, read=max(_SILENT, self.timeout)),
        }

    def stream(self, run_id: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments of httpx's `stream` for the events of a run's session."""
        return {
            "method": "GET",
            "url": self.url + at("runs", run_id, "stream"),
            "headers": {**self.headers, **headers},
            "timeout": httpx.Timeout(self.timeout, read=max(_SILENT, self.timeout)),
        }


def access(url: str | None, api_key: str | None, token: str | None, timeout: float) -> Access:
    """Return the access that arguments and the environment give; an argument wins.

    A key and a token are told apart by how they begin, so that one variable, and one argument, can hold either.

    Raises:
        Invalid: There is no address, or it is none of http or https.
    """
    base = (url or os.environ.get(URL) or "").rstrip("/")
    if not base:
        raise Invalid("Expected the address of a service.", hint=f"Give url, or set {URL}.")
    if not base.startswith(("http://", "https://")):
        raise Invalid(f"Expected an address that begins with http:// or https://, but got {base!r}.")
    given = api_key or token if api_key is not None or token is not None else os.environ.get(API_KEY)
    return Access(url=base, timeout=timeout, headers=_proof(given, is_token=not api_key and token is not None))


def _proof(given: str | None, *, is_token: bool) -> dict[str, str]:
    """Return the header that presents a key or token.

    Raises:
        Invalid: It cannot be in a header, so it is none.
    """
    if not given:
        return {}
    if not (given.isascii() and given.isprintable()) or " " in given:
        raise Invalid(
            "Expected a key or token of plain characters, but there are others in it.", hint=f"See {API_KEY}."
        )
    return {"Authorization": f"Bearer {given}"} if is_token or given.startswith(_OF_PEOPLE) else {"X-API-Key": given}


def reply(response: httpx.Response) -> Reply:
    """Return what was answered; the response must have been read."""
    found = Reply(response.status_code, response.headers, response.content)
    if not response.is_success:
        return found
    try:
        return Reply(found.status, found.headers, found.body, response.json())
    except ValueError:
        return found


def row(line: str) -> Mapping[str, Json]:
    """Return the object of one line.

    Raises:
        ServerFailed: It is none.
    """
    try:
        found: object = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ServerFailed("Expected lines of JSON objects, but one is something else.", status=200)
    return cast("dict[str, Json]", found)


def lost(error: httpx.TransportError) -> Lost:
    """Return what is known of an answer that did not come.

    Raises:
        Invalid: The address itself is wrong, so that none can come.
    """
    if isinstance(error, httpx.UnsupportedProtocol):
        raise Invalid(f"Expected an address of http or https, but: {error}.") from error
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
    return Lost(f"{error or type(error).__name__}".rstrip("."), sent=not unsent)
