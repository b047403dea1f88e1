"""Settings: flags over environment over `.env` over `sayso.toml` over defaults.

Every setting is documented in docs/reference/settings.md; a test holds the two together. A name that is misspelt must
not be passed over in silence, so an unknown one is an error in all of these places; so is a value that does not fit.
"""

import difflib
import getpass
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sayso.app.logs import LogFormat, LogLevel
from sayso.model.json import Json
from sayso.model.requesterrors import SettingRefused
from sayso.model.workspaces import Role

PREFIX = "SAYSO_"
DOTENV, TOML = ".env", "sayso.toml"
Source = Literal["flag", "environment", ".env", "sayso.toml", "default"]
_MASK = "********"
_LONGEST_TAG = 24


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def _split(given: object) -> object:
    """Take a list with commas, as an environment variable has it."""
    return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given


def _address(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("Expected an address such as https://sayso.example.com")
    return given


def _tag(given: str) -> str:
    if not given.isprintable() or not 0 < len(given.strip()) <= _LONGEST_TAG:
        raise ValueError(f"Expected 1 to {_LONGEST_TAG} visible characters, such as PROD")
    return given.strip()


Tag = Annotated[str, AfterValidator(_tag)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Issuer = Annotated[str, AfterValidator(_address)]
Address = Annotated[str, AfterValidator(_address), AfterValidator(lambda given: given.rstrip("/"))]
Seconds = Annotated[float, Field(gt=0)]


class Oidc(BaseModel):
    """The identity provider at which people sign in."""

    model_config = ConfigDict(frozen=True)

    issuer: Issuer
    """Its issuer, where `/.well-known/openid-configuration` is."""
    client_id: str
    """The name of this service there."""
    client_secret: SecretStr
    """The secret of this service there."""
    allowed_domains: Names = ()
    """Domains whose people may sign in without an invitation."""
    groups_claim: str = "groups"
    """The claim that names a person's groups."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """From a group to the role that it gives."""


class Settings(BaseSettings):
    """What can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=DOTENV,
        toml_file=TOML,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="ignore",  # what is unknown is refused below, with the name that was probably meant
    )

    database: Path = Path("sayso.db")
    """The SQLite file."""
    lease_seconds: Seconds = 10.0
    """How long a crashed worker's runs wait before another takes them over."""
    poll_seconds: Seconds = 0.05
    """How often a worker looks for other processes' commits."""
    user: str = Field(default_factory=_login)
    """Who decides, on the command line."""

    host: str = "127.0.0.1"
    """Where the service listens."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8787
    """Its port; 0 is any that is free."""
    base_url: Address | None = None
    """The address at which people reach the service, where it is not the one that it listens at."""
    environment: Tag | None = None
    """What the pages call this installation, such as PROD; shown on every page."""
    worker: bool = True
    """Whether the service advances runs itself."""
    concurrency: Annotated[int, Field(ge=1)] = 64
    """How many runs at once."""
    allowed_hosts: Names = ()
    """More names under which the service may be called."""
    trusted_proxies: Names = ()
    """Addresses of proxies whose X-Forwarded- headers are believed."""
    secret_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    """What protects the state of a sign-in on its way; without one, each process makes its own."""
    oidc: Oidc | None = None
    """The identity provider at which people sign in."""
    body_limit_bytes: Annotated[int, Field(ge=1024)] = 1024 * 1024
    """The largest body that is taken."""
    receive_deadline_seconds: Seconds = 10.0
    """How long a request's headers may take to arrive, and then its body."""
    log_format: LogFormat | None = None
    """`console` or `json`; without it, `console` in a terminal and `json` elsewhere."""
    log_level: LogLevel = "info"
    """The least that is logged."""
    metrics_token: SecretStr | None = None
    """Who presents it may read /metrics; without one, only this machine may."""

    url: Address | None = None
    """The service that commands work against, instead of a file."""
    api_key: SecretStr | None = None
    """The key that they present there."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the places in the order in which they win."""
        del file_secret_settings
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One setting, as it is in force."""

    name: str
    """Its dotted name, as in sayso.toml."""
    value: Json
    """Its value; a secret is masked."""
    source: Source
    """Where it comes from."""


def load_settings(**flags: Any) -> Settings:
    """Return the settings in force; a flag that is None was not given.

    Raises:
        SettingRefused: A name is unknown or a value does not fit; says which, and where.
    """
    return _load(flags)[0]


def explain_settings(**flags: Any) -> list[Effective]:
    """Return every setting with its value and where it comes from, secrets masked.

    Raises:
        SettingRefused: See `load_settings`.
    """
    settings, sources = _load(flags)
    return [
        Effective(name=name, value=value, source=sources.get(name, "default"))
        for name, value in settings_shown(settings)
    ]


def settings_shown(settings: Settings) -> list[tuple[str, Json]]:
    """Return every setting with its value, secrets masked."""
    return [(name, _shown(value)) for name, value in _leaves(settings)]


def setting_names(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting."""
    for name, field in model.model_fields.items():
        inner = _nested(field.annotation)
        if inner is None:
            yield f"{prefix}{name}"
        else:
            yield from setting_names(inner, f"{prefix}{name}.")


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper().replace(".", "__")


# -- inside ----------------------------------------------------------------------------------------------------


def _load(flags: Mapping[str, Any]) -> tuple[Settings, dict[str, Source]]:
    given = {name: value for name, value in flags.items() if value is not None}
    sources: dict[str, Source] = {}
    try:
        sources = _sources(given)
        return Settings(**given), sources
    except ValidationError as exc:
        wrong = "; ".join(f"{_called(item['loc'], sources)}: {item['msg']}" for item in exc.errors())
        raise SettingRefused(f"Expected settings that fit, but {wrong}.") from None
    except SettingRefused:
        raise
    except ValueError as exc:  # unreadable: not TOML, not UTF-8, not JSON where JSON is wanted
        what = str(exc) if type(exc).__name__ == "TOMLDecodeError" else type(exc).__name__
        raise SettingRefused(f"Expected settings that can be read, but: {what}.") from None


def _sources(flags: Mapping[str, Any]) -> dict[str, Source]:
    """Return where each setting that is given comes from; refuse what no setting is called."""
    environment, dotenv = EnvSettingsSource(Settings), DotEnvSettingsSource(Settings)
    toml = TomlConfigSettingsSource(Settings)()
    for where, variables in (("the environment", environment.env_vars), (DOTENV, dotenv.env_vars)):
        named = [name for name in variables if name.lower().startswith(PREFIX.lower())]
        for name in named:
            _check(name[len(PREFIX) :].lower().replace("__", "."), name.upper(), where)
    for name in _flat(toml):
        _check(name, name, TOML)
    found: dict[str, Source] = {}
    given: list[tuple[Source, Mapping[str, Any]]] = [
        ("flag", flags),
        ("environment", environment()),
        (".env", dotenv()),
        ("sayso.toml", toml),
    ]
    for source, values in given:
        for name in _flat(values):
            found.setdefault(name, source)
    return found


def _check(name: str, called: str, where: str) -> None:
    known = list(setting_names())
    tables = {one.partition(".")[0] for one in known if "." in one}
    if name in known or name in tables or name.startswith("oidc.roles."):
        return
    near = difflib.get_close_matches(name, known, 1, 0.6)
    meant = "" if not near else f" Did you mean {variable(near[0]) if called.startswith(PREFIX) else near[0]}?"
    raise SettingRefused(f"Expected settings that exist, but {called} in {where} is none.{meant}")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and f"{prefix}{name}" != "oidc.roles":
            yield from _flat(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _called(loc: tuple[int | str, ...], sources: Mapping[str, Source]) -> str:
    """Return a setting's name as it is spelt where it was set."""
    name = ".".join(str(part) for part in loc)
    match sources.get(name):
        case "flag":
            return f"--{name}"
        case "sayso.toml":
            return f"{name} in {TOML}"
        case ".env":
            return f"{variable(name)} in {DOTENV}"
        case _:
            return variable(name)


def _nested(annotation: Any) -> type[BaseModel] | None:
    return Oidc if annotation == Oidc | None else None


def _leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in type(model).model_fields.items():
        value, inner = getattr(model, name), _nested(field.annotation)
        if inner is None:
            yield f"{prefix}{name}", value
        elif value is None:
            yield from ((f"{prefix}{name}.{leaf}", None) for leaf in inner.model_fields)
        else:
            yield from _leaves(value, f"{prefix}{name}.")


def _shown(value: Any) -> Json:
    match value:
        case SecretStr():
            return _MASK
        case Path():
            return str(value)
        case tuple():
            return [str(one) for one in cast("tuple[object, ...]", value)]
        case _:
            return value
