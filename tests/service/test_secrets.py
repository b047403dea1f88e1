"""The shapes of secrets, and what a text that has none of them is answered."""

import ast
import random
import string
from pathlib import Path

import pytest

import sayso.core.secrets
from sayso.app.clock import SystemIds, SystemSecrets
from sayso.core.secrets import NOBODY, hash_of, last_of, new_key, new_secret, read_key, read_secret, same
from sayso.model.directoryerrors import Unauthenticated
from sayso.model.workspaces import KeyId, Scope
from tests.service.world import World

KINDS = ("session", "link", "token", "invitation")
CHANCE = bytes(range(32))


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_read_back_as_its_hash_and_by_its_own_kind_only(kind: str) -> None:
    text = new_secret(kind, CHANCE)
    assert read_secret(kind, text) == hash_of(text)
    assert not [other for other in KINDS if other != kind and read_secret(other, text) is not None]
    assert read_key(text) is None


def test_a_key_names_its_row_and_keeps_its_secret() -> None:
    key_id = KeyId(SystemIds().new("key"))
    text = new_key(key_id, CHANCE)
    assert text.startswith(f"sayso_live_{key_id.removeprefix('key_')}_")
    assert read_key(text) == (key_id, hash_of(text))
    assert text.endswith(last_of(text))
    assert len(last_of(text)) == 4


def test_secrets_of_the_system_are_fit_for_addresses_and_never_the_same() -> None:
    made = {new_secret("link", SystemSecrets().new()) for _ in range(1000)}
    assert len(made) == 1000
    assert set("".join(made)) <= set(string.ascii_letters + string.digits + "-_")


def test_a_secret_takes_all_of_its_chance() -> None:
    for short in (b"", b"x" * 31, b"x" * 33):
        with pytest.raises(ValueError, match="Expected 32 random bytes"):
            new_secret("session", short)
        with pytest.raises(ValueError, match="Expected 32 random bytes"):
            new_key(KeyId("key_1"), short)


def test_hashes_are_compared_in_constant_time() -> None:
    """Held by reading the code: a timing test would say nothing on a busy machine."""
    tree = ast.parse(Path(sayso.core.secrets.__file__).read_text("utf-8"))
    (body,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "same"]
    assert ast.unparse(body.body[-1]) == "return hmac.compare_digest(given, stored)"
    assert same(hash_of("a"), hash_of("a"))
    assert not same(hash_of("a"), NOBODY)


def _mutations(text: str) -> list[str]:
    return [
        "",
        text[:-1],
        text + "A",
        text + "\n",
        " " + text,
        text.upper(),
        text.replace("_", "-", 1),
        text.replace("sayso", "\u0455ayso"),  # a Cyrillic letter that looks like an s
        text[:-1] + "é",
        text[:-1] + "\x00",
        text[:-1] + "\ud800",
        text[:-1] + "=",
        text * 1000,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_is_almost_a_secret_is_none(kind: str) -> None:
    for text in _mutations(new_secret(kind, CHANCE)):
        assert read_secret(kind, text) is None


def test_a_text_that_is_almost_a_key_is_none() -> None:
    text = new_key(KeyId("key_" + "0" * 26), CHANCE)
    for wrong in _mutations(text):
        assert read_key(wrong) is None


@pytest.mark.parametrize("value", [None, 7, b"sayso_ses_", ["x"], object()])
def test_what_is_no_text_is_no_secret(value: object) -> None:
    assert read_secret("session", value) is None
    assert read_key(value) is None


def test_ten_thousand_guesses_are_all_answered_the_same(world: World) -> None:
    made = world.do(world.directory.keys.create(world.local, name="k", scopes=[Scope(agent_id="a")]))
    chance = random.Random(20260101)
    alphabet = [chr(code) for code in (*range(0x250), *range(0x2000, 0x2100), 0xD800, 0xDFFF, 0x1F600)]
    shaped = string.ascii_letters + string.digits + "-_"

    def guess(number: int) -> str:
        if number % 3 == 0:
            return "".join(chance.choices(alphabet, k=chance.randrange(0, 200)))
        tail = "".join(chance.choices(shaped, k=43))
        if number % 3 == 1:
            return made.text[:-43] + tail  # the right id, a wrong secret
        return chance.choice(["sayso_ses_", "sayso_cli_", "sayso_link_", "sayso_live_"]) + tail

    async def ask() -> set[str]:
        answers: set[str] = set()
        checks = (
            world.directory.authenticate_key,
            world.directory.authenticate_session,
            world.directory.authenticate_token,
            world.directory.sign_in.by_link,
            world.directory.invitations.accept,
        )
        for number in range(10_000):
            try:
                await checks[number % len(checks)](guess(number))
            except Unauthenticated as exc:
                answers.add(f"{exc.code} {exc.status} {exc}")
        return answers

    answers = world.do(ask())
    assert len(answers) == 1
    assert answers.pop().startswith("unauthenticated 401 ")
    assert world.do(world.directory.authenticate_key(made.text)).key == made.key
