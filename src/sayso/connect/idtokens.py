"""Whether an ID token holds: who signed it, for whom, when, and in answer to which sign-in.

The signature is checked by joserfc and the claims by authlib. Here it is decided what they may trust: keys come from
the issuer's own key set and never out of the token, algorithms are public-key ones only, and anything else is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sayso.model.directoryerrors import SignInRefused
from sayso.model.json import Json

MOST_BYTES = 16 * 1024
"""No ID token of a person is larger; larger ones are not even taken apart."""
ALGORITHMS: Mapping[str, str] = {
    f"{family}{size}": "EC" if family == "ES" else "RSA" for family in ("RS", "PS", "ES") for size in (256, 384, 512)
}
"""What a token may be signed with, and the type of key that takes. `none` and shared secrets are not among them."""
_FOREIGN_KEYS = frozenset({"jwk", "jku", "x5u", "x5c"})
"""Headers by which a token brings its own key along."""
_UNUSUAL = frozenset({"crit", "b64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    now: datetime
    leeway: timedelta


def verified(id_token: object, keys: Iterable[Mapping[str, Json]], expected: Expected) -> Mapping[str, Json]:
    """Return the claims of a token that holds.

    Args:
        id_token: What the token endpoint returned.
        keys: The issuer's key set.
        expected: What the token must say.

    Raises:
        SignInRefused: It does not hold; the message says in which respect.
        UnknownKey: No key of the set fits; the set may have changed.
    """
    from joserfc import jwt  # Lazy: an extra.
    from joserfc.errors import JoseError

    if not isinstance(id_token, str) or not id_token.isascii() or len(id_token) > MOST_BYTES:
        raise refused("has no ID token of a sensible size")
    try:
        header = _header(id_token)
        key = _key(keys, header)
        token = jwt.decode(id_token, key, algorithms=list(ALGORITHMS))
        _check_claims(token.claims, header, expected)
    except (JoseError, ValueError, TypeError, RecursionError) as exc:
        raise refused(f"has an ID token that does not hold ({type(exc).__name__})") from exc
    return token.claims


class UnknownKey(Exception):
    """No key of the set fits a token; the set may have changed since it was fetched."""


def refused(what: str) -> SignInRefused:
    """Return the refusal of an answer that is not what was asked for."""
    return SignInRefused(f"Expected a sign-in that the identity provider vouches for, but its answer {what}.")


def _header(id_token: str) -> Mapping[str, Any]:
    from joserfc import jws

    header = jws.extract_compact(id_token.encode()).headers()
    if header.get("alg") not in ALGORITHMS:
        raise refused("has an ID token with an algorithm that proves nothing")
    if _FOREIGN_KEYS & header.keys():
        raise refused("has an ID token that brings its own key along")
    if _UNUSUAL & header.keys() or str(header.get("typ", "JWT")).upper() != "JWT":
        raise refused("has something else in the place of an ID token")
    return header


def _key(keys: Iterable[Mapping[str, Json]], header: Mapping[str, Any]) -> Any:
    """Return the one key of the set that may have signed: of the algorithm's type, for signatures, by its id."""
    from joserfc.jwk import JWKRegistry

    alg, kid = header["alg"], header.get("kid")
    fitting = [
        key
        for key in keys
        if key.get("kty") == ALGORITHMS[alg]
        and key.get("use", "sig") == "sig"
        and key.get("alg", alg) == alg
        and (kid is None or key.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise UnknownKey
    return JWKRegistry.import_key(dict(fitting[0]))  # pyright: ignore[reportArgumentType] - JSON of a key set


def _check_claims(claims: dict[str, Any], header: Mapping[str, Any], expected: Expected) -> None:
    from authlib.oidc.core import CodeIDToken

    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True, "value": expected.nonce},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}
    token: Any = CodeIDToken(claims, dict(header), options, params)
    token.validate(now=int(expected.now.timestamp()), leeway=int(expected.leeway.total_seconds()))
