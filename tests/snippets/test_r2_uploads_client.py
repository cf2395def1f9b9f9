"""The clients that readers copy: one request, many parts, and a real browser."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from playwright.sync_api import Browser

from runtime.workers import Example, Runtime
from tests.snippets.r2_uploads.support import (
    FOLDER,
    PNG,
    client_module,
    keys,
    row,
    s3_client,
    session,
    sweep,
    token,
    uploads,
)
from tests.support.patience import PATIENCE_S

MIB = 2**20
MP4 = b"\x00\x00\x00\x20ftypisom"


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with uploads(runtime) as example:
        yield example


@pytest.fixture(scope="module")
def s3(api: Example):
    return s3_client(api, retries={"total_max_attempts": 1})


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """64 MiB in four different parts."""
    path = tmp_path / "film.mp4"
    path.write_bytes(b"".join(bytes([part]) * (16 * MIB) for part in range(4)))
    with path.open("r+b") as file:
        file.write(MP4)
    return path


@pytest.fixture
def short_film(tmp_path: Path) -> Path:
    """Two parts and one byte."""
    path = tmp_path / "film.mp4"
    path.write_bytes(MP4.ljust(32 * MIB + 1, b"."))
    return path


def newest(api: Example) -> dict[str, object]:
    return api.http.get("/v1/files", headers=session()).json()["files"][0]


def run(api: Example, program: str, path: Path) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "S3_ENDPOINT": f"{api.url}/cdn-cgi/local/r2/s3",
        "AWS_ACCESS_KEY_ID": "local-key",
        "AWS_SECRET_ACCESS_KEY": "local-secret",
    }
    return subprocess.run(
        [sys.executable, FOLDER / "client" / program, api.url, "ana", path],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


# One request


@pytest.fixture(scope="module")
def upload():
    return client_module("upload")


@contextmanager
def unreliable(answers: list[int | None], stored: list[bytes]) -> Iterator[str]:
    """An S3 address that drops the connection for None and answers with the next status otherwise; -200 is a proxy's 200."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            stored.append(self.rfile.read(int(self.headers["Content-Length"])))
            status = answers.pop(0)
            if status is None:
                self.close_connection = True
                return
            self.send_response(abs(status))
            if status == 200:
                self.send_header("ETag", '"x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answers", "good"),
    [
        ([200], True),
        ([None, 200], True),
        ([None, 412], True),
        ([503, 200], True),
        ([403], False),
        ([None, 403], False),
        ([None] * 6, False),
        ([429, 200], True),
        ([408, 200], True),
        ([425, 200], True),
        ([302], False),
        ([400], False),
        ([412], False),
        ([-200], False),
    ],
)
def test_a_broken_connection_is_tried_again_and_a_refusal_is_not(upload, tmp_path, monkeypatch, answers, good):
    """412 after a broken attempt means that the attempt did arrive."""
    monkeypatch.setattr(upload.time, "sleep", lambda _: None)
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    stored: list[bytes] = []
    tries = len(answers)
    with unreliable(answers, stored) as url:
        if good:
            upload.put({"url": url, "headers": {}}, path)
        else:
            with pytest.raises(SystemExit, match=r"[234][01][0-9]: |not stored after 6"):
                upload.put({"url": url, "headers": {}}, path)
    assert stored == [PNG] * tries


def test_a_file_that_changes_while_it_is_sent_is_not_taken_for_stored(upload, tmp_path, monkeypatch):
    path, real = tmp_path / "photo.png", upload.client
    path.write_bytes(PNG)

    def meddled(*given):
        path.write_bytes(PNG + b"more")
        return real(*given)

    monkeypatch.setattr(upload, "client", meddled)
    with unreliable([200], []) as url, pytest.raises(upload.Changed, match="run it again to send the new one"):
        upload.put({"url": url, "headers": {}}, path)


def test_a_file_that_the_worker_does_not_want_is_reported_with_its_reason(api, upload, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<p>")
    with pytest.raises(SystemExit, match=r"400: .*type.* is one of"):
        upload.ask(api.url, "ana", path)


# Many parts


def test_64_mib_go_up_in_four_parts_and_come_back_the_same(api, film):
    done = run(api, "multipart.py", film)
    assert done.returncode == 0, done.stderr
    sweep(api)
    file = newest(api)
    assert (file["state"], file["size"]) == ("ready", 64 * MIB)
    assert done.stdout == f"{film}: 4 parts sent, file {file['id']}\n"
    assert row(api, file["id"])["etag"].endswith("-4")
    assert api.http.get(f"/v1/files/{file['id']}/content", headers=session()).content == film.read_bytes()
    middle = api.http.get(
        f"/v1/files/{file['id']}/content", headers={**session(), "Range": f"bytes={16 * MIB - 1}-{16 * MIB}"}
    )
    assert (middle.status_code, middle.content) == (206, b"\x00\x01")
    assert not film.with_name("film.mp4.upload").exists()


@pytest.fixture(scope="module")
def multipart():
    return client_module("multipart")


class Flaky:
    """The S3 client, but a part after the second fails with the given error while ``broken``."""

    good_parts = 2

    def __init__(self, s3: object, error: Exception) -> None:
        self._s3, self._error, self.sent, self.aborted = s3, error, [], []
        self.broken = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._s3, name)

    def upload_part(self, **options: object) -> object:
        if self.broken and options["PartNumber"] > self.good_parts:
            raise self._error
        self.sent.append(options["PartNumber"])
        return self._s3.upload_part(**options)

    def abort_multipart_upload(self, **options: object) -> None:
        self.aborted.append(options["UploadId"])
        self._s3.abort_multipart_upload(**options)


