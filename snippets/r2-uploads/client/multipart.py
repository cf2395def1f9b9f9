"""Upload a large file in parts: multipart.py API_URL USER FILE.

For a machine of yours. The environment gives S3_ENDPOINT, and for boto3
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
After a broken connection, run it again: it sends the parts that are missing.
"""

import json
import re
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from address import encrypted
from answers import read
from careful import client, setting
from session import session
from upload import Changed, ask, unchanged, version

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    # By default boto3 adds checksums that not every S3 store takes.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
MOST_PART_BYTES = 5 * 2**30
JOB = {"bucket", "key", "part_bytes", "parts", "id", "changed", "sent", "upload_id"}
# These say that this very upload cannot be finished. Anything else may pass: also a wrong
# clock, a refused key pair or a slow network, which must not throw away what was sent.
FINAL = {
    "EntityTooLarge",
    "EntityTooSmall",
    "InvalidPart",
    "InvalidPartOrder",
    "NoSuchUpload",
}


# --8<-- [start:parts]
def send(s3: Any, job: dict[str, Any], path: Path, note: Path) -> None:
    """Send the parts that are missing, four at a time, and join them."""
    target = {**where(job), "UploadId": job["upload_id"]}

    def one(number: int) -> None:
        with path.open("rb") as file:
            file.seek((number - 1) * job["part_bytes"])
            body = file.read(job["part_bytes"])
        unchanged(job["changed"], path)
        answer = s3.upload_part(**target, PartNumber=number, Body=body)
        with lock:
            job["sent"][str(number)] = named(answer, "ETag")
            save(note, job)

    lock = Lock()
    missing = [n for n in range(1, job["parts"] + 1) if str(n) not in job["sent"]]
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(one, missing))  # an error cancels what has not begun
        parts = [{"PartNumber": int(n), "ETag": tag} for n, tag in job["sent"].items()]
        parts.sort(key=itemgetter("PartNumber"))
        unchanged(job["changed"], path)
        done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
        if not done.get("ETag") and not joined(s3, job):
            named(done, "ETag")
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchUpload":
            raise
        # An earlier attempt, or a run beside this one, may have joined them.
        if not joined(s3, job):
            raise


def named(answer: dict[str, Any], name: str) -> str:
    """Return what only S3 answers with: a proxy may say 200, too."""
    if isinstance(value := answer.get(name), str) and value:
        return value
    raise SystemExit(f"S3 names no {name}: this is no answer of S3. Run it again to go on.")


def joined(s3: Any, job: dict[str, Any]) -> bool:
    """Say whether the whole file is in the bucket."""
    try:
        return bool(s3.head_object(**where(job)).get("ContentLength") == job["changed"][1])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
            raise
        return False


def state_of(api: str, user: str, job: dict[str, Any]) -> str:
    """Ask the Worker: it deletes what arrives for a file that it has given up."""
    with client(api, session(user)) as http:
        answer = http.get(f"/v1/files/{job['id']}")
    return str(read(answer.status_code, answer.content, "state")["state"])


def upload(s3: Any, api: str, user: str, path: Path) -> dict[str, Any]:
    """Start, or go on where the last run broke. What cannot be finished is aborted."""
    note = path.with_name(path.name + ".upload")
    changed = version(path)
    job = noted(note)
    if job and job["changed"] != changed:
        raise SystemExit(f"{path.name} has changed: delete {note.name} to restart.")
    if not job:
        asked = ask(api, user, path, multipart=True)
        job = {**place(asked["multipart"], changed[1]), "id": asked["id"]}
        job |= {"changed": changed, "sent": {}}
        about = {"ContentType": asked["type"], "Metadata": {"owner": job["owner"]}}
        started = s3.create_multipart_upload(**where(job), **about)
        job["upload_id"] = named(started, "UploadId")
        save(note, job)
    state = state_of(api, user, job)
    if state == "pending":
        try:
            send(s3, job, path, note)
        except (ClientError, Changed) as error:
            if isinstance(error, Changed) or error.response["Error"]["Code"] in FINAL:
                give_up(s3, api, user, job, note)
            raise
        state = state_of(api, user, job)
    if state not in ("pending", "ready"):
        give_up(s3, api, user, job, note)
        raise SystemExit(f"file {job['id']} is {state}: run again to start anew.")
    note.unlink(missing_ok=True)
    return job


def give_up(s3: Any, api: str, user: str, job: dict[str, Any], note: Path) -> None:
    """Leave no parts, which cost storage, and no open upload, which takes space."""
    with suppress(s3.exceptions.NoSuchUpload):
        s3.abort_multipart_upload(**where(job), UploadId=job["upload_id"])
    note.unlink(missing_ok=True)  # not before: without it, nobody would know of the upload
    with suppress(httpx.HTTPError), client(api, session(user)) as http:
        http.delete(f"/v1/files/{job['id']}")


# --8<-- [end:parts]


def place(given: dict[str, Any], size: int) -> dict[str, Any]:
    """Return where the parts go, as the Worker spells it: to S3, a bucket may be an address.

    Raises:
        SystemExit: it is something else, or the parts do not make up the file.
    """
    texts = {
        "bucket": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
        "key": r"[\w-]+(/[\w-]+)*",
        "owner": r"[\w-]+",
    }
    for name, form in texts.items():
        value = given.get(name)
        if not isinstance(value, str) or not re.fullmatch(form, value, re.ASCII):
            raise SystemExit(f"{name}: this is no answer of the API")
    numbers = [given.get(name) for name in ("part_bytes", "parts")]
    each, parts = (n if type(n) is int and n <= MOST_PART_BYTES else 0 for n in numbers)
    if not 0 <= parts * each - size < each:
        raise SystemExit("parts: this is no answer of the API")
    return {name: given[name] for name in (*texts, "part_bytes", "parts")}


def where(job: dict[str, Any]) -> dict[str, str]:
    return {"Bucket": job["bucket"], "Key": job["key"]}


def save(note: Path, job: dict[str, Any]) -> None:
    """Replace the note as a whole, so that no crash leaves half of one.

    A run beside this one has a new file of its own.
    """
    new = note.with_name(f"{note.name}.{uuid.uuid4()}.new")
    try:
        new.write_text(json.dumps(job), encoding="utf-8")
        new.replace(note)
    finally:
        new.unlink(missing_ok=True)


def noted(note: Path) -> dict[str, Any] | None:
    """Return what the last run left. A run beside this one may remove it at any time."""
    try:
        job = json.loads(note.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        job = None
    if isinstance(job, dict) and job.keys() >= JOB:
        return job
    raise SystemExit(f"{note.name} is no note of an upload: delete it to restart.")


def main(api: str, user: str, name: str) -> None:
    endpoint = encrypted(setting("S3_ENDPOINT"))
    # The environment may name a proxy, and it would read what is not encrypted.
    direct = None if endpoint.lower().startswith("https:") else {}
    config = CONFIG.merge(Config(proxies=direct))
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="auto", config=config)
    try:
        job = upload(s3, api, user, Path(name))
    except (ClientError, BotoCoreError, httpx.RequestError) as error:
        raise SystemExit(f"{error}. Run it again to go on.") from error
    print(f"{name}: {job['parts']} parts sent, file {job['id']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
