"""Write docs/reference/errors.md from the error tree: `python docs/make_errors.py`."""

from pathlib import Path

from sayso.model import directoryerrors, errors, registryerrors, requesterrors

PAGE = Path(__file__).parent / "reference" / "errors.md"
HEAD = """# Errors

Every refusal is a class under `SaysoError`, with a stable `code`, an HTTP `status`, and a `hint`: the next thing to do.
Those that a caller of a plain Python API may expect are `ValueError`s too. A refused command has changed nothing.

| Class | Code | Status | What it says | Hint |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    rows: list[str] = []
    for name, cls in {**vars(errors), **vars(directoryerrors), **vars(registryerrors), **vars(requesterrors)}.items():
        if isinstance(cls, type) and issubclass(cls, errors.SaysoError):
            about = (cls.__doc__ or "").strip().splitlines()[0]
            rows.append(f"| `{name}` | `{cls.code}` | {cls.status} | {about} | {cls.hint} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
