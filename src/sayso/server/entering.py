"""Coming in by a secret that works once, a sign-in link or an invitation: what the pages and the API share."""

from fastapi import Request

from sayso.model.directoryerrors import Unauthenticated
from sayso.model.workspaces import Principal
from sayso.runtime.browsers import SignedIn
from sayso.runtime.invitations import Accepted
from sayso.server.cookies import session_text
from sayso.server.options import Options
from sayso.server.service import Service, counting_guesses


def link_to(request: Request, options: Options, path: str, secret: str) -> str:
    """Return the address of a page of this service that takes a secret, by the name under which it was called."""
    scheme = "https" if options.secure else request.url.scheme
    return f"{scheme}://{request.url.netloc}{path}?once={secret}"


def browser_of(request: Request) -> str:
    """Return what the browser calls itself."""
    return request.headers.get("user-agent", "browser")


async def by_link(request: Request, service: Service, secret: str) -> SignedIn:
    """Open a browser session by a sign-in link; the session that the browser came with ends.

    Raises:
        Unauthenticated: The link does not count.
        TooManyGuesses: Too many wrong secrets came from this address.
    """
    previous = session_text(request, service.options)
    with counting_guesses(request, service):
        return await service.directory.sign_in.by_link(secret, agent=browser_of(request), previous=previous)


async def by_invitation(request: Request, service: Service, secret: str, name: str | None) -> Accepted:
    """Take up an invitation, as whoever the browser's session says that it is.

    Raises:
        Unauthenticated: The invitation does not count.
        Forbidden: It is for somebody who is here already, and that is not who is signed in.
        TooManyGuesses: Too many wrong secrets came from this address.
    """
    previous = session_text(request, service.options)
    by = await _signed_in(service, previous)
    with counting_guesses(request, service):
        return await service.directory.invitations.accept(
            secret, by=by, name=name, agent=browser_of(request), previous=previous
        )


async def _signed_in(service: Service, text: str | None) -> Principal | None:
    try:
        return None if text is None else await service.directory.authenticate_session(text)
    except Unauthenticated:
        return None
