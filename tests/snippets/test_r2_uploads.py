"""Asking, the S3 address, and downloads, as users and attackers meet them."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import httpx
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runtime.workers import Example, Runtime
from tests.snippets.r2_uploads.support import (
    FOLDER,
    PDF,
    PNG,
    SESSION_KEY,
    SETUP,
    ask,
    keys,
    ready_file,
    refusal,
    row,
    s3_client,
    session,
    store,
    token,
    uploads,
    wait_for_log,
)

MIB, GIB, TIB = 2**20, 2**30, 2**40
ONE_PUT = 5 * GIB - 5 * MIB
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with uploads(runtime, QUOTA_BYTES=10 * TIB) as example:
        yield example


@pytest.fixture(scope="module")
def pdf(api: Example) -> str:
    return ready_file(api, PDF, type="application/pdf", name="Vertrag – Größe (1).pdf")


@pytest.fixture(autouse=True)
def no_open_uploads(api: Example) -> None:
    """A user may keep twenty uploads open; what one test left is not the next one's matter."""
    api.d1("DB", "DELETE FROM files WHERE state = 'pending'")


def content(api: Example, file_id: str, user: str = "ana", method: str = "GET", **headers: str) -> httpx.Response:
    return api.http.request(method, f"/v1/files/{file_id}/content", headers={**session(user), **headers})


# Who is calling


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer x.y.z",
        f"Basic {token()}",
        token(),
        f"Bearer {token()}x",
        f"Bearer {token(key='another-key-0123456789abcdef0123456789')}",
        f"Bearer {token(ttl_s=-1)}",
        f"Bearer {token(aud='billing')}",
        f"Bearer {token(user='')}",
        f"Bearer {token(user='../bob')}",
        f"Bearer {token(user='Ana')}",
        f"Bearer {token(user='a' * 65)}",
        f"Bearer {token(exp=None)}",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEiLCJhdWQiOiJ1cGxvYWRzIiwiZXhwIjo0MTAyNDQ0ODAwfQ.",
    ],
)
def test_without_a_valid_session_nothing_is_answered(api, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in [("GET", "/v1/files"), ("POST", "/v1/files"), ("GET", f"/v1/files/{NOWHERE}/content")]:
        response = api.http.request(method, path, headers=headers)
        assert refusal(response) == (401, "unauthenticated")
        assert response.headers["www-authenticate"] == 'Bearer realm="uploads"'


def test_a_cookie_opens_reading_and_nothing_else(api, pdf):
    cookie = {"Cookie": f"theme=dark; __Host-session={token()}"}
    assert api.http.get(f"/v1/files/{pdf}/content", headers=cookie).content == PDF
    assert refusal(api.http.post("/v1/files", json={}, headers=cookie)) == (401, "unauthenticated")
    assert refusal(api.http.delete(f"/v1/files/{pdf}", headers=cookie)) == (401, "unauthenticated")
    assert refusal(api.http.get("/v1/files", headers={"Cookie": f"x__Host-session={token()}"})) == (
        401,
        "unauthenticated",
    )


@pytest.mark.parametrize("before", ["\u2000", "\u00a0", "\ufeff", "\t", f"__Host-session={token('bob')}; "])
def test_a_cookie_that_a_sibling_hostname_planted_opens_nothing(api, before):
    given = f"theme=dark; {before}__Host-session={token()}".encode()
    assert refusal(api.http.get("/v1/files", headers={"Cookie": given})) == (401, "unauthenticated")


# Asking


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"name": ""}, 400, '"name"'),
        ({"name": "a/b.png"}, 400, '"name"'),
        ({"name": "a\\b"}, 400, '"name"'),
        ({"name": "a\r\nSet-Cookie: x"}, 400, '"name"'),
        ({"name": "a\u202egnp.exe"}, 400, '"name"'),
        *(({"name": f"a{end}b"}, 400, '"name"') for end in "\x85\u2028\u2029"),
        ({"name": "n" * 201}, 400, '"name"'),
        ({"name": 1}, 400, '"name"'),
        ({"name": None}, 400, '"name"'),
        ({"type": "text/html"}, 400, '"type"'),
        ({"type": "image/svg+xml"}, 400, '"type"'),
        ({"type": "toString"}, 400, '"type"'),
        ({"type": "image/png; x=y"}, 400, '"type"'),
        ({"type": ["image/png"]}, 400, '"type"'),
        ({"size": 0}, 400, '"size"'),
        ({"size": -1}, 400, '"size"'),
        ({"size": 1.5}, 400, '"size"'),
        ({"size": "9"}, 400, '"size"'),
        ({"size": None}, 400, '"size"'),
        ({"multipart": "yes"}, 400, '"multipart"'),
        ({"key": "uploads/bob/x"}, 400, '"key"'),
        ({"owner": "bob"}, 400, '"owner"'),
        ({"size": ONE_PUT + 1}, 413, "multipart"),
        ({"size": 5 * TIB, "multipart": True}, 413, "R2"),
    ],
)
def test_a_wrong_request_is_refused_with_its_field(api, change, status, says):
    response = ask(api, **change)
    assert refusal(response) == (status, "file_too_large" if status == 413 else "invalid_request")
    assert says in response.json()["error"]["message"]


