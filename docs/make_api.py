"""Write docs/reference/api.md from the application itself: `python docs/make_api.py`."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from fastapi.routing import iter_route_contexts

from sayso.api.v1 import router
from sayso.server.application import plain_app
from sayso.server.options import Options
from sayso.server.services import Services

PAGE = Path(__file__).parent / "reference" / "api.md"
HEAD = """# HTTP API

Drawn from the application, which also serves it as OpenAPI at `/openapi.json`. Bodies are strict JSON: unknown fields,
duplicate keys and converted types are refused. Names are camelCase, times RFC 3339 in UTC, lists `{items, total}`
with `skip` and `take` (at most 100) or a cursor. Every refusal is problem JSON with a stable `code`
([errors](errors.md)); any route may answer 400, 401, 404, 405, 413, 415, 422, 429 and 503 beside what is named here.

**Who asks** is told by `X-API-Key` (programs), `Authorization: Bearer` (people's tokens) or the cookie of a browser
session, in this order. **Needs** names the ability, of the table in [roles](roles.md); "anybody who is signed in" is
any person or key, "nobody in particular" needs no proof. What belongs to another workspace is not found (404).

**Idempotency.** `Idempotency-Key` on the POSTs that start, decide, send and end: the same key and body within 24 hours
are answered as the first time, with `duplicateDelivery: true`; another body is refused (`idempotency_key_reuse`).
Routes that make agents, versions and triggers need none, since a name is taken once; those that show a secret once
(keys, tokens, invitations) take none, since the answer is not kept.

**Changes on top of what was read.** Agents and versions carry an `ETag`. A change with `If-Match` is refused with
`changed_meanwhile` (409) where somebody else was faster; without it, or with `*`, the last one wins.

**Browsers.** `GET /login?once=` and `GET /join?once=` show a page whose button takes the link up by POST, so whoever
merely fetches a link uses nothing up; `POST /logout` ends the session, and `GET /auth/start` leads to the identity
provider, which sends back to `/auth/callback`. These are pages, like all that people see, and not part of the OpenAPI;
who asks for no HTML is refused with problems there, too. The session's cookie is `HttpOnly` and `SameSite=Lax`, and
behind TLS `Secure` with the prefix `__Host-`. What changes something by a cookie must come from this service's own
pages (`Sec-Fetch-Site`, else `Origin`), or is refused (`cross_site`).
"""
_ABILITY = re.compile(r'require\("(\w+)"\)')
_GROUPS = {
    "agents": "Agents and operations",
    "versions": "Versions",
    "triggers": "Triggers",
    "runs": "Runs",
    "sessions": "Sessions",
    "user tasks": "User tasks",
    "workflows": "Workflows",
    "me": "Oneself",
    "people": "People",
    "keys": "API keys",
    "workspace": "Workspace",
    "audit": "Audit",
    "reference paths": "Paths of the reference",
    "service": "The service itself",
}


def page() -> str:
    """Return the page's text."""
    services = Services(
        runtime=cast("Any", None),
        clock=cast("Any", None),
        ids=cast("Any", None),
        ready=cast("Any", None),
        options=Options(),
    )
    api = plain_app(services, [router])
    needs = dict(_needs(api))
    rows: dict[str, list[str]] = {}
    for path, methods in api.openapi()["paths"].items():
        for method, about in methods.items():
            group = (about.get("tags") or [""])[0]
            rows.setdefault(group, []).append(_row(method.upper(), path, about, needs[method.upper(), path]))
    parts = [f"\n## {title}\n\n{_TABLE}{''.join(rows[group])}" for group, title in _GROUPS.items() if group in rows]
    missing = rows.keys() - _GROUPS.keys()
    if missing:
        raise KeyError(f"Expected a heading for each of {sorted(missing)}; add it to _GROUPS.")
    return HEAD + "".join(parts)


_TABLE = "| Route | What it does | Needs | Answers |\n| --- | --- | --- | --- |\n"


def _row(method: str, path: str, about: dict[str, Any], needs: str) -> str:
    says = " ".join(about.get("description", about.get("summary", "")).split())
    answers = "; ".join(
        status if status.startswith(("2", "3")) else f"{status} {_codes(told)}"
        for status, told in sorted(about["responses"].items())
        if status not in {"default", "422"} or "Refused" in told["description"]
        if status != "default"
    )
    return f"| `{method} {path}` | {says} | {needs} | {answers} |\n"


def _codes(told: dict[str, Any]) -> str:
    return told["description"].removeprefix("Refused: ").rstrip(".")


def _needs(api: Any) -> Iterator[tuple[tuple[str, str], str]]:
    for context in iter_route_contexts(api.router.routes):
        endpoint = getattr(context.original_route, "endpoint", None)
        if isinstance(endpoint, FunctionType):
            for method in context.methods or ():
                yield (method, context.path), _need(endpoint)


def _need(endpoint: FunctionType) -> str:
    found = dict.fromkeys(ability for source in _sources(endpoint, set()) for ability in _ABILITY.findall(source))
    if found:
        return ", ".join(f"`{ability}`" for ability in found)
    asks = "asked" in inspect.signature(endpoint).parameters
    return "anybody who is signed in" if asks else "nobody in particular"


def _called(source: str) -> list[str]:
    """Return the names of what a source calls, and of what its parameters depend on."""
    return re.findall(r"\b((?:\w+\.)?\w+)\(", source) + re.findall(r"Depends\((\w+)\)", source)


def _sources(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Yield the source of a route, and of what it calls in the rooms of HTTP."""
    if function in seen or not function.__module__.startswith(("sayso.api", "sayso.server")):
        return
    seen.add(function)
    source = inspect.getsource(function)
    yield source
    for name in _called(source):
        scope, _, attribute = name.rpartition(".")
        holder = function.__globals__.get(scope) if scope else None
        called = function.__globals__.get(name) if not scope else getattr(holder, attribute, None)
        if isinstance(called, FunctionType):
            yield from _sources(called, seen)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
