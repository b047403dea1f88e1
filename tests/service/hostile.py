"""500 strings that try to forge a line of a log, or to hide in one."""

import random

_PIECES = [
    "\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\x1b[2J", "\x1b[31m", "\x9b1A",
    "\x00", "\x07", "\x08", "\x7f", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\ud800", "%s", "%n", "%(x)s",
    "{}", "{0}", "{x}", '"', "\\", "\\n", '", "level": "error", "forged": "', "'}", '{"event": "forged"}',
    "level=error", "\t", "ü", "\U0001f600",
]  # fmt: skip


def strings() -> list[str]:
    """Return them, the same ones every time."""
    chance = random.Random(86)
    alone = [f'x{piece}{{"event": "forged"}}' for piece in _PIECES]
    mixed = [
        "".join(chance.choices([*_PIECES, "a", "forged"], k=chance.randint(2, 12))) for _ in range(500 - len(alone))
    ]
    return alone + mixed
