"""Make the token that lets one user into one room, as your backend does after its login."""

import argparse
import os
import time

import jwt

LEAST_CHARACTERS = 32  # The Worker refuses a shorter one.
# The key of "Run it". A deployed backend reads its own from its secret store.
LOCAL_KEY = "local-key-for-trying-this-out-only"


# --8<-- [start:issue]
def issue(room: str, user: str, key: str, lifetime_s: float = 900) -> str:
    """Sign who may be in which room, and until when."""
    claims = {"aud": "rooms", "room": room, "sub": user, "exp": time.time() + lifetime_s}
    return jwt.encode(claims, key, algorithm="HS256")


# --8<-- [end:issue]


def local_key() -> str:
    """Return the first key, without the spaces around it, as the Worker reads it."""
    key = os.environ.get("TOKEN_KEYS", LOCAL_KEY).split(",")[0].strip()
    if len(key) >= LEAST_CHARACTERS:
        return key
    raise SystemExit(f"TOKEN_KEYS: the first key has less than {LEAST_CHARACTERS} characters")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room")
    parser.add_argument("user")
    parser.add_argument("--lifetime", type=float, default=900, metavar="SECONDS")
    asked = parser.parse_args()
    print(issue(asked.room, asked.user, local_key(), asked.lifetime))
