"""The alias for plain JSON values that pass between rooms."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What `json.loads` returns; the only untyped data that crosses a room's door."""

JsonObject: TypeAlias = "dict[str, Json]"
"""A JSON object that its owner may still change."""
