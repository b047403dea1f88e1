"""Who looks at a page: a person who is signed in with this browser, with what they prefer.

Keys and tokens are for programs; a page is for people, so it takes a browser's session alone.
"""

from typing import Annotated

from fastapi import Depends, Request

from sayso.core.roles import allows
from sayso.server.service import Asking, asking
from sayso.web.rendering import is_part, will_say


async def visiting(request: Request) -> Asking:
    """Authenticate a page's request by the session of its browser, and count what waits for whoever looks.

    Raises:
        Unauthenticated: Nobody is signed in; `refused` leads to the sign-in page.
    """
    asked = await asking(request)
    if not is_part(request) and allows(asked.principal, "see_tasks"):
        will_say(request, waiting=await asked.service.review.pending(asked.principal.id, asked.reach))
    return asked


Visited = Annotated[Asking, Depends(visiting)]
"""A page's parameter that is given who looks at it."""
