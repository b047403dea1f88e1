"""Settings of the command line and of applications: flags over environment over `.env`.

Every setting is documented in docs/reference/settings.md; a test holds the two together.
"""

import getpass
import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sayso.model.errors import Invalid


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


class Settings(BaseSettings):
    """What can be set by `SAYSO_*` variables or a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="SAYSO_", env_file=".env", extra="ignore")

    database: Path = Path("sayso.db")
    """The SQLite file."""
    lease_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long a crashed worker's runs wait before another takes them over."""
    poll_seconds: Annotated[float, Field(gt=0)] = 0.05
    """How often a worker looks for other processes' commits."""
    user: str = Field(default_factory=_login)
    """Who decides, on the command line."""


def load_settings() -> Settings:
    """Return the settings in force.

    Raises:
        Invalid: A value does not fit; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as exc:
        wrong = "; ".join(f"SAYSO_{str(item['loc'][0]).upper()}: {item['msg']}" for item in exc.errors())
        raise Invalid(f"Expected settings that fit, but {wrong}.", hint="See docs/reference/settings.md.") from None
