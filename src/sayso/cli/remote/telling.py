"""What went wrong on the way to a server, said with the next step."""

from collections.abc import Generator
from contextlib import contextmanager

from sayso import __version__
from sayso.cli.desk import Server
from sayso.client import ApiError, ApiNotAllowed, ApiNotFound, ApiRefused, ApiUnauthenticated, ServerFailed, Unreachable

_PEOPLE = "a person's token (`sayso tokens create`)"
_CAUSES = (
    ("CERTIFICATE_VERIFY_FAILED", "Its certificate is not trusted here: name the authority's file by SSL_CERT_FILE."),
    ("WRONG_VERSION_NUMBER", "It does not speak TLS at this port: try http:// instead of https://."),
    ("RECORD_LAYER_FAILURE", "It does not speak TLS at this port: try http:// instead of https://."),
    ("SSL", "The two could not agree on TLS: see which address and which certificate the server has."),
    ("refused", "See that `sayso serve` runs there, and that address and port are right."),
    ("Name or service", "See that the name in the address is right."),
    ("getaddrinfo", "See that the name in the address is right."),
    ("disconnected", "See that it is a Sayso server, and whether it speaks https://."),
    ("timed out", "See that the machine can be reached from here; the call may be made again."),
)
_OLDER_CODES = frozenset({"invalid_request", "route_unknown", "method_not_allowed"})
"""What a server says to something that it does not know."""


@contextmanager
def told(server: Server) -> Generator[None]:
    """Let an error of the API say which server it is about, and what to do about it."""
    try:
        yield
    except ApiError as exc:
        exc.message, exc.hint = _message(exc, server), _hint(exc, server)
        exc.args = (exc.message, *exc.args[1:])
        raise


def _message(exc: ApiError, server: Server) -> str:
    if isinstance(exc, Unreachable):
        return exc.message.replace("Expected an answer", f"Expected an answer from {server.url}", 1)
    if isinstance(exc, ServerFailed) or exc.code == ApiNotFound.code:
        return f"{exc.message.rstrip('.')} ({server.url})."
    return exc.message


def _hint(exc: ApiError, server: Server) -> str:
    match exc:
        case Unreachable() if exc.hint == Unreachable.hint:
            return next((hint for cause, hint in _CAUSES if cause.lower() in exc.message.lower()), exc.hint)
        case ApiUnauthenticated() if server.credential is None:
            return f"Set SAYSO_API_KEY to {_PEOPLE}, or to an API key (`sayso keys create`)."
        case ApiUnauthenticated():
            return f"What SAYSO_API_KEY holds is wrong, expired or revoked: set it to {_PEOPLE}, or to an API key."
        case ApiNotAllowed() if server.credential and not server.credential.startswith("sayso_cli_"):
            return f"{exc.hint} An API key may do little: present {_PEOPLE} by SAYSO_API_KEY."
        case ApiRefused() | ApiNotFound() if exc.code in _OLDER_CODES | {ApiNotFound.code}:
            return f"See that it is a Sayso server, and not older than this command ({__version__})."
        case _:
            return exc.hint
