"""Styles and scripts, served from the package: named by their content, so that browsers may keep them for ever."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.responses import Response

from sayso.model.requesterrors import RouteUnknown
from sayso.server.routes import router as strict_router

router = strict_router(include_in_schema=False)
_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    media_type: str
    plain: bytes
    packed: bytes
    """The same, gzipped."""
    digest: str


def _read(folder: Path) -> Mapping[str, Asset]:
    assets: dict[str, Asset] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES:
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()[:12]
            packed = gzip.compress(data, mtime=0)
            assets[path.relative_to(folder).as_posix()] = Asset(_TYPES[path.suffix], data, packed, digest)
    return assets


ASSETS = _read(_FOLDER)
"""Every file, by its path below `static/`."""


def address_of(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    return f"/static/{ASSETS[name].digest}/{name}"


@router.get("/static/{digest}/{name:path}")
async def static_file(request: Request, digest: str, name: str) -> Response:
    """Send a file; an address of another version of it is answered with what is there now, not to be kept."""
    asset = ASSETS.get(name)
    if asset is None:
        raise RouteUnknown("Expected a path that exists, but there is nothing at this one.")
    headers = {"Vary": "Accept-Encoding"}
    if digest == asset.digest:
        headers["Cache-Control"] = _FOR_EVER
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.plain, media_type=asset.media_type, headers=headers)
