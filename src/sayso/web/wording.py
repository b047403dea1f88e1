"""How values are worded on the pages: times in the viewer's zone, durations, amounts, and text that hides nothing.

Whatever comes from a model, a tool or a client is shown character by character: what has no glyph of its own becomes a
chip with its code point, so that nobody decides about something that cannot be seen.
"""

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup, escape

from sayso.model.json import Json

_PLAIN = frozenset("\n\t")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    "\U00013441\U00013442\U00016fe4\U0001d159" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
"""Letters, marks and signs that show nothing: fillers, joiners, blanks of old scripts, variation selectors."""
_ODD = re.compile(r"[^\x20-\x7e\n\t]")
"""What may hide; looked for at once, since texts are long and such characters are rare."""
_SUPPLEMENT = range(0xE0100, 0xE01F0)
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def hides(char: str) -> bool:
    """Tell whether a character shows nothing by itself."""
    if char in _PLAIN or char == " ":
        return False
    category = unicodedata.category(char)
    return category in _HIDDEN or category == "Zs" or char in _BLANK or ord(char) in _SUPPLEMENT


def seen(text: object) -> Markup:
    """Return text as markup in which every character that hides is a chip with its code point."""
    return Markup(_ODD.sub(_chip, str(escape(str(text)))))  # noqa: S704 - escaped before, and chips are of our making


def _chip(match: re.Match[str]) -> str:
    char = match[0]
    if not hides(char):
        return char
    name = unicodedata.name(char, "no name")
    return Markup('<span class="codepoint" title="{}">U+{:04X}</span>').format(name, ord(char))


def pretty(value: Json) -> str:
    """Return a JSON value as indented text."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; UTC where the name is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(when: datetime | None, zone: str = "UTC") -> Markup:
    """Return a time in a zone, to the second."""
    if when is None:
        return Markup("–")
    local = when.astimezone(zone_of(zone))
    return Markup('<time datetime="{}">{}</time>').format(
        when.astimezone(UTC).isoformat(), f"{local:%Y-%m-%d %H:%M:%S} {local.tzname() or zone}"
    )


def clock(when: datetime | None, zone: str = "UTC", *, seconds: bool = False) -> Markup:
    """Return a time of day in a zone, to the minute or the second, for what is near."""
    if when is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(
        when.astimezone(UTC).isoformat(), f"{when.astimezone(zone_of(zone)):{'%H:%M:%S' if seconds else '%H:%M'}}"
    )


def lasting(span: timedelta | float | None) -> str:
    """Return a duration in its two largest units: `2 h 5 min`."""
    if span is None:
        return "–"
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 10:
        return f"{seconds:.1f} s"
    rest, parts = int(abs(seconds)), list[str]()
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return ("−" if seconds < 0 else "") + " ".join(parts[:2])


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago a time was, or how far ahead it is."""
    span = timedelta(seconds=int((now - when).total_seconds()))
    return (
        f"in {lasting(-span)}"
        if span < timedelta(0)
        else f"{lasting(span)} ago"
        if span >= timedelta(seconds=1)
        else "now"
    )
