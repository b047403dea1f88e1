"""Where a command works: on a file, or on a server; and the options that say so.

A server that is named wins over a file that is merely set; both named at once is refused. What the environment says
wins over `.env` and `sayso.toml`, so these are not even read where it says all that is needed to reach a server:
a command that talks to one starts without the runtime.
"""

import inspect
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from sayso.cli.desk import Desk, Server
from sayso.model.errors import Invalid
from sayso.model.requesterrors import NotRemote

if TYPE_CHECKING:
    from sayso.app.settings import Settings

P = ParamSpec("P")
Database = Annotated[Path | None, typer.Option("--database", "-d", help="The SQLite file (SAYSO_DATABASE).")]
Url = Annotated[
    str | None, typer.Option("--url", help="The server to work against (SAYSO_URL); '' is none, but the file.")
]
_URL, _KEY = "SAYSO_URL", "SAYSO_API_KEY"


def at_desk(*, create: bool = False) -> Callable[[Callable[Concatenate[Desk, P], None]], Callable[..., None]]:
    """Give a command its desk in place of its first parameter, and the options that say where it is.

    Args:
        create: Whether a file that is not there is made.
    """

    def placed(command: Callable[Concatenate[Desk, P], None]) -> Callable[..., None]:
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            database, url = kwargs.pop("database"), kwargs.pop("url")
            with opened(_path(database), _text(url), create=create) as desk:
                command(desk, *args, **kwargs)

        signature = inspect.signature(command)
        _, *own = signature.parameters.values()
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in (("database", Database), ("url", Url))
        ]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {item.name: item.annotation for item in [*own, *more]}
        run.__signature__ = signature.replace(parameters=[*own, *more])  # what typer reads
        return run

    return placed


@contextmanager
def opened(database: Path | None, url: str | None, *, create: bool = False) -> Generator[Desk]:
    """Open the desk that options, environment and settings name."""
    server = server_of(database, url)
    if server is None:
        from sayso.cli.local import at_file  # Lazy: a command over a server needs no runtime.

        with at_file(database, create=create) as desk:
            yield desk
    else:
        from sayso.cli.remote import at_server  # Lazy: a command over a file needs no HTTP.

        with at_server(server) as desk:
            yield desk


def server_of(database: Path | None, url: str | None) -> Server | None:
    """Return the server to work against; None where it is a file.

    Raises:
        Invalid: Both are named.
    """
    if url == "":
        return None
    address, credential = url or os.environ.get(_URL), os.environ.get(_KEY)
    if not address or not credential:
        settings = _settings()
        address = address or settings.url
        credential = credential or (settings.api_key.get_secret_value() if settings.api_key else None)
    if not address:
        return None
    if database is not None:
        raise Invalid(
            f"Expected a file or a server, but both are named: {database} and {address}.",
            hint="Leave --database out; or say --url '' to work on the file.",
        )
    return Server(address.rstrip("/"), credential, "" if url is None else f" --url {url}")


def refuse_server(command: str) -> None:
    """Refuse a command that works on a file or on this machine alone where a server is set.

    Raises:
        NotRemote: One is.
    """
    address = os.environ.get(_URL) or _settings().url
    if address:
        raise NotRemote(
            f"Expected a file to work on, but the server {address} is set, and `sayso {command}` works on files alone.",
            hint=f"Unset SAYSO_URL (or `url` in .env or sayso.toml): env -u SAYSO_URL sayso {command} ...",
        )


def _settings() -> "Settings":
    from sayso.app.settings import load_settings  # Lazy: see above.

    return load_settings()


def _path(given: Any) -> Path | None:
    return given


def _text(given: Any) -> str | None:
    return given
