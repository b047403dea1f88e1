"""What is kept of a sign-in by an identity provider while the person is there: in a cookie of this browser, signed.

The signature lets nobody keep a handshake longer than it was given, or put one together.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from sayso.connect.oidc import Handshake, OidcSignIn
from sayso.model.workspaces import JoinRules
from sayso.server.cookies import cookie_name, drop, keep
from sayso.server.options import Options

_NAME = "sayso_handshake"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSignIn:
    """Signing in by an identity provider."""

    oidc: OidcSignIn
    rules: JoinRules
    """What becomes of those whom the provider has proven."""
    key: bytes = field(repr=False)
    """What the handshakes are signed with; several processes of one service need the same."""


def keep_handshake(
    response: Response, options: Options, provider: ProviderSignIn, handshake: Handshake, now: datetime
) -> None:
    """Have the browser keep a handshake until the sign-in would be too late."""
    seconds = int((handshake.expires_at - now).total_seconds())
    text = f"{handshake.text}.{_signature(provider, handshake.text)}"
    keep(response, options, cookie_name(options, _NAME), text, seconds)


def handshake_of(request: Request, options: Options, provider: ProviderSignIn) -> Handshake:
    """Return the handshake that a browser came back with.

    Raises:
        SignInRefused: There is none, or it is not one that was given out.
    """
    text, _, signature = request.cookies.get(cookie_name(options, _NAME), "").rpartition(".")
    same = hmac.compare_digest(signature.encode(), _signature(provider, text).encode())
    return Handshake.read(text if same else None)


def drop_handshake(response: Response, options: Options) -> None:
    """Have the browser forget its handshake: it counts once."""
    drop(response, options, cookie_name(options, _NAME))


def _signature(provider: ProviderSignIn, text: str) -> str:
    return hmac.new(provider.key, b"sayso/handshake/v1\n" + text.encode(), hashlib.sha256).hexdigest()
