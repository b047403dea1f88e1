"""Text from data, made safe for a terminal: nothing in it can move the cursor, colour, or hide."""

import json
from typing import Any

from sayso.core.codec import from_json
from sayso.core.visible import visible
from sayso.model.errors import UnreadableValue


def safe(text: object) -> str:
    """Return the text with control and formatting characters (ANSI, bidi, zero width) made visible."""
    return visible(str(text))


def one_line(text: object, width: int = 60) -> str:
    """Return the text on one line, cut with a mark where it is longer."""
    flat = " ".join(safe(text).split())
    return flat if len(flat) <= width else f"{flat[: width - 1]}…"


def shown(stored: Any) -> str:
    """Return a stored value as people read it: text as it is, the rest as indented JSON."""
    if isinstance(stored, str):
        return safe(stored)
    try:
        value = from_json(stored)
    except UnreadableValue:  # its type is not loaded here; the stored form says as much
        value = stored
    if isinstance(value, str):
        return safe(value)
    return safe(json.dumps(stored, indent=2, ensure_ascii=False, default=str))
