"""Print the address of a user's newest file: newest.py API_URL USER."""

import sys

import httpx

from answers import known_id, read
from careful import client
from session import session


def newest(api: str, user: str) -> str:
    with client(api, session(user)) as http:
        answer = http.get("/v1/files")
    files = read(answer.status_code, answer.content, files=list)["files"]
    if not files:
        raise SystemExit(f"{user} has no file.")
    first = files[0] if isinstance(files[0], dict) else {}
    return f"{api}/v1/files/{known_id(first.get('id'))}"


if __name__ == "__main__":
    try:
        print(newest(*sys.argv[1:]))
    except httpx.TransportError as error:
        raise SystemExit(f"no answer: {error}") from error
