"""From errors to exit codes: 0 ok, 1 refused, 2 usage, 3 not found, 4 conflict."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager

from sayso.cli.text import safe
from sayso.model.errors import Conflict, NotFound, SaysoError

REFUSED, NOT_FOUND, CONFLICT, INTERRUPTED = 1, 3, 4, 130


@contextmanager
def answered() -> Generator[None]:
    """Turn our errors into a message with a hint, or with `--json` into an object, and an exit code."""
    try:
        yield
    except SaysoError as exc:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": {"code": exc.code, "message": exc.message, "hint": exc.hint}}) + "\n")
        else:
            sys.stderr.write(f"{safe(exc.message)}\nHint: {safe(exc.hint)}\n")
        sys.exit(exit_code(exc))
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; nothing is lost. Run it again to go on.\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(REFUSED)


def exit_code(exc: SaysoError) -> int:
    """Return the exit code of an error."""
    match exc:
        case NotFound():
            return NOT_FOUND
        case Conflict():
            return CONFLICT
        case _:
            return REFUSED
