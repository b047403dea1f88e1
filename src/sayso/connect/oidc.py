"""Signing in by an OpenID Connect provider: authorization code, PKCE, state and nonce; no framework.

`begin` returns where to send the browser and what to keep for it; `finish` takes what the browser came back with, and
returns who the provider says that it is. What that person may do here is not decided here (runtime/joining.py).
authlib makes the requests; it is an extra (`sayso[oidc]`), and loaded at the first use.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from sayso.connect.idtokens import Expected, UnknownKey, refused, verified
from sayso.core.identities import identity_of, subject_of
from sayso.model.directoryerrors import IdentityProviderDown
from sayso.model.errors import Invalid
from sayso.model.json import Json
from sayso.model.workspaces import Identity, Role

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TIMEOUT_SECONDS = 10.0
_NO_KEYS: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """How this service is known to a provider."""

    issuer: str
    """Exactly as the provider writes it."""
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    redirect_uri: str
    """Where the provider sends the browser back to."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    groups_claim: str = "groups"
    """The claim that holds a person's groups; names joined with dots where it is nested."""
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    """What groups stand for; of several that a person has, the one that is named first counts."""
    leeway: timedelta = timedelta(seconds=60)
    """How far the provider's clock may be off."""
    patience: timedelta = timedelta(minutes=10)
    """How long a person may take at the provider."""
    remembered: timedelta = timedelta(hours=1)
    """How long the provider's own description and keys are kept."""
    refetch: timedelta = timedelta(minutes=1)
    """How often keys are fetched anew, at most, because a token names one that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What must be kept for a browser until it is back, where nobody but this browser has it (an HttpOnly cookie)."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    expires_at: datetime

    @property
    def text(self) -> str:
        """The handshake in characters that a cookie can hold."""
        plain = [self.state, self.nonce, self.verifier, int(self.expires_at.timestamp())]
        return urlsafe_b64encode(json.dumps(plain).encode()).decode()

    @classmethod
    def read(cls, text: str | None) -> "Handshake":
        """Return a handshake from its text.

        Raises:
            SignInRefused: It is none: the sign-in was begun elsewhere, or not at all.
        """
        try:
            state, nonce, verifier, expires = json.loads(urlsafe_b64decode((text or "").encode("ascii")))
            if not all(isinstance(each, str) and each for each in (state, nonce, verifier)):
                raise TypeError("not text")
            at = datetime.fromtimestamp(int(expires), UTC)
        except (ValueError, TypeError, OverflowError, OSError, RecursionError) as exc:
            raise refused("is to a sign-in that this browser has not begun") from exc
        return cls(state=state, nonce=nonce, verifier=verifier, expires_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that has begun."""

    url: str
    """Where to send the browser."""
    handshake: Handshake


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """What a provider says about itself, and when it was asked."""

    at: datetime
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    names_itself: bool
    """Whether every answer carries the issuer, so that one without it is not from this provider."""