@pytest.mark.parametrize("name", ["👩\u200d💻.png", "\u0645\u06cc\u200c\u062e\u0648.pdf", "क्\u200dष.png"])
def test_a_name_may_hold_the_joiners_of_its_script(api, name):
    assert ask(api, name=name).status_code == 201


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"[]", "application/json", (400, "invalid_request")),
        (b"null", "application/json", (400, "invalid_request")),
        (b"{", "application/json", (400, "invalid_json")),
        (b"", "application/json", (400, "invalid_json")),
        (b'{"name": "\xff"}', "application/json", (400, "invalid_json")),
        (b"{}", "text/plain", (415, "unsupported_media_type")),
        (b"{}", b"\xc2\xa0application/json", (415, "unsupported_media_type")),
        (b" " * 4097, "application/json", (413, "body_too_large")),
        (iter([b" " * 4000] * 2), "application/json", (413, "body_too_large")),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api, body, kind, expected):
    response = api.http.post("/v1/files", content=body, headers={**session(), "Content-Type": kind})
    assert refusal(response) == expected


def test_the_server_chooses_the_key_and_a_name_never_becomes_part_of_it(api):
    first, second = (ask(api, name="..%2f..%2fbob.png").json() for _ in range(2))
    assert first["id"] != second["id"]
    assert urlsplit(first["put"]["url"]).path == f"/cdn-cgi/local/r2/s3/uploads/uploads/ana/{first['id']}"
    assert row(api, first["id"])["state"] == "pending"


def test_nobody_keeps_more_than_twenty_uploads_open(api):
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(api, "hoarder").status_code, range(24)))
    assert sorted(answers) == [201] * 20 + [409] * 4


# The plan for large files


@pytest.mark.parametrize(
    ("size", "part_mib", "parts"),
    [
        (1, 16, 1),
        (64 * MIB, 16, 4),
        (64 * MIB + 1, 16, 5),
        (ONE_PUT, 16, 320),
        (6 * GIB, 16, 384),
        (10_000 * 16 * MIB, 16, 10_000),
        (10_000 * 16 * MIB + 1, 17, 9412),
        (5 * TIB - 5 * GIB, 524, 9996),
    ],
)
def test_the_plan_keeps_the_limits_of_r2_for_every_size(api, size, part_mib, parts):
    plan = ask(api, size=size, multipart=True).json()["multipart"]
    assert (plan["part_bytes"], plan["parts"]) == (part_mib * MIB, parts)
    assert 5 * MIB <= plan["part_bytes"] <= ONE_PUT and plan["parts"] <= 10_000
    assert 0 < size - (parts - 1) * plan["part_bytes"] <= plan["part_bytes"], "only the last part is smaller"


