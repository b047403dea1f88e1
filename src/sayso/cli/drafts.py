"""What a person writes in an editor: kept in a file of its own until it has become a decision.

Whatever goes wrong on the way (the editor fails, the text is no JSON, somebody was faster), what was written stays
where it is, and the error says where.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import typer

from sayso.model.errors import Invalid, SaysoError


class Draft:
    """The text of one decision while it is written."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._began = ""

    def written(self, text: str) -> str:
        """Return what a person makes of a text in `$VISUAL` or `$EDITOR`.

        Raises:
            Invalid: No editor is named, or it cannot be started, fails, or leaves what is no text.
        """
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor:
            raise Invalid("Expected the new content.", hint="Give --content or --file, or set EDITOR.")
        self._path, self._began = Path(tempfile.mkdtemp(prefix="sayso-")) / "output.txt", text
        self._path.write_text(text, "utf-8")
        self._edit(editor)
        return self._read()

    @contextmanager
    def kept(self) -> Generator[None]:
        """Keep what was written, and say where, unless the work inside comes to its end."""
        try:
            yield
        except SaysoError as exc:
            if self._is_worth_keeping():
                exc.hint = f"{exc.hint} What you wrote is kept: mend it and give it with --file {self._path}"
            raise
        except KeyboardInterrupt:
            if self._is_worth_keeping():
                typer.echo(f"What you wrote is kept in {self._path}.", err=True)
            raise
        else:
            self._drop()

    def _edit(self, editor: str) -> None:
        try:
            done = subprocess.run([*shlex.split(editor), str(self._path)], check=False)  # noqa: S603 - the user's own
        except (OSError, ValueError) as exc:
            raise Invalid(
                f"Expected an editor that can be started, but {editor!r} cannot ({exc}); nothing was decided.",
                hint="Set EDITOR, or give --content or --file.",
            ) from exc
        if done.returncode != 0:
            raise Invalid(
                f"Expected the editor to end well, but it returned {done.returncode}; nothing was decided.",
                hint="Run the command again, or give --content or --file.",
            )

    def _read(self) -> str:
        try:
            return "" if self._path is None else self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise Invalid(f"Expected UTF-8 text from the editor, but: {exc}; nothing was decided.") from exc

    def _is_worth_keeping(self) -> bool:
        """Tell whether a person has written anything; what is only a copy of the original is removed."""
        if self._path is None:
            return False
        if not self._path.exists() or self._path.read_bytes() == self._began.encode():
            self._drop()
            return False
        return True

    def _drop(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path.parent.rmdir()
