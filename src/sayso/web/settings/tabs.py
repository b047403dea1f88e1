"""What the pages of the settings share: the tabs, what is said after an act, and refusals above the form."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse

from sayso.core.roles import Ability, allows
from sayso.model.errors import Invalid, SaysoError
from sayso.model.workspaces import ROLES, Role
from sayso.server.service import Asking
from sayso.web.fields import Fields
from sayso.web.rendering import page

NOTHING = Fields({})
_ROLES: dict[str, Role] = {role: role for role in ROLES}
_MOST_DAYS = 3_660


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of the settings."""

    name: str
    address: str
    ability: Ability


TABS = (
    Tab("Me", "/settings/me", "see_tasks"),
    Tab("Sign-ins and tokens", "/settings/sign-ins", "see_tasks"),
    Tab("People", "/settings/people", "see_people"),
    Tab("Roles", "/settings/roles", "see_tasks"),
    Tab("API keys", "/settings/keys", "see_keys"),
    Tab("Workspace", "/settings/workspace", "see_tasks"),
    Tab("System", "/settings/system", "manage_workspace"),
)
"""Each shows to those who may see what is on it."""

DONE = {
    "saved": "Saved.",
    "ended": "Signed out there.",
    "ended-others": "Signed out everywhere else.",
    "revoked": "Revoked: its next request is refused.",
    "withdrawn": "The invitation was withdrawn.",
    "role": "The role was changed. Browser sessions that were opened with the old one have ended.",
    "disabled": "Disabled: every sign-in of theirs has ended.",
    "enabled": "Enabled: they can sign in again.",
    "removed": "Removed from the workspace; what they came in with has ended.",
    "signed-out": "Every session, link and token of theirs here has ended.",
    "suspended": "Suspended: no run starts until the workspace is activated again.",
    "activated": "Activated: runs start again.",
    "created": "The workspace was created, and you are its owner. Switch to it below.",
    "switched": "This is the workspace that you work in now.",
}
"""What is said on the page that follows an act."""


def settings_page(
    asked: Asking, name: str, *, title: str, wrong: SaysoError | None = None, kept: Fields = NOTHING, **values: Any
) -> HTMLResponse:
    """Return a page of the settings.

    Args:
        asked: Who looks.
        name: The template below `settings/`.
        title: The page's heading.
        wrong: Why what was sent was refused.
        kept: What was sent then, so that nobody has to write it again.
        values: What the template is given beside these.
    """
    done = DONE.get(asked.request.query_params.get("done", ""))
    return page(
        asked,
        f"settings/{name}",
        title=title,
        status=200 if wrong is None else wrong.status,
        tabs=[tab for tab in TABS if allows(asked.principal, tab.ability)],
        done=None if wrong is not None else done,
        wrong=wrong,
        kept=kept,
        **values,
    )


def done(address: str, what: str) -> RedirectResponse:
    """Lead to a page that says what was done."""
    return RedirectResponse(f"{address}?done={what}", 303)


def role_of(fields: Fields) -> Role:
    """Return the role that was chosen.

    Raises:
        Invalid: It is none.
    """
    found = _ROLES.get(fields.one("role"))
    if found is None:
        raise Invalid(f"Expected a role, one of {', '.join(ROLES)}.", hint="Choose a role.")
    return found


def days_of(fields: Fields) -> int | None:
    """Return how many days something is to be in force; None where nothing was chosen.

    Raises:
        Invalid: It is no number of days.
    """
    text = fields.text("days")
    if text is None:
        return None
    if not text.isdecimal() or not text.isascii() or not 0 < int(text[:6]) <= _MOST_DAYS:
        raise Invalid(f"Expected a number of days from 1 to {_MOST_DAYS}.", hint="Choose how long it is in force.")
    return int(text)