def test_one_request_is_offered_up_to_the_limit_of_r2(api):
    assert "put" in ask(api, size=ONE_PUT).json()
    assert refusal(ask(api, size=ONE_PUT + 1)) == (413, "file_too_large")


# The signature


def by_botocore(
    address: str, headers: dict[str, str], at: datetime, expires_s: int, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: at)
    request = AWSRequest("PUT", address, headers=headers)
    botocore.auth.S3SigV4QueryAuth(Credentials("local-key", "local-secret"), "s3", "auto", expires=expires_s).add_auth(
        request
    )
    return request.url


@pytest.mark.parametrize(("kind", "size"), [("image/png", 1), ("application/pdf", 2009), ("video/mp4", ONE_PUT)])
def test_the_signature_equals_that_of_botocore_for_the_same_input(api, kind, size, monkeypatch):
    put = ask(api, "bob-2", type=kind, size=size).json()["put"]
    address, query = put["url"].split("?")
    ours = parse_qs(query)
    at = datetime.strptime(ours["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
    signed = {**put["headers"], "content-length": str(size)}
    theirs = parse_qs(urlsplit(by_botocore(address, signed, at, 600, monkeypatch)).query)
    assert ours == theirs
    assert ours["X-Amz-SignedHeaders"] == ["content-length;content-type;host;if-none-match;x-amz-meta-owner"]
    assert ours["X-Amz-Expires"] == ["600"]


def s3_error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, re.search(r"<Code>(\w+)</Code>", response.text)[1]


def test_what_was_asked_for_is_stored_with_type_and_owner(api):
    asked = ask(api)
    assert store(asked).status_code == 200
    head = s3_client(api).head_object(Bucket="uploads", Key=row(api, asked.json()["id"])["key"])
    assert (head["ContentLength"], head["ContentType"], head["Metadata"]) == (len(PNG), "image/png", {"owner": "ana"})


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/html"}, PNG),
        ({"content-type": "image/png; charset=x"}, PNG),
        ({"content-type": None}, PNG),
        ({"if-none-match": None}, PNG),
        ({"if-none-match": '"x"'}, PNG),
        ({"x-amz-meta-owner": "bob"}, PNG),
        ({"x-amz-meta-owner": None}, PNG),
        ({}, PNG + b"x"),
        ({}, PNG[:-1]),
        ({}, b""),
        ({}, [PNG]),
    ],
    ids=[
        "type",
        "type with more",
        "no type",
        "no write-once",
        "other condition",
        "other owner",
        "no owner",
        "longer",
        "shorter",
        "empty",
        "no length",
    ],
)
def test_another_header_or_length_than_the_signed_one_is_refused(api, headers, body):
    asked = ask(api, "mallory")
    put = asked.json()["put"]
    sent = {k: v for k, v in {**put["headers"], **headers}.items() if v is not None}
    # A refusal that leaves the body unread makes the local proxy answer 500 now and then: the client then sends again.
    for _ in range(3):
        answer = httpx.put(put["url"], content=iter(body) if isinstance(body, list) else body, headers=sent)
        if answer.status_code != 500:
            break
    assert s3_error(answer) == (403, "SignatureDoesNotMatch")
    assert row(api, asked.json()["id"])["key"] not in keys(s3_client(api))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("(?<=Expires=)600", "604800", (403, "SignatureDoesNotMatch")),
        ("/uploads/ana/", "/uploads/bob/", (403, "SignatureDoesNotMatch")),
        (r"\d(?=Z&)", lambda digit: str((int(digit[0]) + 1) % 10), (403, "SignatureDoesNotMatch")),
        ("(?<=Signature=).", lambda digit: "0" if digit[0] != "0" else "1", (403, "SignatureDoesNotMatch")),
        ("content-length%3B", "", (403, "SignatureDoesNotMatch")),
        ("local-key", "other-key", (401, "Unauthorized")),
    ],
    ids=["longer life", "another user's key", "date", "signature", "fewer signed headers", "access key"],
)
def test_a_tampered_url_is_refused(api, old, new, expected):
    put = ask(api).json()["put"]
    tampered = re.sub(old, new, put["url"], count=1)
    assert tampered != put["url"]
    assert s3_error(httpx.put(tampered, content=PNG, headers=put["headers"])) == expected
    assert httpx.put(put["url"], content=PNG, headers=put["headers"]).status_code == 200, "untouched, it works"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_the_url_allows_one_method_only(api, method):
    asked = ask(api)
    store(asked)
    put = asked.json()["put"]
    assert httpx.request(method, put["url"], headers=put["headers"]).status_code in (400, 403, 405, 501)
    assert row(api, asked.json()["id"])["key"] in keys(s3_client(api))


