"""Settings: who wins, what is refused, and what is shown."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sayso.app.settings import explain_settings, load_settings, setting_names, variable
from sayso.model.requesterrors import SettingRefused

CANARY = "CANARY-0123456789-0123456789-0123456789"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, and no variable of ours."""
    monkeypatch.chdir(tmp_path)
    for name in setting_names():
        monkeypatch.delenv(variable(name), raising=False)
    return tmp_path


def test_flags_win_over_the_environment_over_env_files_over_toml_over_defaults(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(load_settings().port, source("port"))]
    (here / "sayso.toml").write_text("port = 1\nhost = 'toml'\n")
    found.append((load_settings().port, source("port")))
    (here / ".env").write_text("SAYSO_PORT=2\nOPENAI_API_KEY=not-ours\n")
    found.append((load_settings().port, source("port")))
    monkeypatch.setenv("SAYSO_PORT", "3")
    found.append((load_settings().port, source("port")))
    found.append((load_settings(port=4).port, source("port", port=4)))
    assert found == [(8787, "default"), (1, "sayso.toml"), (2, ".env"), (3, "environment"), (4, "flag")]
    assert (load_settings().host, source("host")) == ("toml", "sayso.toml")


def source(name: str, **flags: object) -> str:
    return next(one.source for one in explain_settings(**flags) if one.name == name)


def test_a_flag_that_was_not_given_and_an_empty_variable_win_over_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_PORT", "")
    monkeypatch.setenv("SAYSO_WORKER", "false")
    settings = load_settings(port=None, worker=None)
    assert (settings.port, settings.worker) == (8787, False)


def test_nested_settings_and_lists_come_from_every_place(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "sayso.toml").write_text(
        "allowed_hosts = ['a.example', 'b.example']\n"
        "[oidc]\nissuer = 'https://id.example/'\nclient_id = 'toml'\n[oidc.roles]\nReviewers = 'operator'\n"
    )
    monkeypatch.setenv("SAYSO_OIDC__CLIENT_SECRET", CANARY)
    monkeypatch.setenv("SAYSO_OIDC__CLIENT_ID", "environment")
    monkeypatch.setenv("SAYSO_OIDC__ALLOWED_DOMAINS", "a.example, b.example")
    settings = load_settings()
    assert settings.allowed_hosts == ("a.example", "b.example")
    assert settings.oidc is not None
    assert settings.oidc.issuer == "https://id.example/", "an issuer is compared to the letter"
    assert settings.oidc.client_id == "environment"
    assert settings.oidc.client_secret.get_secret_value() == CANARY
    assert settings.oidc.allowed_domains == ("a.example", "b.example")
    assert settings.oidc.roles == {"Reviewers": "operator"}
    monkeypatch.setenv("SAYSO_ALLOWED_HOSTS", "c.example,d.example")
    assert load_settings().allowed_hosts == ("c.example", "d.example")
    assert source("oidc.client_secret") == "environment"
    assert source("oidc.roles") == "sayso.toml"


def in_environment(_: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(variable(name), value)


def in_env_file(here: Path, _: pytest.MonkeyPatch, name: str, value: str) -> None:
    (here / ".env").write_text(f"{variable(name)}={value}\n")


def in_toml(here: Path, _: pytest.MonkeyPatch, name: str, value: str) -> None:
    (here / "sayso.toml").write_text(f"{name} = '{value}'\n")


PLACES = [in_environment, in_env_file, in_toml]


@pytest.mark.parametrize("put", PLACES)
@pytest.mark.parametrize(("wrong", "meant"), [("prot", "port"), ("oidc.issuers", "oidc.issuer"), ("zzz", None)])
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(
    here: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[..., None], wrong: str, meant: str | None
) -> None:
    put(here, monkeypatch, wrong, CANARY)
    spelt: Callable[[str], str] = str if put is in_toml else variable
    with pytest.raises(SettingRefused) as refused:
        load_settings()
    assert spelt(wrong) in str(refused.value)
    assert (meant is None) == ("Did you mean" not in str(refused.value))
    assert meant is None or f"Did you mean {spelt(meant)}?" in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("put", PLACES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", f"x{CANARY}"),
        ("port", "65536"),
        ("lease_seconds", "0"),
        ("log_format", CANARY),
        ("base_url", f"ftp://{CANARY}"),
        ("secret_key", "short"),
        ("oidc.issuer", f"{CANARY}.example"),
        ("worker", CANARY),
    ],
)
def test_a_value_that_does_not_fit_is_refused_where_it_stands_without_an_echo(
    here: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[..., None], name: str, value: str
) -> None:
    put(here, monkeypatch, name, value)
    with pytest.raises(SettingRefused) as refused:
        load_settings()
    spelt = {in_environment: variable(name), in_env_file: f"{variable(name)} in .env", in_toml: f"{name} in sayso.toml"}
    assert spelt[put] in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("sayso.toml", b"port = = CANARY"),
        ("sayso.toml", b"\xff"),
        (".env", b"SAYSO_OIDC={CANARY"),
        (".env", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(here: Path, file: str, content: bytes) -> None:
    (here / file).write_bytes(content)
    with pytest.raises(SettingRefused) as refused:
        load_settings()
    assert "CANARY" not in str(refused.value)


def test_half_an_identity_provider_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_OIDC__ISSUER", "https://id.example")
    with pytest.raises(SettingRefused, match="SAYSO_OIDC__CLIENT_ID: Field required"):
        load_settings()


def test_what_is_shown_has_every_setting_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("secret_key", "metrics_token", "api_key", "oidc.client_secret", "oidc.client_id"):
        monkeypatch.setenv(variable(name), CANARY)
    monkeypatch.setenv("SAYSO_OIDC__ISSUER", "https://id.example")
    shown = {one.name: one.value for one in explain_settings()}
    assert list(shown) == list(setting_names())
    assert shown["api_key"] == shown["secret_key"] == shown["oidc.client_secret"] == "********"
    assert shown["oidc.client_id"] == CANARY
    assert json.dumps(shown).count(CANARY) == 1
    assert CANARY not in repr(load_settings()).replace(f"client_id='{CANARY}'", "")


@pytest.mark.parametrize("json_", [True, False])
def test_sayso_config_shows_them(here: Path, json_: bool) -> None:
    (here / ".env").write_text(f"SAYSO_PORT=9000\nSAYSO_API_KEY={CANARY}\n")
    command = [sys.executable, "-m", "sayso", "config", "-d", "other.db", *(["--json"] if json_ else [])]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert CANARY not in shown
    if json_:
        assert json.loads(shown)["port"] == {"value": 9000, "source": ".env"}
        assert json.loads(shown)["database"] == {"value": "other.db", "source": "flag"}
    else:
        assert "port\t9000\t.env\n" in shown
        assert "api_key\t********\t.env\n" in shown
