"""Plays an Access team on this machine, so that the application can be tried without an account. Never deploy it.

uv run python snippets/tunnel-access/origin/local_team.py person
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://local-team.invalid"
AUDIENCE = "0" * 64
KID = "local"
KEY_FILE = Path(tempfile.gettempdir()) / f"local-access-team-{os.getuid()}.pem"
CLAIMS: dict[str, dict[str, Any]] = {
    "person": {"email": "ada@example.com", "sub": "local-user"},
    "service": {"common_name": "11111111111111111111111111111111.access", "sub": ""},
    "stranger": {"common_name": "22222222222222222222222222222222.access", "sub": ""},
}


def key() -> rsa.RSAPrivateKey:
    """Return this machine's own key, made once, readable by its owner only."""
    try:
        with os.fdopen(
            os.open(KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            file.write(
                made.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
    except FileExistsError:
        pass
    found = serialization.load_pem_private_key(KEY_FILE.read_bytes(), None)
    if not isinstance(found, rsa.RSAPrivateKey):
        raise TypeError(f"{KEY_FILE} holds no RSA key")
    return found


def documents() -> dict[str, Any]:
    """Return what a team serves at ``/cdn-cgi/access/certs``."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key().public_key(), as_dict=True)
    return {"keys": [{**public, "kid": KID, "alg": "RS256", "use": "sig"}]}


def token(who: str) -> str:
    now = int(time.time())
    claims = {
        "type": "app",
        "aud": [AUDIENCE],
        "iss": ISSUER,
        "iat": now,
        "exp": now + 300,
        **CLAIMS[who],
    }
    return jwt.encode(claims, key(), "RS256", {"kid": KID})


if __name__ == "__main__":
    print(token(sys.argv[1]))