def s3_says(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "UploadPart")


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://s3"),
        s3_says("InternalError", 500),
        s3_says("SlowDown", 503),
        s3_says("TooManyRequests", 429),
        s3_says("RequestTimeout", 400),
        s3_says("RequestTimeTooSkewed", 403),
        s3_says("AccessDenied", 403),
        s3_says("InvalidAccessKeyId", 403),
        s3_says("ExpiredToken", 400),
        s3_says("403", 403),
    ],
    ids=lambda error: getattr(error, "response", {"Error": {"Code": "connection"}})["Error"]["Code"],
)
def test_a_broken_run_is_continued_with_the_missing_parts_only(api, s3, multipart, short_film, error):
    flaky = Flaky(s3, error)
    with pytest.raises(type(error)):
        multipart.upload(flaky, api.url, "ana", short_film)
    assert sorted(flaky.sent) == [1, 2] and flaky.aborted == []
    sweep(api)
    assert newest(api)["state"] == "pending", "an unfinished file is no file"
    flaky.broken = False
    job = multipart.upload(flaky, api.url, "ana", short_film)
    assert sorted(flaky.sent) == [1, 2, 3]
    sweep(api)
    assert (newest(api)["id"], newest(api)["state"]) == (job["id"], "ready")


class LostAnswer(Flaky):
    """The S3 client, but the answer to the first attempt to join the parts does not arrive."""

    good_parts = 3

    def complete_multipart_upload(self, **options: object) -> object:
        answer = self._s3.complete_multipart_upload(**options)
        if self.broken:
            raise self._error
        return answer


@pytest.mark.parametrize("checked", [False, True], ids=["not checked yet", "ready by now"])
def test_a_run_that_was_complete_but_did_not_hear_so_sends_nothing_again(api, s3, multipart, short_film, checked):
    client = LostAnswer(s3, EndpointConnectionError(endpoint_url="https://s3"))
    with pytest.raises(EndpointConnectionError):
        multipart.upload(client, api.url, "ana", short_film)
    if checked:
        sweep(api)
    client.broken, client.sent = False, []
    job = multipart.upload(client, api.url, "ana", short_film)
    assert (client.sent, client.aborted) == ([], [])
    assert not short_film.with_name("film.mp4.upload").exists()
    sweep(api)
    assert (newest(api)["id"], newest(api)["state"]) == (job["id"], "ready")


def test_a_run_that_another_one_overtook_does_not_delete_what_that_one_stored(api, s3, multipart, short_film):
    with pytest.raises(EndpointConnectionError):
        multipart.upload(LostAnswer(s3, EndpointConnectionError(endpoint_url="https://s3")), api.url, "ana", short_film)
    note = short_film.with_name("film.mp4.upload")
    behind = json.loads(note.read_text())
    del behind["sent"]["3"]
    note.write_text(json.dumps(behind))
    job = multipart.upload(s3, api.url, "ana", short_film)
    sweep(api)
    assert (newest(api)["id"], newest(api)["state"], note.exists()) == (job["id"], "ready", False)


@pytest.mark.parametrize("left", [b"short", None])
def test_an_upload_that_is_unknown_and_left_no_object_of_this_length_is_a_failure(api, s3, multipart, short_film, left):
    client = LostAnswer(s3, EndpointConnectionError(endpoint_url="https://s3"))
    with pytest.raises(EndpointConnectionError):
        multipart.upload(client, api.url, "ana", short_film)
    place = {"Bucket": "uploads", "Key": row(api, newest(api)["id"])["key"]}
    s3.delete_object(**place)
    if left:
        s3.put_object(**place, Body=left)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        multipart.upload(s3, api.url, "ana", short_film)
    assert not short_film.with_name("film.mp4.upload").exists(), "the next run begins anew"


