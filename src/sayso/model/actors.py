"""Who does something: a person, a key, or the system itself."""

from dataclasses import dataclass
from typing import Literal

ActorType = Literal["user", "api_key", "system"]
"""People decide, keys act for programs, and the system carries out deadlines and policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The author of a command, as it is recorded."""

    type: ActorType
    """What kind of author this is."""
    id: str
    """Who: a user name or e-mail address, a key's id, or the part of the system (`timeout`)."""
    via: str = "python"
    """The way it came in: `python`, `cli`, `ui`, `api` or `system`."""

    def __str__(self) -> str:
        return self.id if self.type == "user" else f"{self.type}:{self.id}"


TIMEOUT = Actor(type="system", id="timeout", via="system")
"""The actor of a deadline that is carried out."""

LATE = Actor(type="system", id="late-outcome", via="system")
"""The actor of an outcome that arrived after its worker had lost the run."""
