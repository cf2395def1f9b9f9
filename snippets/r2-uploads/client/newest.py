"""Print the address of a user's newest file: newest.py API_URL USER."""

import sys

from answers import known_id, read
from careful import client
from session import session


def newest(api: str, user: str) -> str:
    with client(api, session(user)) as http:
        answer = http.get("/v1/files")
    files = read(answer.status_code, answer.content, "files")["files"]
    if not files:
        raise SystemExit(f"{user} has no file.")
    return f"{api}/v1/files/{known_id(files[0]['id'])}"


if __name__ == "__main__":
    print(newest(*sys.argv[1:]))