def test_a_file_that_the_worker_gave_up_meanwhile_is_not_reported_as_sent(api, s3, multipart, short_film):
    flaky = Flaky(s3, EndpointConnectionError(endpoint_url="https://s3"))
    with pytest.raises(EndpointConnectionError):
        multipart.upload(flaky, api.url, "ana", short_film)
    flaky.broken, flaky.sent = False, []
    expire = "UPDATE files SET state = 'expired' WHERE id = ?"
    api.d1("DB", expire, newest(api)["id"])
    with pytest.raises(SystemExit, match="is expired: run again to start anew"):
        multipart.upload(flaky, api.url, "ana", short_film)
    assert flaky.sent == [] and len(flaky.aborted) == 1, "no part is sent for nothing, and none is left"
    joined = flaky.complete_multipart_upload

    def too_late(**options: object) -> object:
        answer = joined(**options)
        api.d1("DB", expire, newest(api)["id"])
        return answer

    flaky.complete_multipart_upload = too_late
    with pytest.raises(SystemExit, match="is expired: run again to start anew"):
        multipart.upload(flaky, api.url, "ana", short_film)
    assert not short_film.with_name("film.mp4.upload").exists()


def test_the_note_of_another_user_is_left_alone(api, s3, multipart, short_film):
    flaky = Flaky(s3, EndpointConnectionError(endpoint_url="https://s3"))
    with pytest.raises(EndpointConnectionError):
        multipart.upload(flaky, api.url, "ana", short_film)
    with pytest.raises(SystemExit, match="404: You have no such file"):
        multipart.upload(flaky, api.url, "bob", short_film)
    assert flaky.aborted == []
    flaky.broken = False
    multipart.upload(flaky, api.url, "ana", short_film)
    assert sorted(flaky.sent) == [1, 2, 3], "its owner goes on"


def test_what_cannot_be_finished_is_aborted_so_that_no_part_costs_storage_and_no_space_is_taken(
    api, s3, multipart, short_film
):
    refused = Flaky(s3, s3_says("EntityTooLarge", 400))
    with pytest.raises(ClientError, match="EntityTooLarge"):
        multipart.upload(refused, api.url, "ana", short_film)
    assert len(refused.aborted) == 1
    assert not short_film.with_name("film.mp4.upload").exists()
    [last] = api.d1("DB", "SELECT key, state FROM files ORDER BY created_at DESC LIMIT 1")
    key = last["key"]
    assert last["state"] == "deleted"
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.upload_part(Bucket="uploads", Key=key, UploadId=refused.aborted[0], PartNumber=1, Body=b"x")
    assert key not in keys(s3)


def test_an_upload_that_cannot_be_ended_now_keeps_its_note_so_that_the_next_run_can(multipart, s3, tmp_path):
    class Away(Flaky):
        def abort_multipart_upload(self, **options: object) -> None:
            raise self._error

    note = tmp_path / "film.mp4.upload"
    note.write_text("{}")
    job = {"id": "1", "bucket": "uploads", "key": "k", "upload_id": "u"}
    for error in (EndpointConnectionError(endpoint_url="https://s3"), s3_says("AccessDenied", 403)):
        with pytest.raises(type(error)):
            multipart.give_up(Away(s3, error), "http://127.0.0.1:9", "ana", job, note)
        assert note.exists()


def test_a_file_that_changed_between_two_runs_is_not_mixed(api, s3, multipart, short_film):
    flaky = Flaky(s3, EndpointConnectionError(endpoint_url="https://s3"))
    with pytest.raises(EndpointConnectionError):
        multipart.upload(flaky, api.url, "ana", short_film)
    os.utime(short_film, (0, 0))
    with pytest.raises(SystemExit, match=r"has changed: delete film\.mp4\.upload"):
        multipart.upload(s3, api.url, "ana", short_film)


# A browser


def test_a_real_browser_sends_what_was_signed(api, browser: Browser):
    """From the same origin: the local S3 address keeps no CORS rules, and refuses other origins."""
    page = browser.new_page()
    page.goto(f"{api.url}/")
    page.evaluate(
        "(code) => { window.client = import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))) }",
        (FOLDER / "client" / "browser.js").read_text(),
    )
    page.evaluate(
        """async ([bytes, token]) => {
            const file = new File([new Uint8Array(bytes)], "naïve photo.png", { type: "image/png" });
            const { uploadFile } = await window.client;
            window.done = uploadFile(file, token);
        }""",
        [list(PNG), token()],
    )
    for _ in range(200):
        sweep(api)
        if newest(api)["name"] == "naïve photo.png" and newest(api)["state"] == "ready":
            break
    assert page.evaluate("window.done")["state"] == "ready"
    file = newest(api)
    assert api.http.get(f"/v1/files/{file['id']}/content", headers=session()).content == PNG
    page.close()
