"""Secret arguments: what a tool's schema calls secret is kept apart, and everything else holds a reference to it.

A place of arguments is secret where the schema says `format: password` or `writeOnly: true` (pydantic's `SecretStr` and
`SecretBytes` say both). Its value is stored once, beside the run, in the clear; the journal, the question, the ledger,
the decision and whatever is made of these hold a *seal* in its place:

    {"$": "secret", "v": "<HMAC-SHA-256 of the value under a random key of the run>"}

So a digest over arguments binds their secrets, and nobody who has the seal alone can try values against it. A seal is
opened only at a place that the schema calls secret; anywhere else it is data, which a model may have made up.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from sayso.core.ledger import canonical
from sayso.core.scrub import Scrubber
from sayso.model.errors import LedgerConflict
from sayso.model.json import Json
from sayso.model.tasks import CallShown

MASK = "••••"
"""What stands for a secret on every surface."""
CHANGED = "•••• (another value)"
SALT = "salt"
"""The name under which the key of a run's seals is kept."""
SEALED = b'"$":"secret"'
"""What the bytes of arguments hold where there is a seal in them; others may hold it too."""
Path = tuple[str, ...]
_MARK, _SECRET = "$", "secret"
_DEEPEST = 40
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


class Vault:
    """The secrets of one run.

    Args:
        salt: The key of its seals.
        values: What is kept, by the reference that seals have.
    """

    def __init__(self, salt: str, values: Mapping[str, Json]) -> None:
        self.salt = salt
        self._values = dict(values)
        self._fresh: dict[str, Json] = {}

    def seal(self, schema: Json, arguments: Json) -> Any:
        """Return arguments with a seal at every secret place that holds a value."""
        return _at_secrets(schema, arguments, self._sealed)

    def open(self, schema: Json, arguments: Json) -> Any:
        """Return arguments with the value of every seal at a secret place.

        Raises:
            LedgerConflict: What is kept is not what was sealed.
        """
        return _at_secrets(schema, arguments, self.opened)

    def take_fresh(self) -> dict[str, Json]:
        """Return what was sealed and is not kept yet; the caller keeps it."""
        fresh, self._fresh = self._fresh, {}
        return fresh

    def learn(self, values: Mapping[str, Json]) -> None:
        """Take in what is kept since."""
        self._values.update(values)

    def texts(self) -> list[str]:
        """Return the secrets as texts, to be masked wherever else they appear."""
        return [value if isinstance(value, str) else canonical(value).decode() for value in self._values.values()]

    def without(self, value: Json) -> Any:
        """Return a value with the mask for every part of it that is one of these secrets, however short."""
        if isinstance(value, dict):
            return {name: self.without(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.without(item) for item in value]
        known = any(type(value) is type(secret) and value == secret for secret in self._values.values())
        return MASK if known and value is not None else value

    def clean(self, text: str) -> str:
        """Return a text with these secrets masked."""
        return Scrubber(self.texts()).text(text)

    def cleaned(self, value: Json) -> Any:
        """Return a value of the same form with these secrets masked in its texts; names, numbers and seals stay."""
        return _texts(value, Scrubber(self.texts()))

    def _sealed(self, value: Json) -> Json:
        if value is None:
            return None
        ref = _ref(self.salt, value)
        if ref not in self._values:
            self._values[ref] = self._fresh[ref] = value
        return {_MARK: _SECRET, "v": ref}

    def opened(self, value: Json) -> Json:
        """Return the value of a seal; what is none is itself.

        Raises:
            LedgerConflict: What is kept is not what was sealed.
        """
        if not is_seal(value):
            return value
        ref = cast("dict[str, str]", value)["v"]
        if ref not in self._values or not hmac.compare_digest(_ref(self.salt, self._values[ref]), ref):
            raise LedgerConflict("Expected the secret of a call as it was sealed, but what is kept is another one.")
        return self._values[ref]


def says_secret(schema: Json) -> bool:
    """Tell whether anything in a schema is secret."""
    match schema:
        case Mapping():
            return _is_secret(schema) or any(says_secret(part) for part in schema.values())
        case list():
            return any(says_secret(part) for part in schema)
        case _:
            return False


def is_seal(value: Json) -> bool:
    """Tell whether a value is a seal; anybody can write one, so this alone makes nothing secret."""
    return isinstance(value, dict) and value.keys() == {_MARK, "v"} and value[_MARK] == _SECRET


def masked(value: Json) -> Any:
    """Return a value with the mask in place of everything that looks like a seal."""
    if is_seal(value):
        return MASK
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def masked_arguments(call: CallShown) -> Json:
    """Return the arguments of a call as people see them: masked at secret places, and as they are everywhere else."""
    return _at_secrets(call.schema, call.arguments, _mask)


def sealed_at(call: CallShown) -> dict[str, Json]:
    """Return the seals of a call's arguments by the place of each, as a JSON pointer."""
    return {pointer(path): value for path, value in secrets_of(call.schema, call.arguments) if is_seal(value)}


def told_apart(schema: Json, was: Json, now: Json) -> tuple[Json, Json]:
    """Return two versions of arguments as people see them: of a secret only whether it is another one."""
    before = {pointer(path): value for path, value in secrets_of(schema, was)}

    def mask(value: Json, path: Path) -> Json:
        known = before.get(pointer(path))
        return None if value is None else MASK if value in (MASK, known) else CHANGED

    return _at_secrets(schema, was, _mask), _walk(schema, schema, now, (), 0, mask)


def kept(schema: Json, shown: Json, given: Json) -> Json:
    """Return what a person has given, with the seals that were shown wherever its mask was left as it is."""
    seals = {pointer(path): value for path, value in secrets_of(schema, shown) if is_seal(value)}

    def unmask(value: Json, path: Path) -> Json:
        return seals.get(pointer(path), value) if value == MASK else value

    return _walk(schema, schema, given, (), 0, unmask)


def masks_left(schema: Json, arguments: Json) -> list[str]:
    """Return the secret places that hold the mask, which is nobody's value."""
    return [pointer(path) for path, value in secrets_of(schema, arguments) if value == MASK]


def pointer(path: Sequence[str]) -> str:
    """Return a place as a JSON pointer."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def _texts(value: Json, scrubber: Scrubber) -> Json:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and not isinstance(value.get(_MARK), str):
        return {name: _texts(item, scrubber) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, scrubber) for item in value]
    return scrubber.clean(value)


def _ref(salt: str, value: Json) -> str:
    return hmac.new(salt.encode(), b"sayso/secret/v1\x00" + canonical(value), hashlib.sha256).hexdigest()


def masked_values(schema: Json, values: Json) -> Any:
    """Return values as people see them: masked at the places that their schema calls secret."""
    return _at_secrets(schema, values, _mask)


def _mask(value: Json) -> Json:
    return None if value is None else MASK


def _is_secret(part: Mapping[str, Json]) -> bool:
    return part.get("format") == "password" or part.get("writeOnly") is True


def _at_secrets(schema: Json, value: Json, change: Callable[[Json], Json]) -> Json:
    return _walk(schema, schema, value, (), 0, lambda found, _: change(found))


def secrets_of(schema: Json, value: Json) -> list[tuple[Path, Json]]:
    """Return what stands at every secret place, each with where."""
    found: list[tuple[Path, Json]] = []

    def note(item: Json, path: Path) -> Json:
        found.append((path, item))
        return item

    _walk(schema, schema, value, (), 0, note)
    return found


def _walk(root: Json, part: Json, value: Json, path: Path, deep: int, change: Callable[[Json, Path], Json]) -> Json:
    """Return a value with every secret place changed, by a part of its schema."""
    parts = list(_meant(root, part, deep))
    if any(_is_secret(one) for one in parts):
        return change(value, path)
    if not parts:  # nothing is said of what is below, however deep it is
        return value
    if isinstance(value, dict) and not is_seal(value):
        return {
            name: _first(root, [_member(one, name) for one in parts], item, (*path, name), deep, change)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [
            _first(root, [_item(one, place) for one in parts], item, (*path, str(place)), deep, change)
            for place, item in enumerate(value)
        ]
    return value


def _first(
    root: Json, parts: Sequence[Json], value: Json, path: Path, deep: int, change: Callable[[Json, Path], Json]
) -> Json:
    """Go on with what all the alternatives say of a member together: secret by one of them is secret."""
    return _walk(root, {"allOf": [part for part in parts if part is not None]}, value, path, deep + 1, change)


def _meant(root: Json, part: Json, deep: int, seen: frozenset[str] = frozenset()) -> Iterator[Mapping[str, Json]]:
    """Yield a part of a schema with everything that it refers to or leaves open."""
    if not isinstance(part, Mapping) or deep > _DEEPEST:
        return
    yield part
    ref = part.get("$ref")
    if isinstance(ref, str) and ref.startswith("#/") and ref not in seen:
        seen |= {ref}
        target: Json = root
        for step in ref[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, Mapping) else None
        yield from _meant(root, target, deep + 1, seen)
    for way in _ALTERNATIVES:
        ways = part.get(way)
        for one in ways if isinstance(ways, list) else ():
            yield from _meant(root, one, deep + 1, seen)


def _member(part: Mapping[str, Json], name: str) -> Json:
    known = part.get("properties")
    return known[name] if isinstance(known, Mapping) and name in known else part.get("additionalProperties")


def _item(part: Mapping[str, Json], place: int) -> Json:
    first = part.get("prefixItems")
    return first[place] if isinstance(first, list) and place < len(first) else part.get("items")
