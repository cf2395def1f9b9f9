"""Print the address of a user's newest file: newest.py API_URL USER."""

import sys

import httpx

from address import encrypted
from answers import read
from session import session


def newest(api: str, user: str) -> str:
    answer = httpx.get(f"{encrypted(api)}/v1/files", headers=session(user), timeout=10)
    files = read(answer.status_code, answer.content, "files")["files"]
    if not files:
        raise SystemExit(f"{user} has no file.")
    return f"{api}/v1/files/{files[0]['id']}"


if __name__ == "__main__":
    print(newest(*sys.argv[1:]))
