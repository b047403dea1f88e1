"""Signing in by a provider, end to end over a loopback port: what holds, and every lie that must not (T78, T80)."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sayso.connect.oidc import Handshake, OidcConfig, OidcSignIn
from sayso.core.identities import claim_at, identity_of, role_of, subject_of, verified_email_of
from sayso.model.directoryerrors import IdentityProviderDown, NotInvited, SignInRefused, Unauthenticated
from sayso.model.errors import Invalid, SaysoError
from sayso.model.workspaces import Identity, JoinRules
from sayso.testing import CountingSecrets, FakeClock
from tests.service.provider import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Provider, b64, provider
from tests.service.world import World

ROLES = {"platform": "admin", "builders": "developer", "desk": "operator"}


class Desk:
    """A provider, and a service that signs people in by it."""

    def __init__(self, other: Provider, clock: FakeClock) -> None:
        self.provider = other
        self.clock = clock
        self.config = OidcConfig(
            issuer=other.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            redirect_uri=REDIRECT_URI,
            roles=ROLES,
        )
        self.secrets = CountingSecrets()
        self.sign_in = self.made()

    def made(self, **changes: Any) -> OidcSignIn:
        self.sign_in = OidcSignIn(replace(self.config, **changes), now=self.clock.now, chance=self.secrets.new)
        return self.sign_in

    def through(self, *, change: Callable[[dict[str, str]], dict[str, str]] = lambda params: params) -> Identity:
        """Go the whole way: begin, sign in at the provider, come back."""

        async def way() -> Identity:
            begun = await self.sign_in.begin()
            kept = Handshake.read(begun.handshake.text)
            return await self.sign_in.finish(change(self.provider.visit(begun.url)), kept)

        return asyncio.run(way())

    def refused(self, **way: Any) -> SaysoError:
        with pytest.raises(SaysoError) as refused:
            self.through(**way)
        assert isinstance(refused.value, SignInRefused | IdentityProviderDown), refused.value
        return refused.value


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = FakeClock()
    with provider(clock.now) as other:
        yield Desk(other, clock)


def padded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


# -- what holds ------------------------------------------------------------------------------------------------


def test_who_signs_in_at_the_provider_is_who_it_says(desk: Desk) -> None:
    desk.provider.claims = {"groups": ["desk", "builders", "others"]}
    found = desk.through()
    assert found == Identity(
        issuer=desk.provider.issuer,
        subject="248289761001",
        email="ana@example.com",
        name="Ana Ruiz",
        role="developer",
    )


def test_the_browser_is_sent_with_a_state_a_nonce_and_a_challenge_of_its_own(desk: Desk) -> None:
    begun, again = asyncio.run(desk.sign_in.begin()), asyncio.run(desk.sign_in.begin())
    asked, other = (
        {name: values[0] for name, values in parse_qs(urlsplit(each.url).query).items()} for each in (begun, again)
    )
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert set(asked["scope"].split()) >= {"openid", "email"}
    assert not [name for name in ("state", "nonce", "code_challenge") if asked[name] == other[name]]
    assert begun.handshake.verifier not in begun.url
    assert not {begun.handshake.state, begun.handshake.nonce, begun.handshake.verifier} & set(repr(begun).split("'"))


def test_the_code_is_exchanged_with_the_verifier_and_the_secret_of_the_client(desk: Desk) -> None:
    desk.through()
    (form,) = [form for path, form in desk.provider.requests if path == "/token"]
    assert form["grant_type"] == "authorization_code"
    assert len(form["code_verifier"]) == 43
    assert form["redirect_uri"] == REDIRECT_URI
    assert CLIENT_SECRET not in json.dumps(desk.provider.requests)
    assert CLIENT_SECRET not in repr(desk.config)


def test_the_description_and_the_keys_are_fetched_once_an_hour(desk: Desk) -> None:
    def fetched() -> list[str]:
        return [path for path, _ in desk.provider.requests if path != "/token"]

    for _ in range(3):
        desk.through()
    assert fetched() == ["/.well-known/openid-configuration", "/jwks"]
    desk.clock.advance(hours=1)
    desk.through()
    assert len(fetched()) == 4


def test_a_new_key_of_the_provider_is_fetched_and_not_more_often_than_once_a_minute(desk: Desk) -> None:
    from joserfc.jwk import RSAKey

    desk.through()
    desk.provider.keys = {"k2": RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})}
    desk.provider.current = "k2"
    desk.refused()  # the keys were fetched in this very minute
    desk.clock.advance(60)
    assert desk.through().subject == "248289761001"
    desk.provider.current = "k1"
    desk.provider.keys["k1"] = RSAKey.generate_key(2048, {"kid": "k1"})
    before = len(desk.provider.requests)
    for _ in range(5):
        desk.refused()
    assert [path for path, _ in desk.provider.requests[before:]].count("/jwks") == 0


@pytest.mark.parametrize(("alg", "kind", "size"), [("ES256", "EC", "P-256"), ("PS256", "RSA", 2048)])
def test_other_public_key_algorithms_hold_too(desk: Desk, alg: str, kind: str, size: Any) -> None:
    from joserfc.jwk import JWKRegistry

    desk.provider.keys = {"k1": JWKRegistry.generate_key(kind, size, {"kid": "k1", "use": "sig"})}
    desk.provider.header = {"alg": alg}
    assert desk.through().subject == "248289761001"


def test_a_provider_with_one_key_need_not_name_it(desk: Desk) -> None:
    desk.provider.header = {"kid": None}
    assert desk.through().subject == "248289761001"


def test_a_provider_that_does_not_name_itself_in_answers_is_taken_as_it_is(desk: Desk) -> None:
    desk.provider.metadata = {"authorization_response_iss_parameter_supported": None}
    assert desk.through(change=lambda params: {k: v for k, v in params.items() if k != "iss"})


def test_an_address_that_is_only_at_the_userinfo_endpoint_is_found_there(desk: Desk) -> None:
    desk.provider.without = {"email", "email_verified"}
    desk.provider.userinfo = {
        "sub": "248289761001", "email": "Ana@example.com", "email_verified": True, "groups": "platform",
        "name": "Other",
    }  # fmt: skip
    found = desk.through()
    assert (found.email, found.role, found.name) == ("ana@example.com", "admin", "Ana Ruiz")


# -- what does not hold: the way back --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda params: {**params, "state": "another"},
        lambda params: {**params, "state": params["state"] + "A"},
        lambda params: {**params, "state": ""},
        lambda params: {**params, "state": "\ud800"},
        lambda params: {name: value for name, value in params.items() if name != "state"},
        lambda params: {**params, "iss": "https://evil.example"},
        lambda params: {name: value for name, value in params.items() if name != "iss"},
        lambda params: {name: value for name, value in params.items() if name != "code"},
        lambda params: {**params, "code": "guessed"},
        lambda params: {**params, "error": "access_denied"},
    ],
)
def test_an_answer_that_is_not_to_this_browsers_question_is_refused(
    desk: Desk, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    assert desk.refused(change=change).code == "sign_in_refused"


def test_a_wrong_state_is_refused_before_the_code_is_sent_anywhere(desk: Desk) -> None:
    desk.refused(change=lambda params: {**params, "state": "another"})
    assert not [path for path, _ in desk.provider.requests if path == "/token"]


def test_what_the_provider_says_goes_into_no_message_unread(desk: Desk) -> None:
    told = desk.refused(change=lambda params: {**params, "error": "<script>\r\nX: y"})
    assert "script" not in str(told)


def test_a_code_works_once(desk: Desk) -> None:
    async def twice() -> None:
        begun = await desk.sign_in.begin()
        params = desk.provider.visit(begun.url)
        await desk.sign_in.finish(params, begun.handshake)
        await desk.sign_in.finish(params, begun.handshake)

    with pytest.raises(SignInRefused):
        asyncio.run(twice())


def test_a_code_that_another_browser_asked_for_is_refused(desk: Desk) -> None:
    """Injection: the attacker's code with the victim's state; PKCE and the nonce both stand against it."""

    async def inject() -> None:
        attacker, victim = await desk.sign_in.begin(), await desk.sign_in.begin()
        code = desk.provider.visit(attacker.url)["code"]
        params = {"code": code, "state": victim.handshake.state, "iss": desk.provider.issuer}
        await desk.sign_in.finish(params, victim.handshake)

    with pytest.raises(SignInRefused):
        asyncio.run(inject())


def test_without_its_verifier_a_code_is_worth_nothing(desk: Desk) -> None:
    async def without() -> None:
        begun = await desk.sign_in.begin()
        params = desk.provider.visit(begun.url)
        await desk.sign_in.finish(params, replace(begun.handshake, verifier="A" * 43))

    with pytest.raises(SignInRefused, match="invalid_grant"):
        asyncio.run(without())


def test_a_sign_in_that_takes_too_long_is_refused(desk: Desk) -> None:
    begun = asyncio.run(desk.sign_in.begin())
    params = desk.provider.visit(begun.url)
    desk.clock.advance(minutes=10)
    with pytest.raises(SignInRefused):
        asyncio.run(desk.sign_in.finish(params, begun.handshake))


@pytest.mark.parametrize(
    "text",
    [
        None, "", "x", "e30=", padded("[1,2,3,4]"), padded('["a","b","c","d"]'), padded('["a","b",null,1]'), "\ud800",
        padded('["a","b","",1]'), padded('["a","b","c",1e400]'), padded("[" * 5000), padded('["a","b","c"]'),
        padded('["a","b","c",1e17]'), padded('["a","b","c",NaN]'), padded('["a","b","c",1]')[:-1],
    ],
)  # fmt: skip
def test_what_was_kept_for_no_browser_is_refused(text: str | None) -> None:
    with pytest.raises(SignInRefused):
        Handshake.read(text)


# -- what does not hold: the token -----------------------------------------------------------------------------

HOUR = 3600
WRONG_CLAIMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "another issuer": lambda _: {"iss": "https://evil.example"},
    "the issuer with a slash more": lambda _: {"iss": "http://127.0.0.1/"},
    "another program": lambda _: {"aud": "another-program"},
    "no program": lambda _: {"aud": []},
    "several programs, and none says for whom": lambda _: {"aud": [CLIENT_ID, "another-program"]},
    "several programs, for another": lambda _: {"aud": [CLIENT_ID, "another-program"], "azp": "another-program"},
    "for another, by its azp": lambda _: {"azp": "another-program"},
    "expired": lambda at: {"iat": at - HOUR, "exp": at - 61},
    "expired long ago": lambda at: {"iat": at - 2 * HOUR, "exp": at - HOUR},
    "an expiry that is no number": lambda _: {"exp": "tomorrow"},
    "an expiry that is not a number": lambda _: {"exp": float("nan")},
    "an expiry that never comes": lambda _: {"exp": float("inf")},
    "an expiry that is true": lambda _: {"exp": True},
    "from the future": lambda at: {"iat": at + HOUR, "exp": at + 2 * HOUR},
    "not before later": lambda at: {"nbf": at + HOUR},
    "another nonce": lambda _: {"nonce": "another"},
    "an empty nonce": lambda _: {"nonce": ""},
    "a nonce that is a list": lambda _: {"nonce": ["x"]},
    "an empty subject": lambda _: {"sub": ""},
    "a subject that is a number": lambda _: {"sub": 7},
    "a subject that is too long": lambda _: {"sub": "x" * 256},
    "a subject with a line break": lambda _: {"sub": "x\ny"},
    "the hash of another access token": lambda _: {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS)
def test_a_token_with_a_wrong_claim_is_refused(desk: Desk, wrong: str) -> None:
    desk.provider.claims = WRONG_CLAIMS[wrong](int(desk.clock.now().timestamp()))
    assert desk.refused().code == "sign_in_refused"


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nonce", "sub"])
def test_a_token_without_what_it_must_say_is_refused(desk: Desk, claim: str) -> None:
    desk.provider.without = {claim}
    assert desk.refused().code == "sign_in_refused"


def test_a_clock_that_is_a_little_off_is_taken(desk: Desk) -> None:
    at = int(desk.clock.now().timestamp())
    desk.provider.claims = {"iat": at + 30, "exp": at + 300}
    desk.through()
    desk.provider.claims = {"iat": at - 300, "exp": at - 30}
    desk.through()


@pytest.mark.parametrize(
    "lie",
    [
        "unsigned",
        "hmac_with_the_public_key",
        "hmac_with_a_listed_key",
        "own_key_in_the_header",
        "foreign_key",
        "another_family",
        "tampered",
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(desk: Desk, lie: str) -> None:
    desk.provider.sign = getattr(desk.provider, lie)
    assert desk.refused().code == "sign_in_refused"


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/cert"},
        {"x5c": ["MIIB"]},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"kid": "../../etc/passwd"},
        {"kid": "k1' OR '1'='1"},
    ],
)
def test_a_header_that_leads_elsewhere_is_refused(desk: Desk, header: dict[str, Any]) -> None:
    desk.provider.header = header
    desk.provider.sign = lambda head, claims: _signed_anyhow(desk.provider, head, claims)
    assert desk.refused().code == "sign_in_refused"


def _signed_anyhow(other: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Sign with the provider's true key, whatever the header says."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    parts = [b64(json.dumps(part).encode()) for part in (header, claims)]
    key: Any = other.keys["k1"].private_key
    return ".".join([*parts, b64(key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256()))])


def test_what_the_true_key_signs_with_an_honest_header_holds(desk: Desk) -> None:
    """The tests above are refused for the header, and not because their tokens were badly made."""
    desk.provider.sign = lambda head, claims: _signed_anyhow(desk.provider, head, claims)
    assert desk.through().subject == "248289761001"


@pytest.mark.parametrize(
    "id_token",
    [None, "", "x", "a.b", "a.b.c", "a.b.c.d.e", 7, ["x"], "é.é.é", "A" * 2_000_000, b64(b"[" * 9000) + ".e30.x"],
)
def test_what_is_no_token_is_refused(desk: Desk, id_token: object) -> None:
    desk.provider.token = {"id_token": id_token}
    assert desk.refused().code == "sign_in_refused"


def test_an_encryption_key_signs_nothing(desk: Desk) -> None:
    from joserfc.jwk import RSAKey

    desk.provider.keys = {"k1": RSAKey.generate_key(2048, {"kid": "k1", "use": "enc"})}
    desk.provider.sign = lambda head, claims: _signed_anyhow(desk.provider, head, claims)
    assert desk.refused().code == "sign_in_refused"


def test_of_two_keys_without_names_none_is_guessed(desk: Desk) -> None:
    from joserfc.jwk import RSAKey

    desk.provider.keys["k2"] = RSAKey.generate_key(2048, {"kid": "k2"})
    desk.provider.header = {"kid": None}
    assert desk.refused().code == "sign_in_refused"


def test_userinfo_about_somebody_else_is_refused(desk: Desk) -> None:
    desk.provider.without = {"email", "email_verified"}
    desk.provider.userinfo = {"sub": "another", "email": "boss@example.com", "email_verified": True}
    assert desk.refused().code == "sign_in_refused"


# -- what does not hold: the provider itself -------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": []},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": 7},
    ],
)
def test_a_provider_that_describes_itself_badly_is_not_used(desk: Desk, metadata: dict[str, Any]) -> None:
    desk.provider.metadata = metadata
    assert desk.refused().code == "identity_provider_down"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"[" * 100_000])
def test_a_provider_that_answers_nonsense_signs_nobody_in(desk: Desk, path: str, body: bytes) -> None:
    desk.provider.bodies[path] = body
    assert desk.refused().status in {401, 503}


def test_a_provider_that_is_not_there_is_down(desk: Desk) -> None:
    desk.made(issuer="http://127.0.0.1:9")
    assert desk.refused().status == 503


@pytest.mark.parametrize("url", ["http://idp.example.com", "ftp://127.0.0.1", "idp.example.com", "", "https://"])
def test_a_provider_is_reached_over_https_or_on_this_machine(desk: Desk, url: str) -> None:
    with pytest.raises(Invalid):
        desk.made(issuer=url)


def test_a_wrong_secret_of_the_client_signs_nobody_in(desk: Desk) -> None:
    desk.made(client_secret="wrong")
    assert desk.refused().code == "sign_in_refused"


def test_nothing_of_it_is_loaded_before_it_is_used() -> None:
    script = "import sys, sayso.connect.oidc; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"authlib", "joserfc", "httpx2", "cryptography"} & set(done.stdout.split())


# -- claims ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["true", 1, None, "yes", False, ["true"]])
def test_only_a_plain_true_verifies_an_address(said: object) -> None:
    assert verified_email_of({"email": "ana@example.com", "email_verified": said}) is None  # pyright: ignore[reportArgumentType]
    assert verified_email_of({"email": "ana@example.com"}) is None
    assert verified_email_of({"email": "Ana@Example.com", "email_verified": True}) == "ana@example.com"
    assert verified_email_of({"email": 7, "email_verified": True}) is None


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["desk"], "operator"),
        (["desk", "platform"], "admin"),
        ("builders", "developer"),
        (["Platform"], None),
        ([], None),
        (None, None),
        ({"platform": True}, None),
        ([["platform"]], None),
        ("plat", None),
    ],
)
def test_groups_stand_for_the_role_that_is_named_first(groups: Any, role: str | None) -> None:
    assert role_of(groups, ROLES) == role  # pyright: ignore[reportArgumentType]


def test_claims_are_found_by_name_or_by_a_path() -> None:
    claims = {"https://x.example/groups": ["a"], "realm_access": {"roles": ["b"]}, "flat": 1}
    assert claim_at(claims, "https://x.example/groups") == ["a"]
    assert claim_at(claims, "realm_access.roles") == ["b"]
    assert claim_at(claims, "flat.deeper") is None
    assert claim_at(claims, "missing") is None


def test_who_has_no_name_is_called_by_the_address() -> None:
    found = identity_of(
        {"email": "ana@example.com", "email_verified": True}, "s", issuer="i", groups_claim="g", roles={}
    )
    assert (found.name, found.key) == ("ana@example.com", "i s")
    assert subject_of({"sub": "é"}) is None


# -- from identity to person -----------------------------------------------------------------------------------

ANA = Identity(issuer="https://idp.example", subject="1", email="ana@example.com", name="Ana Ruiz")
STRICT = JoinRules()
DOMAIN = JoinRules(domains=frozenset({"example.com"}))
GROUPS = JoinRules(domains=frozenset({"example.com"}), by_groups=True)


def _in(world: World, identity: Identity = ANA, rules: JoinRules = STRICT) -> Any:
    return world.do(world.directory.sign_in.by_identity(identity, rules)).principal


def _code(world: World, identity: Identity = ANA, rules: JoinRules = STRICT) -> str:
    with pytest.raises(SaysoError) as refused:
        _in(world, identity, rules)
    return refused.value.code


def test_a_stranger_is_not_let_in(world: World) -> None:
    assert _code(world) == "not_invited"
    assert world.do(world.directory.people.list(world.local)) == []
    assert _code(world, rules=JoinRules(domains=frozenset({"ample.com", "sub.example.com"}))) == "not_invited"


def test_whose_domain_may_join_is_let_in_as_what_the_rules_say(world: World) -> None:
    principal = _in(world, rules=DOMAIN)
    assert (principal.role, principal.person.name, principal.person.subject) == (
        "operator",
        "Ana Ruiz",
        "https://idp.example 1",
    )
    assert _in(world, rules=STRICT).person.id == principal.person.id


def test_an_address_that_is_not_verified_opens_nothing(world: World) -> None:
    world.add("ana@example.com", "owner")
    assert _code(world, replace(ANA, email=None), DOMAIN) == "not_invited"


def test_who_is_invited_is_let_in_with_the_role_of_the_invitation(world: World) -> None:
    made = world.do(world.directory.invitations.create(world.local, email="ana@example.com", role="auditor"))
    assert _in(world).role == "auditor"
    with pytest.raises(Unauthenticated):
        world.do(world.directory.invitations.accept(made.text))


def test_an_expired_invitation_lets_nobody_in(world: World) -> None:
    world.do(
        world.directory.invitations.create(
            world.local, email="ana@example.com", role="admin", expires_in=timedelta(hours=1)
        )
    )
    world.clock.advance(hours=1)
    assert _code(world) == "not_invited"


def test_a_member_is_taken_over_once_and_by_one_identity_only(world: World) -> None:
    member = world.add("ana@example.com", "developer")
    assert _in(world).person.id == member.person.id
    assert _code(world, replace(ANA, subject="2")) == "not_invited"
    assert _code(world, replace(ANA, issuer="https://evil.example")) == "not_invited"
    assert _in(world, replace(ANA, email="renamed@example.com")).person.email == "ana@example.com"


def test_who_was_there_before_under_that_address_is_signed_out(world: World) -> None:
    """An admin who made the person and kept a session must not share it with the true owner of the address."""
    made = world.do(world.directory.invitations.create(world.local, email="ana@example.com", role="developer"))
    early = world.do(world.directory.invitations.accept(made.text)).signed_in
    assert early is not None
    _in(world)
    with pytest.raises(Unauthenticated):
        world.do(world.directory.authenticate_session(early.text))
    assert "person.identified" in world.actions()


def test_a_disabled_or_removed_person_is_not_let_in(world: World) -> None:
    person = _in(world, rules=DOMAIN).person
    world.do(world.directory.people.disable(world.local, person.id))
    assert _code(world, rules=DOMAIN) == "unauthenticated"
    world.do(world.directory.people.enable(world.local, person.id))
    world.do(world.directory.people.remove(world.local, person.id))
    assert _code(world, rules=DOMAIN) == "unauthenticated"
    assert _code(world, rules=GROUPS) == "unauthenticated"
    world.do(world.directory.invitations.create(world.local, email="ana@example.com", role="auditor"))
    assert _in(world).role == "auditor"


def test_a_disabled_person_without_an_identity_is_not_taken_over(world: World) -> None:
    member = world.add("ana@example.com", "developer")
    world.do(world.directory.people.disable(world.local, member.person.id))
    assert _code(world, rules=DOMAIN) == "unauthenticated"


def test_groups_decide_the_role_at_every_sign_in(world: World) -> None:
    assert _in(world, replace(ANA, role="developer"), GROUPS).role == "developer"
    first = world.do(world.directory.sign_in.by_identity(replace(ANA, role="developer"), GROUPS))
    assert _in(world, replace(ANA, role="admin"), GROUPS).role == "admin"
    with pytest.raises(Unauthenticated):  # opened with another role
        world.do(world.directory.authenticate_session(first.text))
    assert _in(world, ANA, GROUPS).role == "operator"
    nobody = replace(GROUPS, role=None)
    assert _code(world, ANA, nobody) == "not_invited"
    assert world.actions().count("member.role_changed") == 2
    changed = [row.by.id for row in world.audit() if row.action == "member.role_changed"]
    assert changed == ["oidc", "oidc"]


def test_groups_bring_a_removed_person_back(world: World) -> None:
    person = _in(world, rules=DOMAIN).person
    world.do(world.directory.people.remove(world.local, person.id))
    assert _in(world, replace(ANA, role="auditor"), GROUPS).role == "auditor"


def test_groups_do_not_take_the_last_owner(world: World) -> None:
    world.add("ana@example.com", "owner")
    assert _in(world, replace(ANA, role="operator"), GROUPS).role == "owner"
    assert "member.kept_owner" in world.actions()
    world.add("bo@example.com", "owner")
    assert _in(world, replace(ANA, role="operator"), GROUPS).role == "operator"


def test_the_whole_way_from_the_provider_to_a_session(world: World) -> None:
    with provider(world.clock.now) as other:
        desk = Desk(other, world.clock)
        other.claims = {"groups": ["builders"]}
        signed_in = world.do(world.directory.sign_in.by_identity(desk.through(), GROUPS))
        assert world.do(world.directory.authenticate_session(signed_in.text)).role == "developer"
        other.claims = {"sub": "2", "email": "eve@evil.example"}
        with pytest.raises(NotInvited):
            world.do(world.directory.sign_in.by_identity(desk.through(), GROUPS))
