"""What schemathesis is told besides the OpenAPI, and what it holds every answer to. It runs in schemathesis' process.

`SAYSO_KNOWN` is JSON: the ids that exist, by parameter, and the file into which every request is counted.
"""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(os.environ["SAYSO_KNOWN"])
CODES = set(re.findall(r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs/reference/errors.md").read_text("utf-8")))
CANARY = "sayso-canary-7c1d"
ANSWERS = Path(KNOWN["answers"])
MANAGED = {"agents", "versions", "triggers", "reference paths"}
"""Tags of routes that change agents; they are given others than those that runs are started of."""
_seen = [0]


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Have three requests of four name what exists: random ids would only ever find 404."""
    if path_parameters:
        _seen[0] += 1
        managed = MANAGED & set(context.operation.definition.raw.get("tags", ()))
        for name in path_parameters:
            if context.operation.path.endswith("/stream"):  # that of another run may have no end
                path_parameters[name] = KNOWN["ids"]["ended"][0]
            elif _seen[0] % 4:
                ids = KNOWN["ids"].get(f"managed/{name}" if managed else name) or KNOWN["ids"].get(name)
                path_parameters[name] = ids[_seen[0] % len(ids)] if ids else path_parameters[name]
    return path_parameters


@schemathesis.hook
def map_query(context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Never wait long."""
    if query and isinstance(query.get("wait"), int) and 0 < query["wait"] <= 60:
        query["wait"] = 0
    return query


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Send something hostile that no answer may repeat, and a made-up key or token only now and then: it means 401."""
    _seen[0] += 1
    given = dict(case.headers or {})
    if _seen[0] % 10:
        given = {name: value for name, value in given.items() if name.lower() not in {"x-api-key", "authorization"}}
    case.headers = {**given, "X-Canary": CANARY}


@cache
def documented(description: str) -> frozenset[str]:
    return frozenset(re.findall(r"`([a-z_]+)`", description))


@schemathesis.check
def a_refusal_is_a_documented_problem(context: Any, response: Any, case: Any) -> None:
    """No 5xx, problem JSON for every refusal, a code that the route documents for that status, and no echo."""
    with ANSWERS.open("a") as log:
        log.write(f"{case.operation.label}\t{response.status_code}\t{response.elapsed}\n")
    _note_link(context, case)
    assert response.status_code < 500, response.text
    assert CANARY not in response.text
    if response.status_code < 400:
        return
    assert response.headers["content-type"][0] == "application/problem+json"
    document = response.json()
    assert document["code"] in CODES
    said = case.operation.definition.raw["responses"].get(str(response.status_code))
    if said is not None:
        assert document["code"] in documented(said["description"]), document["code"]
    message = document["message"]
    pointers = [problem["pointer"] for problem in document["details"].get("problems", [])]
    for pointer in sorted(pointers, key=len, reverse=True):
        message = message.replace(pointer, "")  # it says where to look in what was sent: names of fields
    for sent in _strings(case.body):
        if len(sent) >= 12 and sent not in json.dumps(KNOWN) and not sent.isascii():
            assert sent not in message


def _note_link(context: Any, case: Any) -> None:
    """Count a request that came by a link of an earlier answer, with what that answer held."""
    recorder = context.internals.recorder
    node = None if recorder is None else recorder.cases.get(case.id)
    if node is not None and node.transition is not None and node.is_transition_applied:
        with ANSWERS.with_name("links.log").open("a") as log:
            log.write(f"{node.transition.id}\n")


def _strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [found for pair in value.items() for part in pair for found in _strings(part)]
        case list():
            return [found for part in value for found in _strings(part)]
        case _:
            return []
