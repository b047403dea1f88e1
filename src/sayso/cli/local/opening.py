"""Opening the database of a command."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sayso.app.database import SqliteDb
from sayso.app.secrets import scrub_logs
from sayso.app.settings import Settings, load_settings
from sayso.model.errors import StoreUnavailable


@contextmanager
def opened(database: Path | None, *, create: bool = False) -> Generator[tuple[SqliteDb, Settings]]:
    """Open the database of a command.

    Raises:
        StoreUnavailable: The file is not there, and the command would have nothing to show.
    """
    settings = load_settings()
    path = database or settings.database
    if not create and not path.exists():
        raise StoreUnavailable(
            f"Expected a Sayso database at {path}, but there is no such file.",
            hint="Name it with --database or SAYSO_DATABASE; or name a server with --url or SAYSO_URL.",
        )
    with SqliteDb(path, lease_seconds=settings.lease_seconds) as db:
        scrub_logs(db.secrets)
        yield db, settings
