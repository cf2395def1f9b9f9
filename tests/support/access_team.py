"""An Access team: signing keys, tokens as Access writes them, and the address where a Worker reads the public keys."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "a" * 64
# Take the question, and say nothing as long as the team is there.
SILENCE = "silence"
# One byte now and then, as long as the team is there.
DRIP, DRIP_S = "drip", 0.01
CLIENT_ID = "11111111111111111111111111111111.access"
PERSON: dict[str, Any] = {"common_name": None, "email": "ada@example.com", "sub": "user-1"}
# Changes to a service token, and whether a service is still what the token names: one rule for every example.
SERVICE_TOKENS = {
    "aud as a list": ({}, True),
    "aud as a text": ({"aud": AUDIENCE}, True),
    "aud as one of two": ({"aud": ["b" * 64, AUDIENCE]}, True),
    "another aud as a text": ({"aud": "b" * 64}, False),
    "a part of the aud as a text": ({"aud": AUDIENCE[:32]}, False),
    "aud as an object": ({"aud": {AUDIENCE: AUDIENCE}}, False),
    "an empty e-mail": ({"email": ""}, True),
    "a person who has a certificate": ({"email": "ada@example.com"}, False),
    "a sign-in with the common name of a service": ({"identity_nonce": "4f2a"}, False),
    "a client certificate's common name": ({"common_name": "billing-job"}, False),
    "a client id and more": ({"common_name": f"{CLIENT_ID}.evil.example"}, False),
    "no subject at all": ({"sub": None}, False),
    "a subject": ({"sub": "user-1"}, False),
    "a session of the organization": ({"type": "org"}, False),
    "no type": ({"type": None}, False),
    "no time of issue": ({"iat": None}, False),
}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """One RSA key with its ``kid``."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def jwk(self) -> dict[str, Any]:
        return {
            **jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True),
            "kid": self.kid,
            "alg": "RS256",
            "use": "sig",
        }


class Team:
    """A team domain on 127.0.0.1.

    Attributes:
        published: the keys that it hands out.
        fetches: how often it was asked for them.
        answer: None to hand out the keys, else ``(status, headers, body)``, ``SILENCE`` or ``DRIP``.
    """

    def __init__(self, url: str, key: Key) -> None:
        self.url, self.published = url, [key]
        self.fetches = 0
        self.answer: tuple[int, dict[str, str], bytes] | str | None = None
        self.closing = threading.Event()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what Access puts into the token of a service token; None takes a claim out."""
        now = int(time.time())
        claims = {
            "type": "app",
            "aud": [AUDIENCE],
            "exp": now + 600,
            "iat": now,
            "iss": self.url,
            "common_name": CLIENT_ID,
            "sub": "",
        }
        return {k: v for k, v in (claims | changes).items() if v is not None}

    def token(
        self, key: Key | None = None, *, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        key = key or self.published[0]
        return jwt.encode(self.claims(**changes), key.private, algorithm, headers={"kid": key.kid, **(headers or {})})

    def unsigned(self, **changes: Any) -> str:
        return f"{_part({'alg': 'none', 'kid': self.published[0].kid})}.{_part(self.claims(**changes))}."

    def signed_with_the_public_key(self, **changes: Any) -> str:
        """HS256 with the public key as the secret: fools a verifier that lets the token choose the algorithm."""
        key = self.published[0]
        content = f"{_part({'alg': 'HS256', 'kid': key.kid})}.{_part(self.claims(**changes))}"
        return f"{content}.{encoded(hmac.digest(key.public_pem, content.encode(), hashlib.sha256))}"


def _part(content: dict[str, Any]) -> str:
    return encoded(json.dumps(content).encode())


@contextmanager
def serve(key: Key) -> Iterator[Team]:
    """Run a team domain."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/cdn-cgi/access/certs"
            team.fetches += 1
            if team.answer == SILENCE:
                team.closing.wait()
                return
            if team.answer == DRIP:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    while not team.closing.wait(DRIP_S):
                        self.wfile.write(b" ")
                return
            keys = {"keys": [key.jwk for key in team.published], "public_cert": {}, "public_certs": []}
            status, headers, body = team.answer or (200, {}, json.dumps(keys).encode())
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with _listening(Handler) as url:
        team = Team(url, key)
        try:
            yield team
        finally:
            team.closing.set()


@contextmanager
def _listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def access(team: Team, worker_url: str, client_secret: str, *, strict: bool) -> Iterator[str]:
    """Run what Access does before a Worker: check the service token and hand on a signed token instead.

    Args:
        team: signs the tokens.
        worker_url: the protected Worker.
        client_secret: the only valid secret, of the service token ``CLIENT_ID``.
        strict: whether a bad token gets 401 (strict service-token authentication) or a redirect to a login page.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/login":
                return self.reply(200, b"<h1>Sign in</h1>")
            if (self.headers["CF-Access-Client-Id"], self.headers["CF-Access-Client-Secret"]) != (
                CLIENT_ID,
                client_secret,
            ):
                return self.reply(401, b"") if strict else self.reply(302, b"", Location="/login")
            answer = httpx.get(worker_url + self.path, headers={"Cf-Access-Jwt-Assertion": team.token()}, verify=False)
            return self.reply(answer.status_code, answer.content)

        def reply(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with _listening(Handler) as url:
        yield url
