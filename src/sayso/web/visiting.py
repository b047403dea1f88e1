"""Who looks at a page: a person who is signed in with this browser, with what they prefer.

Keys and tokens are for programs; a page is for people, so it takes a browser's session alone.
"""

from typing import Annotated

from fastapi import Depends, Request

from sayso.server.service import Asking, asking


async def visiting(request: Request) -> Asking:
    """Authenticate a page's request by the session of its browser.

    Raises:
        Unauthenticated: Nobody is signed in; `refused` leads to the sign-in page.
    """
    return await asking(request)


Visited = Annotated[Asking, Depends(visiting)]
"""A page's parameter that is given who looks at it."""
