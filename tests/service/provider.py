"""An OpenID Connect provider on a loopback port, honest by default, and made to lie by its knobs."""

import base64
import hashlib
import json
import secrets
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "sayso-test", "provider-side-secret"
REDIRECT_URI = "http://127.0.0.1:8787/auth/callback"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """A provider. Change `claims`, `header`, `sign`, `metadata` and the rest to attack whoever signs in."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.keys: dict[str, Any] = {"k1": RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})}
        self.current = "k1"
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.without: set[str] = set()
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self.honest
        self.metadata: dict[str, Any] = {}
        self.token: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = None
        self.extra_keys: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: dict[str, bytes] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""

    # -- as the browser ------------------------------------------------------------------------------------

    def visit(self, url: str) -> dict[str, str]:
        """Sign in at the provider's page, and return what the browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["client_id"] == CLIENT_ID
        assert asked["redirect_uri"] == REDIRECT_URI
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    # -- as the provider -----------------------------------------------------------------------------------

    def honest(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(header, claims, self.keys[self.current], algorithms=[header["alg"]])

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        self.requests.append((path, form))
        if path in self.bodies:
            return 200, self.bodies[path]
        match path:
            case "/.well-known/openid-configuration":
                return 200, json.dumps(self.described()).encode()
            case "/jwks":
                public = [key.as_dict(private=False) for key in self.keys.values()]
                return 200, json.dumps({"keys": public + self.extra_keys}).encode()
            case "/token":
                return self.exchanged(form, authorization)
            case "/userinfo" if self.userinfo is not None and authorization == "Bearer at-1":
                return 200, json.dumps(self.userinfo).encode()
            case _:
                return 404, b"{}"

    def described(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.userinfo is not None:
            found["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return {name: value for name, value in {**found, **self.metadata}.items() if value is not None}

    def exchanged(self, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        asked = self.codes.pop(form.get("code", ""), None)
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, b'{"error": "invalid_client"}'
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked.get("code_challenge_method") != "S256" or asked["code_challenge"] != challenge:
            return 400, b'{"error": "invalid_grant", "error_description": "the code was not asked for so"}'
        at = int(self.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "248289761001",
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
            "email": "ana@example.com",
            "email_verified": True,
            "name": "Ana Ruiz",
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if name not in self.without}
        header = {"alg": "RS256", "kid": self.current, "typ": "JWT", **self.header}
        header = {name: value for name, value in header.items() if value is not None}
        token = {
            "access_token": "at-1",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.sign(header, claims),
        }
        token |= self.token
        return 200, json.dumps({name: value for name, value in token.items() if value is not None}).encode()

    # -- lies ----------------------------------------------------------------------------------------------

    def unsigned(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        parts = [b64(json.dumps(part).encode()) for part in ({**header, "alg": "none"}, claims)]
        return ".".join([*parts, ""])

    def hmac_with_the_public_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        import hmac

        pem = self.keys[self.current].as_pem(private=False)
        parts = [b64(json.dumps(part).encode()) for part in ({**header, "alg": "HS256"}, claims)]
        signed = ".".join(parts).encode()
        return ".".join([*parts, b64(hmac.new(pem, signed, hashlib.sha256).digest())])

    def hmac_with_a_listed_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        key = OctKey.import_key("a shared secret that is in the key set", {"kid": "shared"})
        self.extra_keys = [key.as_dict(private=True)]
        return jwt.encode({**header, "alg": "HS256", "kid": "shared"}, claims, key, algorithms=["HS256"])

    def own_key_in_the_header(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        key = RSAKey.generate_key(2048)
        return jwt.encode({**header, "jwk": key.as_dict(private=False)}, claims, key, algorithms=["RS256"])

    def foreign_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(header, claims, RSAKey.generate_key(2048), algorithms=["RS256"])

    def another_family(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode({**header, "alg": "ES256"}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])

    def tampered(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, _, signature = self.honest(header, claims).split(".")
        changed = b64(json.dumps({**claims, "email": "boss@example.com"}).encode())
        return f"{head}.{changed}.{signature}"


@contextmanager
def provider(now: Callable[[], datetime]) -> Iterator[Provider]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Provider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, body = made.answer(urlsplit(self.path).path, form, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
