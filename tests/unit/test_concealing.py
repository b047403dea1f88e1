"""What has the form of a credential does not stay in the text of a failure; everything else does."""

import pytest

from sayso.core.concealing import without_credentials

CANARY = "CANARY9d81aa0f3c"


@pytest.mark.parametrize(
    "text",
    [
        f"401 from https://user:{CANARY}@provider.example/v1",
        f"refused: Authorization: Bearer {CANARY}.x",
        f"refused: authorization: basic {CANARY}==",
        f"Incorrect API key provided: sk-live-{CANARY}.",
        f"unknown key sayso_live_{CANARY}",
        f"GET /v1?api_key={CANARY}&x=1 failed",
    ],
)
def test_a_credential_is_concealed(text: str) -> None:
    found = without_credentials(text)
    assert CANARY not in found
    assert "[concealed]" in found


@pytest.mark.parametrize(
    "text", ["", "order 4711 is paid", "https://shop.example/a@b", "a bearer of news", "task-sk-1"]
)
def test_what_is_none_stays(text: str) -> None:
    assert without_credentials(text) == text
