"""The keys that this process's model clients use, so that none of them is stored or told."""

_used: set[str] = set()


def use(key: str | None) -> None:
    """Take note of a key."""
    if key:
        _used.add(key)


def used() -> frozenset[str]:
    """Return every key that was taken note of."""
    return frozenset(_used)


def count() -> int:
    """Return how many there are: they only become more."""
    return len(_used)
