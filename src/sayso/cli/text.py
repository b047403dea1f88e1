"""Text from data, made safe for a terminal: nothing in it can move the cursor, colour, or hide."""

import json
import unicodedata
from typing import Any

from sayso.core.codec import from_json
from sayso.model.errors import UnreadableValue

_KEEP = {"\n", "\t"}


def safe(text: object) -> str:
    """Return the text with control and formatting characters (ANSI, bidi, zero width) made visible."""
    return "".join(_visible(char) for char in str(text))


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


def _visible(char: str) -> str:
    if char in _KEEP or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
