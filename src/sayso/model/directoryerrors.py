"""What the directory refuses: the part of the error tree (model/errors.py) about who somebody is, and may be."""

from sayso.model.errors import Conflict, NotAllowed, NotFound, SaysoError


class Unauthenticated(SaysoError):
    """Nothing proves who this is; an unknown, ended, expired or malformed secret all read the same."""

    code = "unauthenticated"
    status = 401
    hint = "Sign in again, or send a key or token that is in force."

    def __init__(self) -> None:
        super().__init__("Expected proof of who you are, but there is none that counts.")


class Forbidden(NotAllowed):
    """Who this is may not do it."""

    code = "forbidden"
    status = 403
    hint = "Ask somebody who may: docs/reference/roles.md has the table."

    def __init__(self, ability: str, *, who: str, hint: str | None = None) -> None:
        super().__init__(
            f"Expected somebody with the ability {ability}, but {who} does not have it.", hint=hint, ability=ability
        )
        self.ability = ability


class NotInvited(SaysoError):
    """The identity is proven, but nobody has given it a place here."""

    code = "not_invited"
    status = 403
    hint = "Ask an owner or admin for an invitation to the e-mail address that your identity provider has verified."


class SignInRefused(SaysoError):
    """The answer of the identity provider does not hold; nobody was signed in."""

    code = "sign_in_refused"
    status = 401
    hint = "Begin the sign-in again; when that does not help, check the settings of OIDC and the provider's."


class IdentityProviderDown(SaysoError):
    """The identity provider cannot be reached, or does not answer as one."""

    code = "identity_provider_down"
    status = 503
    hint = "Try again in a moment; check that this machine reaches the issuer of the OIDC settings."


class WorkspaceNotFound(NotFound):
    """There is no such workspace, or this person is not in it."""

    code = "workspace_not_found"
    hint = "Check the id, and that you are a member of it."


class PersonNotFound(NotFound):
    """Nobody in this workspace has this id or address."""

    code = "person_not_found"
    hint = "List who is there with `sayso people ls`."


class InvitationNotFound(NotFound):
    """No invitation of this workspace has this id."""

    code = "invitation_not_found"
    hint = "It was revoked, or belongs to another workspace."


class TokenNotFound(NotFound):
    """No token in force has this id."""

    code = "token_not_found"
    hint = "List them with `sayso tokens ls`."


class KeyNotFound(NotFound):
    """No API key of this workspace has this id."""

    code = "key_not_found"
    hint = "List them with `sayso keys ls`."


class AlreadyMember(Conflict):
    """The person is in the workspace."""

    code = "already_member"
    hint = "Change the role instead."


class LastOwner(Conflict):
    """Nobody would be left to own the workspace."""

    code = "last_owner"
    hint = "Make somebody else an owner first."