def test_an_expired_url_is_refused(api, monkeypatch):
    put = ask(api).json()["put"]
    signed = {**put["headers"], "content-length": str(len(PNG))}
    now = datetime.now(UTC).replace(tzinfo=None)
    for age_s, expected in ((480, 200), (610, 403)):
        address = ask(api).json()["put"]["url"].split("?")[0]
        url = by_botocore(address, signed, now - timedelta(seconds=age_s), 600, monkeypatch)
        response = httpx.put(url, content=PNG, headers=put["headers"])
        assert response.status_code == expected
    assert s3_error(response) == (403, "ExpiredRequest")


def test_a_used_url_cannot_replace_what_it_stored(api):
    asked = ask(api)
    assert store(asked).status_code == 200
    assert s3_error(store(asked, PNG[:-1] + b"!")) == (412, "PreconditionFailed")
    stored = s3_client(api).get_object(Bucket="uploads", Key=row(api, asked.json()["id"])["key"])["Body"].read()
    assert stored == PNG


def test_without_s3_keys_no_url_is_made_and_no_secret_is_shown(runtime):
    with runtime.example(*SETUP.folders, secrets={"SESSION_KEY": SESSION_KEY}) as api:
        api.migrate("DB")
        assert refusal(ask(api)) == (500, "internal_error")
        wait_for_log(api, "S3_SECRET_ACCESS_KEY is not set")


# Reading


def test_the_owner_gets_the_file_as_an_attachment_that_no_browser_runs(api, pdf):
    response = content(api, pdf)
    assert (response.status_code, response.content) == (200, PDF)
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-length"] == str(len(PDF))
    assert response.headers["content-disposition"] == (
        "attachment; filename=\"Vertrag _ Gr__e (1).pdf\"; filename*=UTF-8''Vertrag%20%E2%80%93%20Gr%C3%B6%C3%9Fe%20%281%29.pdf"
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["cache-control"] == "private, no-cache, no-transform"


def test_a_name_with_quotes_cannot_break_out_of_its_header(api):
    file_id = ready_file(api, name='a"; x="b%22.png')
    assert content(api, file_id).headers["content-disposition"] == (
        "attachment; filename=\"a_; x=_b_22.png\"; filename*=UTF-8''a%22%3B%20x%3D%22b%2522.png"
    )


def test_head_answers_like_get_without_a_body(api, pdf):
    get, head = content(api, pdf), content(api, pdf, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert {n: v for n, v in head.headers.items() if n != "x-request-id"} == {
        n: v for n, v in get.headers.items() if n != "x-request-id"
    }


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=2000-", 2000, 2008),
        ("bytes=2000-99999", 2000, 2008),
        ("bytes=-9", 2000, 2008),
        ("bytes=-99999", 0, 2008),
        ("bytes=0-", 0, 2008),
        ("BYTES=5-9", 5, 9),
    ],
)
def test_a_range_comes_alone(api, pdf, given, first, last):
    response = content(api, pdf, Range=given)
    assert (response.status_code, response.content) == (206, PDF[first : last + 1])
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(PDF)}"
    assert response.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize("given", ["bytes=2009-", "bytes=2009-3000", "bytes=-0", "bytes=99999999999999999999-"])
