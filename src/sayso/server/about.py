"""What a process tells about itself to those who run it; the composition root says what it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sayso.model.json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One process that serves."""

    database: str | None = None
    """The file."""
    started_at: datetime | None = None
    """When it began to serve."""
    worker: bool | None = None
    """Whether it advances runs itself; None where nobody has said."""
    programs: Sequence[str] = ()
    """The agents and workflows that it has loaded from code."""
    settings: Sequence[tuple[str, Json]] = ()
    """Every setting with its value, secrets masked."""
