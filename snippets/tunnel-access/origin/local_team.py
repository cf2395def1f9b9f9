"""Plays an Access team on this machine, so that the application can be tried without an account. Never deploy it.

uv run python snippets/tunnel-access/origin/local_team.py person
"""

import argparse
import contextlib
import os
import secrets
import stat
import sys
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://local-team.invalid"
AUDIENCE = "0" * 64
KID = "local"
FOLDER = Path.home() / ".local-access-team"
KEY_FILE = FOLDER / "key.pem"
CLAIMS: dict[str, dict[str, Any]] = {
    "person": {"email": "ada@example.com", "sub": "local-user"},
    "service": {"common_name": "11111111111111111111111111111111.access", "sub": ""},
    "stranger": {"common_name": "22222222222222222222222222222222.access", "sub": ""},
}


def key() -> rsa.RSAPrivateKey:
    """Return your own key, made once.

    Raises:
        PermissionError: somebody else could have put one there.
    """
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    _must_be_ours(FOLDER)
    if not KEY_FILE.exists():
        part = FOLDER / f"{secrets.token_hex(8)}.part"
        part.touch(mode=0o600)
        part.write_bytes(_new_key())
        # Of two programs that start at once, the first one's key stays.
        with contextlib.suppress(FileExistsError):
            os.link(part, KEY_FILE)
        part.unlink()
    found = serialization.load_pem_private_key(KEY_FILE.read_bytes(), None)
    if not isinstance(found, rsa.RSAPrivateKey):
        raise TypeError(f"{KEY_FILE} holds no RSA key")
    return found


def _new_key() -> bytes:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _must_be_ours(folder: Path) -> None:
    """Whoever writes into the folder signs for everybody. On Windows, your profile is yours."""
    if sys.platform != "win32":
        found = folder.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if not ours or found.st_mode & 0o077:
            why = "is open to others: remove it, and it is made anew"
            raise PermissionError(f"{folder} {why}")


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=CLAIMS)
    try:
        print(token(parser.parse_args().who))
    except (OSError, TypeError, ValueError) as error:
        raise SystemExit(f"no token: {error}") from error
