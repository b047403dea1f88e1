"""What a service tells once it answers; apart from it, so that who prints it needs no web framework."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is told once the service answers."""

    url: str
    """Where it answers."""
    host: str
    """The address that it listens at."""
    port: int
    """Its port."""
    database: str
    """The file."""
    programs: tuple[str, ...]
    """The agents and workflows that its worker advances."""
    worker: bool
    """Whether it has a worker."""
    sign_in: str | None = None
    """A link that signs in once, where there is nobody yet who could."""
