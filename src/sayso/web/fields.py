"""The fields of a form that a browser sends: urlencoded, within bounds, each field once unless it is a list."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request

from sayso.model.requesterrors import BadRequest, UnsupportedMediaType

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1_000


class Fields:
    """What was sent.

    Args:
        values: Every value of every field, in order.
    """

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def one(self, name: str, default: str = "") -> str:
        """Return the one value of a field, as it was written."""
        return self._values.get(name, [default])[0]

    def text(self, name: str) -> str | None:
        """Return the one value of a field without blanks around it; None where there is nothing."""
        return self.one(name).strip() or None

    def all(self, name: str) -> list[str]:
        """Return every value of a field, in order."""
        return list(self._values.get(name, ()))

    def has(self, name: str) -> bool:
        """Tell whether a field was sent, as a ticked box is."""
        return name in self._values

    def below(self, prefix: str) -> dict[str, list[str]]:
        """Return the fields whose names begin with a prefix, by the rest of their names."""
        return {
            name.removeprefix(prefix): list(values) for name, values in self._values.items() if name.startswith(prefix)
        }


async def fields_of(request: Request, *, most: int = _MOST_FIELDS) -> Fields:
    """Return the fields of a form, at most so many.

    Raises:
        UnsupportedMediaType: The body is called something else.
        BadRequest: It has too many fields, or is not UTF-8.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMediaType("Expected the fields of a form, but the body is called something else.")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="strict")
    except ValueError as exc:
        raise BadRequest("Expected the fields of a form, but the body cannot be read as such.") from exc
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Fields(values)