def test_a_range_outside_the_file_is_refused_with_its_size(api, pdf, given):
    response = content(api, pdf, Range=given)
    assert refusal(response) == (416, "range_not_satisfiable")
    assert response.headers["content-range"] == f"bytes */{len(PDF)}"


@pytest.mark.parametrize(
    "given",
    ["bytes=9-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes", "", "\u00a0bytes=0-1".encode()],
)
def test_what_is_no_single_range_of_bytes_gets_the_whole_file(api, pdf, given):
    response = content(api, pdf, Range=given)
    assert (response.status_code, response.content) == (200, PDF)
    assert "content-range" not in response.headers


def test_if_range_keeps_two_versions_from_being_mixed(api, pdf):
    tag = content(api, pdf, method="HEAD").headers["etag"]
    assert content(api, pdf, **{"Range": "bytes=0-1", "If-Range": tag}).status_code == 206
    for other in ('"other"', f"W/{tag}", "Mon, 23 Nov 2026 12:00:00 GMT", f"\u00a0{tag}".encode()):
        assert content(api, pdf, **{"Range": "bytes=0-1", "If-Range": other}).status_code == 200


@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reader_who_has_the_file_gets_304(api, pdf, known, method):
    tag = content(api, pdf, method="HEAD").headers["etag"]
    response = content(api, pdf, method=method, **{"If-None-Match": known.format(tag=tag), "Range": "bytes=0-1"})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    assert content(api, pdf, **{"If-None-Match": '"other"'}).status_code == 200


def test_if_match_holds_for_the_strong_etag_only(api, pdf):
    tag = content(api, pdf, method="HEAD").headers["etag"]
    for wanted in (tag, "*", f'"x", {tag}'):
        assert content(api, pdf, **{"If-Match": wanted}).status_code == 200
    for wanted in ('"x"', f"W/{tag}", f"\u2000{tag}"):
        assert refusal(content(api, pdf, **{"If-Match": wanted.encode()})) == (412, "precondition_failed")


def test_another_user_cannot_see_read_or_delete_it_and_learns_nothing(api, pdf):
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/content"), ("HEAD", "/content")]:
        theirs = api.http.request(method, f"/v1/files/{pdf}{path}", headers=session("bob"))
        none = api.http.request(method, f"/v1/files/{NOWHERE}{path}", headers=session("bob"))
        assert (theirs.status_code, theirs.text) == (none.status_code, none.text)
        assert theirs.status_code == 404
    assert pdf not in api.http.get("/v1/files", headers=session("bob")).text
    tag = content(api, pdf, method="HEAD").headers["etag"]
    assert content(api, pdf, "bob", **{"If-None-Match": tag}).status_code == 404, "not even that it is unchanged"
    assert content(api, pdf).content == PDF


def test_nobody_reads_the_bucket_without_a_signature(api, pdf):
    address = f"{api.url}/cdn-cgi/local/r2/s3/uploads/{row(api, pdf)['key']}"
    assert httpx.get(address).status_code in (400, 403)


def test_a_file_that_nobody_checked_is_not_served_not_even_to_its_owner(api):
    asked = ask(api)
    store(asked)
    response = content(api, asked.json()["id"])
    assert refusal(response) == (409, "not_ready") and response.headers["retry-after"] == "2"
    state = api.http.get(f"/v1/files/{asked.json()['id']}", headers=session()).json()
    assert state == {
        "id": asked.json()["id"],
        "name": "photo.png",
        "type": "image/png",
        "size": len(PNG),
        "state": "pending",
    }


