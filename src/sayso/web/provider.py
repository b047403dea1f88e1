"""Signing in by an OpenID Connect provider: the way there, and the way back."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from sayso.model.directoryerrors import IdentityProviderDown, NotInvited, SignInRefused, Unauthenticated
from sayso.model.requesterrors import RouteUnknown
from sayso.server.cookies import session_text
from sayso.server.entering import browser_of
from sayso.server.handshakes import ProviderSignIn, drop_handshake, handshake_of, keep_handshake
from sayso.server.routes import router as strict_router
from sayso.server.service import Service, service_of
from sayso.web.refusing import did_not_work
from sayso.web.signin import entered

router = strict_router(prefix="/auth", include_in_schema=False)


@router.get("/start")
async def start_oidc(request: Request) -> Response:
    """Send the browser to the identity provider."""
    service = service_of(request)
    provider = _provider(service)
    try:
        begun = await provider.oidc.begin()
    except IdentityProviderDown as exc:
        return did_not_work(request, exc, exc.hint)
    response = RedirectResponse(begun.url, 303)
    keep_handshake(response, service.options, provider, begun.handshake, service.clock.now())
    return response


@router.get("/callback")
async def finish_oidc(request: Request) -> Response:
    """Sign in whom the provider has proven; the handshake of this browser counts once."""
    service = service_of(request)
    provider = _provider(service)
    try:
        response = await _signed_in(request, service, provider)
    except (SignInRefused, NotInvited, IdentityProviderDown, Unauthenticated) as exc:
        response = did_not_work(request, exc, exc.hint)
    drop_handshake(response, service.options)
    return response


async def _signed_in(request: Request, service: Service, provider: ProviderSignIn) -> Response:
    handshake = handshake_of(request, service.options, provider)
    identity = await provider.oidc.finish(dict(request.query_params), handshake)
    signed_in = await service.directory.sign_in.by_identity(
        identity,
        provider.rules,
        agent=browser_of(request),
        previous=session_text(request, service.options),
    )
    return entered(request, service, signed_in)


def _provider(service: Service) -> ProviderSignIn:
    if service.provider is None:
        raise RouteUnknown("Expected an identity provider to be set up, but there is none.")
    return service.provider
