"""What the shell around the API is told: names, limits and deadlines; the settings say where they come from."""

from dataclasses import dataclass, field

from sayso.server.strict import JsonLimits

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """How large everything before the body may be."""

    headers: int = 100
    """How many headers."""
    header_bytes: int = 16 * 1024
    """Names and values together."""
    path_bytes: int = 4 * 1024
    """The path, as it was sent."""
    query_bytes: int = 8 * 1024
    """The query, as it was sent."""
    parameters: int = 100
    """How many parameters the query has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the shell is told."""

    version: str = "0"
    """What /openapi.json says is served."""
    environment: str | None = None
    """What the pages call this installation, such as PROD, so that nobody takes one for another."""
    hosts: frozenset[str] = LOOPBACK_NAMES
    """The names under which the service may be called, in lower case and without port: who is called by another name
    was reached through somebody else's DNS."""
    secure: bool = False
    """Whether people reach the service through TLS, so that browsers may be told to insist on it."""
    json: JsonLimits = field(default_factory=JsonLimits)
    """The limits of a JSON body; its size is that of every body."""
    head: HeadLimits = field(default_factory=HeadLimits)
    """The limits of all that comes before the body."""
    receive_seconds: float = 10.0
    """How long headers may take, then the body, and how long a client may not take what is sent to it."""
    metrics_token: str | None = field(default=None, repr=False)
    """Who presents it may read the figures; without one, only this machine may."""
    behind_proxy: bool = False
    """Whether others reach the service through a proxy: then a loopback address proves nothing."""