def test_bytes_that_were_changed_after_the_check_are_not_served(api):
    file_id = ready_file(api)
    s3_client(api).put_object(Bucket="uploads", Key=row(api, file_id)["key"], Body=b"<script>", ContentType="text/html")
    for method in ("GET", "HEAD"):
        assert content(api, file_id, method=method).status_code == 410
    answer = content(api, file_id)
    assert refusal(answer) == (410, "gone")
    wait_for_log(api, "object_missing_or_changed", file_id, answer.headers["x-request-id"])
    assert refusal(content(api, file_id, Range="bytes=50-60")) == (410, "gone"), "also beyond the end of the new bytes"


def test_a_deleted_file_is_gone_from_list_and_bucket_and_deleting_again_is_no_error(api):
    file_id = ready_file(api)
    key = row(api, file_id)["key"]
    for _ in range(2):
        gone = api.http.delete(f"/v1/files/{file_id}", headers=session())
        assert (gone.status_code, gone.content) == (204, b"")
    assert key not in keys(s3_client(api))
    assert file_id not in api.http.get("/v1/files", headers=session()).text
    assert refusal(content(api, file_id)) == (410, "gone")
    assert content(api, file_id).json()["error"]["message"] == "This file is deleted."


def test_the_list_shows_the_newest_first_and_no_inner_field(api):
    older, newer = ready_file(api, user="lister"), ready_file(api, user="lister")
    files = api.http.get("/v1/files", headers=session("lister")).json()["files"]
    assert [f["id"] for f in files] == [newer, older]
    assert files[0].keys() == {"id", "name", "type", "size", "state"}


# Faults and addresses


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("DELETE", "", "GET, POST"), ("PUT", f"/{NOWHERE}", None), ("OPTIONS", "", "GET, POST")],
)
def test_a_method_that_is_not_offered_is_named_with_those_that_are(api, pdf, method, path, allow):
    if allow is None:
        for place, offered in ((f"/{pdf}", "GET, DELETE"), (f"/{pdf}/content", "GET, HEAD")):
            response = api.http.request(method, f"/v1/files{place}", headers=session())
            assert refusal(response) == (405, "method_not_allowed") and response.headers["allow"] == offered
    else:
        response = api.http.request(method, f"/v1/files{path}", headers=session())
        assert refusal(response) == (405, "method_not_allowed") and response.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/files/", "/v1/files/abc", f"/v1/files/{NOWHERE}/", f"/v1/files/{NOWHERE}/x", "/v1/Files"]
)
def test_other_addresses_hold_nothing(api, path):
    assert refusal(httpx.get(api.url + path, headers=session())) == (404, "not_found")


def test_when_the_database_fails_the_answer_names_the_request_and_nothing_inside(api):
    api.d1("DB", "ALTER TABLE files RENAME TO hidden")
    try:
        response = api.http.get("/v1/files", headers={**session(), "CF-Ray": "8f00ba4-OSL"})
    finally:
        api.d1("DB", "ALTER TABLE hidden RENAME TO files")
    assert refusal(response) == (503, "storage_unavailable") and response.headers["retry-after"] == "5"
    assert response.headers["x-request-id"] == "8f00ba4-OSL"
    assert "files" not in response.text and "D1" not in response.text
    assert json.loads(wait_for_log(api, "request_failed", "8f00ba4-OSL").partition(" ")[2])["error"].startswith(
        "Error: D1_ERROR"
    )


def test_no_secret_and_no_signed_url_stands_in_the_log(api):
    ask(api)
    logs = "\n".join(api.logs())
    assert "upload_asked" in logs and "request_refused" in logs
    for secret in (*SETUP.secrets.values(), "X-Amz-Signature", token()):
        assert secret not in logs


def test_the_cors_rule_allows_what_the_signed_headers_need_and_one_method(api):
    rules = json.loads((FOLDER / "cors.json").read_text())["rules"]
    assert len(rules) == 1 and rules[0]["allowed"]["methods"] == ["PUT"]
    assert set(rules[0]["allowed"]["headers"]) == set(ask(api).json()["put"]["headers"])
    assert all(re.fullmatch(r"https://[a-z.]+", origin) for origin in rules[0]["allowed"]["origins"])
