"""Print a session for local use, as an HTTP header: session.py TENANT USER [GROUP …].

In production your login service makes it, with a key that it shares with the Worker.
"""

import os
import sys
import time

import jwt

LOCAL_KEY = "local-session-key-0123456789-only-for-development"


def session(tenant: str, user: str, *groups: str, ttl_s: int = 3600) -> dict[str, str]:
    """Return the header that says who is calling."""
    claims = {
        "sub": user,
        "tenant": tenant,
        "groups": list(groups),
        "aud": "answers",
        "exp": int(time.time()) + ttl_s,
    }
    token = jwt.encode(claims, os.environ.get("SESSION_KEY", LOCAL_KEY), algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


if __name__ == "__main__":
    for name, value in session(*sys.argv[1:]).items():
        print(f"{name}: {value}")
