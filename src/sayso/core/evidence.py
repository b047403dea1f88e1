"""The law of evidence packets: how one is sealed, and how anybody checks one without the database.

A packet is plain JSON: parts, and a manifest with the SHA-256 of each part and one hash of the whole. A part's hash is
over its canonical form (keys sorted, no spaces, UTF-8). The hashes show that a packet is as it was made; whoever can
make a packet can make another, so the hash of the whole is what to note down, or to sign, elsewhere.

Beside its hashes, a packet must be consistent: what was decided is what was shown, what was started is what was
approved, every decision is in the audit log. core/contradictions.py has these laws.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from sayso.core.contradictions import contradictions
from sayso.model.json import Json

FORMAT = "sayso/evidence/v1"
PARTS = ("session", "runs", "versions", "steps", "tasks", "decisions", "calls", "audit", "findings")
"""The parts of a packet, in the order in which they are read."""


def sealed(parts: Mapping[str, Json], made_at: str) -> dict[str, Json]:
    """Return a packet of parts, with what contradicts itself in them as one more part, and its manifest."""
    whole: dict[str, Json] = {**parts, "findings": list[Json](contradictions(parts))}
    return {"format": FORMAT, "made_at": made_at, "parts": whole, "manifest": _manifest(whole, made_at)}


def packet_bytes(packet: Mapping[str, Json]) -> bytes:
    """Return a packet as the bytes of its file: its canonical form and a line feed."""
    return _canonical(packet) + b"\n"


def packet_of(data: bytes) -> dict[str, Any]:
    """Return the packet of a file's bytes.

    Raises:
        ValueError: They are no JSON object, or one that different readers would read differently.
    """
    try:
        found: Any = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return cast("dict[str, Any]", found)


def problems(packet: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a packet, one sentence each; empty when it is as it was made and nothing contradicts.

    Needs nothing but the packet.
    """
    parts, manifest = _object(packet.get("parts")), _object(packet.get("manifest"))
    if packet.get("format") != FORMAT or parts is None or manifest is None:
        return [f"it is no packet of the form {FORMAT}"]
    return [*_unsealed(packet, parts, manifest), *_said(parts)]


def _object(value: Any) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _unsealed(packet: Mapping[str, Any], parts: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    """Return where a packet is not what its manifest says."""
    expected = _manifest(parts, str(packet.get("made_at")))
    noted = _object(manifest.get("parts")) or {}
    missing = [name for name in PARTS if name not in parts]
    changed = [name for name in parts if noted.get(name) != _hash(parts[name])]
    found = [f"the part '{name}' is missing" for name in missing]
    found += [f"the part '{name}' is not what was hashed" for name in changed]
    if not missing and not changed and manifest != expected:
        found.append("the manifest is not that of its parts")
    return found


def _said(parts: dict[str, Any]) -> list[str]:
    """Return what contradicts itself; a packet must say so itself."""
    try:
        found = contradictions(parts)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        return [f"its parts do not have the form of {FORMAT} ({type(exc).__name__}: {exc})"]
    return found if parts.get("findings") == found else [*found, "its findings are not what its parts say"]


def _manifest(parts: Mapping[str, Json], made_at: str) -> dict[str, Json]:
    hashes: dict[str, Json] = {name: _hash(part) for name, part in parts.items()}
    whole = _hash({"format": FORMAT, "made_at": made_at, "parts": hashes})
    return {
        "algorithm": "SHA-256 over JSON with sorted keys, without spaces, in UTF-8",
        "parts": hashes,
        "whole": whole,
    }


def _hash(value: Json) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()


def _canonical(value: Json) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it says something twice")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"it holds {constant}, which is no JSON")
