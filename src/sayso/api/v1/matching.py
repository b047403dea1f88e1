"""Optimistic concurrency: `ETag` says what was read, `If-Match` what a change was based on."""

from datetime import datetime
from typing import Annotated

from fastapi import Header
from fastapi.responses import JSONResponse

from sayso.api.v1.taskwire import Plain
from sayso.model.registryerrors import ChangedMeanwhile

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description="The `ETag` that was read; a later change is refused (409)."),
]


def tagged(body: Plain, tag: object, status: int = 200) -> JSONResponse:
    """Return an answer with the tag of what is in it."""
    return JSONResponse(body, status, {"ETag": f'"{tag}"'})


def expected(given: str | None) -> str | None:
    """Return the tag that a change was based on; None where any is fine."""
    if given is None or given.strip() == "*":
        return None
    return given.strip().removeprefix("W/").strip('"')


def expected_at(given: str | None) -> datetime | None:
    """Return the time of change that a change was based on; None where any is fine.

    Raises:
        ChangedMeanwhile: It is no time, so it cannot be that of what is there.
    """
    tag = expected(given)
    try:
        found = None if tag is None else datetime.fromisoformat(tag)
    except ValueError:
        found = None
    if tag is not None and (found is None or found.tzinfo is None):
        raise ChangedMeanwhile("Expected the ETag that was read, but If-Match has something else.")
    return found
