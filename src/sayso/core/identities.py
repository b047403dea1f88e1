"""From the claims of an identity provider, already proven, to an identity of ours. What is doubtful is left out."""

from collections.abc import Mapping

from sayso.core.directoryforms import email_of
from sayso.model.json import Json
from sayso.model.workspaces import Identity, Role

_LONGEST_SUBJECT = 255


def subject_of(claims: Mapping[str, Json]) -> str | None:
    """Return the provider's own id of a person, or None where it is none that can be kept."""
    subject = claims.get("sub")
    fit = isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT and subject.isascii()
    return subject if fit and isinstance(subject, str) and subject.isprintable() else None


def verified_email_of(claims: Mapping[str, Json]) -> str | None:
    """Return the address that the provider has verified: it must say so with a plain `true`, nothing else counts."""
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return None
    return email_of(email)


def claim_at(claims: Mapping[str, Json], path: str) -> Json:
    """Return a claim by its name, or by names joined with dots where claims are nested (`realm_access.roles`)."""
    if path in claims:
        return claims[path]
    head, _, rest = path.partition(".")
    inner = claims.get(head)
    return claim_at(inner, rest) if rest and isinstance(inner, Mapping) else None


def role_of(groups: Json, roles: Mapping[str, Role]) -> Role | None:
    """Return the role of somebody's groups: of those that stand for a role, the one that is named first."""
    if isinstance(groups, str):
        groups = [groups]
    if not isinstance(groups, list | tuple):
        return None
    return next((role for group, role in roles.items() if group in groups), None)


def identity_of(
    claims: Mapping[str, Json], subject: str, *, issuer: str, groups_claim: str, roles: Mapping[str, Role]
) -> Identity:
    """Return who proven claims say that somebody is."""
    name = claims.get("name")
    email = verified_email_of(claims)
    return Identity(
        issuer=issuer,
        subject=subject,
        email=email,
        name=name if isinstance(name, str) and name else (email or subject),
        role=role_of(claim_at(claims, groups_claim), roles),
    )
