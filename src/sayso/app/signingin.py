"""Signing in by an identity provider, made from the settings."""

import hashlib

from sayso.app.clock import SystemSecrets
from sayso.app.settings import Settings
from sayso.connect.oidc import OidcConfig, OidcSignIn
from sayso.model.workspaces import JoinRules
from sayso.runtime.ports import Clock
from sayso.server.handshakes import ProviderSignIn


def make_provider(settings: Settings, clock: Clock) -> ProviderSignIn | None:
    """Return the way in by the provider of the settings; None where none is set.

    Raises:
        Invalid: An address is neither https nor on this machine, or authlib is not installed.
    """
    oidc = settings.oidc
    if oidc is None:
        return None
    base = settings.base_url or f"http://{settings.host}:{settings.port}"
    config = OidcConfig(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=oidc.client_secret.get_secret_value(),
        redirect_uri=f"{base}/auth/callback",
        groups_claim=oidc.groups_claim,
        roles=oidc.roles,
    )
    chance = SystemSecrets()
    key = settings.secret_key
    secret = chance.new() if key is None else key.get_secret_value().encode()
    return ProviderSignIn(
        oidc=OidcSignIn(config, now=clock.now, chance=chance.new),
        rules=JoinRules(domains=frozenset(oidc.allowed_domains), by_groups=bool(oidc.roles)),
        key=hashlib.sha256(b"sayso/sign-in/v1\n" + secret).digest(),
    )
