"""Print the address of a user's newest file: newest.py API_URL USER."""

import sys

import httpx

from session import session


def newest(api: str, user: str) -> str:
    answer = httpx.get(f"{api}/v1/files", headers=session(user), timeout=10)
    return f"{api}/v1/files/{answer.raise_for_status().json()['files'][0]['id']}"


if __name__ == "__main__":
    print(newest(*sys.argv[1:]))