class OidcSignIn:
    """Sign-ins by one provider.

    Args:
        config: How this service is known to it.
        now: The time.
        chance: 32 random bytes that nobody can guess.

    Raises:
        Invalid: An address is neither https nor on this machine, or authlib is not installed.
    """

    def __init__(self, config: OidcConfig, *, now: Callable[[], datetime], chance: Callable[[], bytes]) -> None:
        for name, url in {"issuer": config.issuer, "redirect_uri": config.redirect_uri}.items():
            if not _is_safe(url):
                raise Invalid(f"Expected {name} to be an https address, but got {url!r}.")
        _require_authlib()
        self._config = config
        self._now = now
        self._chance = chance
        self._known: _Provider | None = None
        self._keys: tuple[datetime, tuple[Mapping[str, Json], ...]] | None = None

    async def begin(self) -> Begun:
        """Begin a sign-in.

        Raises:
            IdentityProviderDown: The provider does not say where to go.
        """
        provider = await self._provider()
        handshake = Handshake(
            state=self._drawn(),
            nonce=self._drawn(),
            verifier=self._drawn(),
            expires_at=self._now() + self._config.patience,
        )
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                provider.authorization_endpoint,
                state=handshake.state,
                nonce=handshake.nonce,
                code_verifier=handshake.verifier,
            )
        return Begun(url=url, handshake=handshake)

    async def finish(self, params: Mapping[str, str], handshake: Handshake) -> Identity:
        """Return who the provider says that has come back.

        Args:
            params: The query that the browser came back with.
            handshake: What was kept for this browser; never use it again.

        Raises:
            SignInRefused: The answer does not hold.
            IdentityProviderDown: The provider cannot be asked.
        """
        if self._now() >= handshake.expires_at:
            raise refused("came too late")
        if not _same(params.get("state"), handshake.state):
            raise refused("has another state than this browser was sent with")
        provider = await self._provider()
        self._check_issuer(params, provider)
        if "error" in params:
            raise refused(f"is a refusal ({_plain(params['error'])})")
        code = params.get("code")
        if not code:
            raise refused("has no code")
        token = await self._exchange(provider, code, handshake)
        access_token = token.get("access_token")
        expected = Expected(
            issuer=self._config.issuer,
            client_id=self._config.client_id,
            nonce=handshake.nonce,
            access_token=access_token if isinstance(access_token, str) else None,
            now=self._now(),
            leeway=self._config.leeway,
        )
        return await self._identity(provider, await self._claims(provider, token.get("id_token"), expected), expected)

    def _check_issuer(self, params: Mapping[str, str], provider: _Provider) -> None:
        """Refuse an answer that another provider gave in this one's place (RFC 9207)."""
        given = params.get("iss")
        if given is None and not provider.names_itself:
            return
        if not _same(given, self._config.issuer):
            raise refused("is from another provider")

    async def _claims(self, provider: _Provider, id_token: object, expected: Expected) -> Mapping[str, Json]:
        """Return the claims of a token, with keys that are fetched anew where none of those known fits."""
        try:
            return verified(id_token, await self._key_set(provider), expected)
        except UnknownKey:
            pass
        try:
            return verified(id_token, await self._key_set(provider, anew=True), expected)
        except UnknownKey:
            raise refused("has an ID token of a key that is not the provider's") from None

    async def _identity(self, provider: _Provider, claims: Mapping[str, Json], expected: Expected) -> Identity:
        subject = subject_of(claims)
        if subject is None:
            raise refused("does not say who it is")
        if "email" not in claims and provider.userinfo_endpoint is not None and expected.access_token is not None:
            more = await self._fetch(provider.userinfo_endpoint, bearer=expected.access_token)
            if more.get("sub") != subject:
                raise refused("tells of somebody else than its ID token")
            claims = {**more, **claims}
        config = self._config
        return identity_of(claims, subject, issuer=config.issuer, groups_claim=config.groups_claim, roles=config.roles)

    # -- the provider ------------------------------------------------------------------------------------

    async def _provider(self) -> _Provider:
        known, now = self._known, self._now()
        if known is not None and now < known.at + self._config.remembered:
            return known
        found = await self._fetch(self._config.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self._config.issuer:
            raise _down("says that it is another issuer")
        methods = found.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise _down("does not take PKCE with S256")
        userinfo = found.get("userinfo_endpoint")
        self._known = _Provider(
            at=now,
            authorization_endpoint=_endpoint(found, "authorization_endpoint"),
            token_endpoint=_endpoint(found, "token_endpoint"),
            jwks_uri=_endpoint(found, "jwks_uri"),
            userinfo_endpoint=None if userinfo is None else _endpoint(found, "userinfo_endpoint"),
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )
        return self._known

    async def _key_set(self, provider: _Provider, *, anew: bool = False) -> Iterable[Mapping[str, Json]]:
        now = self._now()
        if self._keys is not None:
            at, keys = self._keys
            if now < at + (self._config.refetch if anew else self._config.remembered):
                return keys
        found = (await self._fetch(provider.jwks_uri)).get("keys")
        keys = tuple(each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else _NO_KEYS
        self._keys = (now, keys)
        return keys

    async def _fetch(self, url: str, *, bearer: str | None = None) -> Mapping[str, Json]:
        """Return the JSON object at an address of the provider; redirects are not followed."""
        import httpx2  # Lazy: an extra.

        headers = {"Accept": "application/json"}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
                answer = await client.get(url, headers=headers)
            found: object = answer.json() if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError, RecursionError) as exc:
            raise _down("cannot be reached, or does not answer in JSON") from exc
        if not isinstance(found, dict):
            raise _down(f"does not answer with a JSON object at {url}")
        return cast("Mapping[str, Json]", found)

    async def _exchange(self, provider: _Provider, code: str, handshake: Handshake) -> Mapping[str, Any]:
        """Return the tokens that the provider gives for a code, and for the proof that it was asked for here."""
        import httpx2
        from authlib.common.errors import AuthlibBaseError

        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    provider.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=handshake.verifier,
                    redirect_uri=self._config.redirect_uri,
                )
        except AuthlibBaseError as exc:
            raise refused(f"has a code that the provider does not take ({_plain(exc.error)})") from exc
        except (httpx2.HTTPError, ValueError, RecursionError) as exc:
            raise _down("does not answer at its token endpoint") from exc
        return dict(token)

    def _client(self) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            client_id=self._config.client_id,
            client_secret=self._config.client_secret,
            scope=" ".join(self._config.scopes),
            redirect_uri=self._config.redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_SECONDS,
        )

    def _drawn(self) -> str:
        return urlsafe_b64encode(self._chance()).rstrip(b"=").decode()


def _require_authlib() -> None:
    try:
        import authlib  # noqa: F401 - only whether it is there # pyright: ignore[reportUnusedImport]
        import httpx2  # noqa: F401 # pyright: ignore[reportUnusedImport]
    except ImportError as exc:
        raise Invalid(
            "Expected authlib for signing in by OIDC, but it is not installed.", hint="pip install 'sayso[oidc]'"
        ) from exc


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _endpoint(found: Mapping[str, Json], name: str) -> str:
    url = found.get(name)
    if not isinstance(url, str) or not _is_safe(url):
        raise _down(f"has no https address as its {name}")
    return url


def _same(given: str | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _plain(code: object) -> str:
    """Return a provider's error code, where it is one: what comes from outside goes into no message unread."""
    text = code if isinstance(code, str) else ""
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= 64 else "no code"


def _down(what: str) -> IdentityProviderDown:
    return IdentityProviderDown(f"Expected the identity provider to answer, but it {what}.")
