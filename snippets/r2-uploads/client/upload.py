"""Upload one file with one request: upload.py API_URL USER FILE."""

import itertools
import mimetypes
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from answers import known_id, passing, read, wish_s
from careful import client
from session import session

PATIENCE_S = 60  # the signed address lives for ten minutes
PUT_DEADLINE_S = 3600  # as long as the Worker waits for the bytes
TOO_SLOW = "<Code>RequestTimeout</Code>"


# --8<-- [start:upload]
class Changed(SystemExit):
    """The file is no longer the one that the upload began with."""


def version(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_mtime_ns, about.st_size]


def unchanged(before: list[int], path: Path) -> None:
    """Let no bytes of two versions of a file become one object."""
    if version(path) != before:
        raise Changed(f"{path.name} changed meanwhile: run it again to send the new one.")


def ask(api: str, user: str, path: Path, **more: object) -> dict[str, Any]:
    """Ask the Worker for permission to store this file."""
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    about = {"name": path.name, "type": kind, "size": path.stat().st_size}
    with client(api, session(user)) as http:
        answer = http.post("/v1/files", json={**about, **more})
    kinds = {"id": str, "multipart" if more else "put": dict}
    found = read(answer.status_code, answer.content, **kinds)
    return {**found, **about, "id": known_id(found["id"])}


def put(signed: dict[str, Any], path: Path) -> None:
    """Send the bytes, again after a broken connection or an answer that may change."""
    url, headers, waited = signed.get("url"), signed.get("headers"), 0.0
    before = version(path)
    texts = [*headers.values()] if isinstance(headers, dict) else [None]
    if not isinstance(url, str) or not all(
        isinstance(text, str) and text.isprintable() for text in (url, *texts)
    ):
        raise SystemExit("a signed address is missing: this is no answer of the API")
    for attempt in itertools.count():
        pause = float(2**attempt)
        try:
            with path.open("rb") as body, client(url, headers, 60, PUT_DEADLINE_S) as http:
                answer = http.put(url, content=body)
        except httpx.RequestError:
            pass
        else:
            # A proxy may answer in place of S3. 412: the key is taken. An earlier attempt
            # arrived, only its answer was lost.
            stored = answer.status_code == 200 and "ETag" in answer.headers
            if stored or (answer.status_code == 412 and attempt):
                return unchanged(before, path)
            # S3 says under status 400 that the bytes came too slowly.
            if not passing(answer.status_code) and TOO_SLOW not in answer.text:
                raise SystemExit(f"{answer.status_code}: {path.name} was refused")
            pause = max(pause, wish_s(answer.headers.get("Retry-After")))
        waited += pause
        if waited > PATIENCE_S:
            break
        time.sleep(pause)
    raise SystemExit(f"{path.name} was not stored after {attempt + 1} attempts")


# --8<-- [end:upload]


def main(api: str, user: str, name: str) -> None:
    try:
        file = ask(api, user, Path(name))
    except httpx.TransportError as error:
        raise SystemExit(f"no answer: {error}") from error
    try:
        put(file["put"], Path(name))
    except Changed:
        with client(api, session(user)) as http:
            http.delete(f"/v1/files/{file['id']}")
        raise
    print(f"{file['name']}: {file['size']} bytes sent, file {file['id']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
