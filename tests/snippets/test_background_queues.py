"""Jobs are accepted once, kept for their owner, and refused with a reason."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from runtime.workers import SNIPPETS, Runtime
from tests.snippets.background_queues.support import (
    ADMIN,
    CRM,
    INSIDE,
    SECRETS,
    SHOP,
    SLUG,
    Jobs,
    client_module,
    jobs,
    mail,
    onboarding,
    refusal,
)
from tests.support.patience import until

BODY_LIMIT_BYTES = 262_144
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Jobs]:
    with jobs(runtime, INSIDE) as started:
        yield started


def bulk(api: Jobs, *orders: object, who: dict[str, str] = SHOP) -> httpx.Response:
    return api.http.post("/v1/jobs/bulk", json={"jobs": list(orders)}, headers=who)


def stored(api: Jobs) -> int:
    return api.rows("SELECT count(*) AS n FROM jobs")[0]["n"]


# Accepted


def test_a_job_is_answered_with_202_and_an_address_that_tells_when_it_is_done(api):
    response = api.post(mail())
    job = response.json()["id"]
    assert (response.status_code, response.json()) == (202, {"id": job, "state": "queued"})
    assert response.headers["location"] == f"/v1/jobs/{job}"
    assert response.headers["retry-after"] == "1" and response.headers["cache-control"] == "no-store"
    end = api.end(job)
    assert end.keys() == {"id", "kind", "state", "step", "attempts", "error", "created_at", "updated_at"}
    assert (end["state"], end["kind"], end["attempts"], end["error"]) == ("done", "mail", 1, None)
    assert end["created_at"] <= end["updated_at"] and end["created_at"].endswith("Z")
    assert api.effects()[job] == 1


def test_only_an_unfinished_job_says_when_to_ask_again(api):
    job = api.submit(mail("slow-1+unfinished@example.com"))
    open_ = api.http.get(f"/v1/jobs/{job}", headers=SHOP)
    assert open_.json()["state"] in ("queued", "running") and open_.headers["retry-after"] == "1"
    api.end(job)
    assert "retry-after" not in api.http.get(f"/v1/jobs/{job}", headers=SHOP).headers


def test_the_same_key_twice_is_one_job_with_one_effect_also_after_its_end(api):
    first, second = (api.submit(mail(), key="twice") for _ in range(2))
    api.end(first)
    third = api.post(mail(), key="twice")
    assert first == second == third.json()["id"]
    assert (third.status_code, third.json()["state"]) == (202, "done")
    assert api.effects()[first] == 1 and api.calls(first) == 1


def test_eight_callers_at_once_with_one_key_get_one_job(api):
    with ThreadPoolExecutor(8) as callers:
        ids = set(callers.map(lambda _: api.submit(mail(), key="at-once"), range(8)))
    assert len(ids) == 1
    api.end(job := ids.pop())
    assert api.effects()[job] == 1


def test_the_order_of_the_fields_makes_no_other_job(api):
    job = mail()
    assert api.submit(job, key="fields") == api.submit(dict(reversed(job.items())), key="fields")


def test_a_key_that_stands_for_another_job_is_refused_and_changes_nothing(api):
    job = api.submit(mail(), key="taken")
    assert refusal(api.post(mail(text="Something else."), key="taken")) == (422, "key_reused")
    assert refusal(api.post(onboarding(), key="taken")) == (422, "key_reused")
    assert api.end(job)["state"] == "done"


def test_two_owners_may_use_the_same_key(api):
    ours, theirs = (api.post(mail(text=str(who)), key="shared", headers=who).json()["id"] for who in (SHOP, CRM))
    assert ours != theirs
    assert api.end(ours)["state"] == "done" and api.state(theirs, CRM)["id"] == theirs


def test_a_hundred_jobs_come_in_one_request_in_the_order_in_which_they_were_sent(api):
    orders = [{"key": f"many-{n}", **(onboarding() if n == 50 else mail())} for n in range(100)]
    response = bulk(api, *orders)
    accepted = response.json()["jobs"]
    assert response.status_code == 202 and [job["key"] for job in accepted] == [f"many-{n}" for n in range(100)]
    assert api.state(accepted[50]["id"])["kind"] == "onboarding"
    accepted.pop(50)
    assert {api.end(job["id"])["state"] for job in accepted} == {"done"}
    again = bulk(api, *orders[:3]).json()["jobs"]
    assert [(job["id"], job["state"]) for job in again] == [(job["id"], "done") for job in accepted[:3]]


def test_a_bulk_in_which_one_key_stands_for_another_job_stores_nothing_at_all(api):
    api.submit(mail(), key="in-bulk")
    before = stored(api)
    response = bulk(
        api, {"key": "new-1", **mail()}, {"key": "in-bulk", **mail(text="Other.")}, {"key": "new-2", **mail()}
    )
    assert refusal(response) == (422, "key_reused")
    assert '"in-bulk"' in response.json()["error"]["message"]
    assert stored(api) == before


@pytest.mark.parametrize(
    "orders",
    [
        [],
        [{"key": str(n), **mail()} for n in range(101)],
        [{"key": "same", **mail()}, {"key": "same", **mail()}],
    ],
    ids=["none", "101", "a key twice"],
)
def test_a_bulk_of_another_size_or_with_a_key_twice_is_refused(api, orders):
    assert refusal(bulk(api, *orders)) == (400, "invalid_bulk")


def test_one_wrong_job_refuses_the_whole_bulk(api):
    before = stored(api)
    assert refusal(bulk(api, {"key": "right", **mail()}, {"key": "wrong", **mail(to="nobody")})) == (400, "invalid_job")
    assert refusal(bulk(api, {"key": "right", **mail()}, mail())) == (400, "invalid_key")
    assert refusal(bulk(api, {"key": "right", **mail()}, "x")) == (400, "invalid_job")
    assert len(bulk(api, {"key": "right", **mail(), "😀" * 9_000: 1}).content) < 400, "no caller fills the log"
    assert stored(api) == before


# Refused


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ([], "object"),
        (None, "object"),
        ("mail", "object"),
        ({}, '"kind"'),
        ({"kind": "sms"}, '"kind"'),
        ({"kind": ["mail"]}, '"kind"'),
        ({**mail(), "cc": "bob@example.com"}, '"cc"'),
        ({**mail(), "__proto__": {}}, '"__proto__"'),
        ({**mail(), "constructor": "x"}, '"constructor"'),
        ({**onboarding(), "subject": "x"}, '"subject"'),
        ({**mail(), "to": None}, '"to"'),
        ({**mail(), "to": ["ann@example.com"]}, '"to"'),
        (mail(to=""), '"to"'),
        (mail(to="ann"), '"to"'),
        (mail(to="ann@localhost"), '"to"'),
        (mail(to="a@b.example, c@d.example"), '"to"'),
        (mail(to="Ann <ann@example.com>"), '"to"'),
        (mail(to="a" * 250 + "@example.com"), '"to"'),
        (mail(to="ann@example.com\r\nBcc: all@example.com"), '"to"'),
        (mail(subject="Hello\r\nBcc: all@example.com"), '"subject"'),
        *((mail(subject=f"Hello{end}Bcc: all@example.com"), '"subject"') for end in "\x0b\x0c\x85\u2028\u2029"),
        *((mail(to=f"ann{end}@example.com"), '"to"') for end in "\x85\u2028\u2029"),
        (onboarding(name="Ann\u2028Bob"), '"name"'),
        # Half a character would reach the provider as another one, or as an error.
        (mail(to="\ud800@example.com"), '"to"'),
        (mail(text="Hello \ud83d"), '"text"'),
        (mail(subject="x" * 201), '"subject"'),
        (mail(subject=""), '"subject"'),
        (mail(text="x" * 10_001), '"text"'),
        ({**mail(), "text": 5}, '"text"'),
        ({"kind": "mail", "to": "ann@example.com"}, '"subject"'),
        (onboarding(name="Ann\nBob"), '"name"'),
    ],
)
def test_a_job_of_another_shape_is_refused_with_the_field(api, job, says):
    before = stored(api)
    response = api.post(job)
    assert refusal(response) == (400, "invalid_job")
    assert says in response.json()["error"]["message"]
    assert stored(api) == before


def test_the_edges_of_what_a_job_may_hold_are_taken(api):
    long = api.submit(mail(to="a" * 242 + "@example.com", subject="é" * 200, text="x\n" * 5000))
    assert api.end(long)["state"] == "done"


def fill(api: Jobs, first: int, last: int) -> None:
    """Give the second owner open jobs that nobody will ever send."""
    api.rows(
        f"""WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
        INSERT INTO jobs (id, owner, key, kind, payload, request, send_at, created_at, updated_at)
        SELECT 'full-' || i, 'crm', 'full-' || i, 'mail', '{{}}', 'test', 9000000000000000, 0, 0 FROM n"""
    )


def test_nobody_has_more_open_jobs_than_an_owner_may_have(api):
    variables = tomllib.loads((SNIPPETS / SLUG / "wrangler.toml").read_text())["vars"]
    most = int(variables["MOST_OPEN_JOBS"])
    fill(api, 1, most)
    try:
        refused = api.post(mail(), headers=CRM)
        assert refusal(refused) == (429, "too_many_open_jobs") and refused.headers["retry-after"] == "60"
        assert f"{most} open jobs" in refused.json()["error"]["message"]
        assert api.post(mail()).status_code == 202, "another owner pays for it"
        # One ends, so there is room for one, and not for half of two.
        api.rows("UPDATE jobs SET state = 'done' WHERE id = 'full-1'")
        before = stored(api)
        two = bulk(api, *({"key": f"over-{n}", **mail()} for n in range(2)), who=CRM)
        assert refusal(two) == (429, "too_many_open_jobs") and stored(api) == before
        last = api.post(mail(), key="last", headers=CRM)
        assert last.status_code == 202
        fill(api, most + 1, most + 1)
        again = api.post(mail(), key="last", headers=CRM)
        assert (again.status_code, again.json()["id"]) == (202, last.json()["id"]), "a repeat is no new job"
    finally:
        api.rows("DELETE FROM jobs WHERE id LIKE 'full-%'")


@pytest.mark.parametrize("key", [None, "", "a b", "x" * 65, "ä", 'a"b'])
def test_a_job_without_a_usable_key_is_refused(api, key):
    headers = SHOP if key is None else {**SHOP, "Idempotency-Key": key.encode()}
    assert refusal(api.http.post("/v1/jobs", json=mail(), headers=headers)) == (400, "invalid_key")


@pytest.mark.parametrize("body", [b"", b"{", b"{'kind': 1}", b"\xff", b"{} x"])
def test_a_body_that_is_no_json_is_refused(api, body):
    headers = {**SHOP, "Idempotency-Key": "raw", "Content-Type": "application/json"}
    assert refusal(api.http.post("/v1/jobs", content=body, headers=headers)) == (400, "invalid_json")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", b"\xc2\xa0application/json"]
)
def test_another_content_type_is_refused(api, content_type):
    headers = {**SHOP, "Idempotency-Key": "raw", "Content-Type": content_type}
    response = api.http.post("/v1/jobs", content=json.dumps(mail()), headers=headers)
    assert refusal(response) == (415, "unsupported_media_type")


def in_pieces(body: bytes) -> Iterator[bytes]:
    """Without a length known before, httpx sends chunks and no Content-Length."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize("send", [bytes, in_pieces], ids=["with its length", "in chunks"])
def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(api, send):
    headers = {**SHOP, "Idempotency-Key": "limit", "Content-Type": "application/json"}
    for size, status in ((BODY_LIMIT_BYTES, 202), (BODY_LIMIT_BYTES + 1, 413)):
        body = json.dumps(mail()).encode().rjust(size)
        assert api.http.post("/v1/jobs", content=send(body), headers=headers).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/jobs", "POST"),
        ("PUT", "/v1/jobs/bulk", "POST"),
        ("DELETE", f"/v1/jobs/{UNKNOWN}", "GET"),
        ("POST", "/v1/dead-letters", "GET"),
        ("GET", "/v1/dead-letters/redrive", "POST"),
    ],
)
def test_a_method_that_is_not_offered_is_named_with_those_that_are(api, method, path, allowed):
    response = api.http.request(method, path, headers=SHOP)
    assert refusal(response) == (405, "method_not_allowed") and allowed in response.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/jobs/", f"/v1/jobs/{UNKNOWN}/x", "/v2/jobs", "/V1/jobs"])
def test_other_addresses_hold_nothing(api, path):
    assert refusal(api.http.get(path, headers=SHOP)) == (404, "not_found")


# Who may


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": SHOP["Authorization"] + "x"},
        {"Authorization": SHOP["Authorization"].replace("Bearer", "Basic")},
        ADMIN,
    ],
)
def test_whoever_has_no_key_submits_nothing_and_sees_nothing(api, proof):
    before = stored(api)
    answers = [
        api.post(mail(), headers=proof),
        api.http.post("/v1/jobs/bulk", json={"jobs": []}, headers=proof),
        api.http.get(f"/v1/jobs/{UNKNOWN}", headers=proof),
    ]
    for answer in answers:
        assert refusal(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="jobs"'
    assert stored(api) == before


@pytest.mark.parametrize("proof", [{}, SHOP, {"Authorization": ADMIN["Authorization"][:-1]}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/dead-letters"), ("POST", "/v1/dead-letters/redrive"), ("DELETE", "/v1/dead-letters/x")],
)
def test_only_the_administrator_sees_and_redrives_dead_letters(api, proof, method, path):
    assert refusal(api.http.request(method, path, headers=proof)) == (401, "unauthorized")


def test_the_job_of_another_owner_looks_like_none_at_all(api):
    job = api.submit(mail())
    theirs, none = (api.http.get(f"/v1/jobs/{which}", headers=CRM) for which in (job, UNKNOWN))
    assert refusal(theirs) == refusal(none) == (404, "job_not_found")
    assert theirs.json() == none.json()


@pytest.mark.parametrize("job", ["1", "x' OR '1'='1", "%00", UNKNOWN.upper() + "0", "a" * 500])
def test_an_id_that_is_none_is_not_found(api, job):
    assert refusal(api.http.get(f"/v1/jobs/{job}", headers=SHOP)) == (404, "job_not_found")


def test_the_token_for_the_provider_is_not_sent_in_clear(runtime):
    clear = {"PROVIDER_URL": "http://127.0.0.1:1@mail.example.com"}
    with runtime.example(SLUG, secrets=SECRETS, variables=clear) as example:
        assert refusal(example.http.post("/v1/jobs", json=mail(), headers=SHOP)) == (503, "not_configured")


def test_a_secret_that_is_broken_or_empty_lets_nobody_in_and_is_not_logged(runtime):
    broken = {"API_KEYS": "{broken-that-nobody-may-see", "ADMIN_TOKEN": ""}
    with runtime.example(SLUG, secrets={**SECRETS, **broken}) as example:
        for path in ("/v1/jobs", "/v1/dead-letters/redrive"):
            for proof in ({}, SHOP, ADMIN, {"Authorization": "Bearer undefined"}):
                assert refusal(example.http.post(path, json={"all": True}, headers=proof)) == (503, "not_configured")
        assert "that-nobody-may-see" not in "\n".join(example.logs())


@pytest.mark.parametrize(
    "value",
    [
        "a-secret-in-quotes",
        ["a-secret-in-a-list"],
        None,
        7,
        {"shop": ["a-secret-in-a-list"]},
        {"shop": 7},
        {"shop": None},
        {"shop": ""},
        {"shop": "a-secret-of-thirty-one-letters-"},
    ],
    ids=[
        "a text",
        "a list",
        "null",
        "a number",
        "a list as key",
        "a number as key",
        "null as key",
        "an empty key",
        "a short key",
    ],
)
def test_keys_that_are_no_object_of_texts_let_nobody_in(api, value):
    for token in ("a", "0", "7", "undefined", "null", "a-secret-in-quotes", "a-secret-of-thirty-one-letters-"):
        assert api.inside("owner", token, json.dumps(value)) == "503: not_configured"
    assert "a-secret" not in "\n".join(api.example.logs())


def test_a_key_of_32_characters_is_taken(api):
    key = "a-key-with-thirty-two-characters"
    assert api.inside("owner", key, json.dumps({"crm": f"{key}-and-more", "shop": key})) == "shop"


# Errors and logs


def test_an_error_names_the_request_in_its_header_and_in_the_log(api):
    response = api.http.get("/v1/jobs", headers={"CF-Ray": "8f00-refused"})
    assert response.headers["x-request-id"] == "8f00-refused"
    assert api.logged("request_refused", "8f00-refused", "method_not_allowed")
    assert len(api.http.get("/v1/jobs").headers["x-request-id"]) == 36


def test_the_request_that_made_a_job_is_named_in_the_logs_of_its_consumer(api):
    job = api.post(mail("down-1+traced@example.com"), headers={**SHOP, "CF-Ray": "8f00-traced"}).json()["id"]
    api.end(job)
    assert api.logged("job_retried", "8f00-traced", job) and api.logged("job_done", "8f00-traced", job)
    api.send({"id": job})
    until(lambda: api.logged("repeat_ignored", "8f00-traced", job), bool)


# The client


def test_the_client_waits_on_through_errors_and_lost_answers(api, monkeypatch):
    submit = client_module("submit")
    monkeypatch.setattr(submit.time, "sleep", lambda _: None)
    job = api.submit(mail())
    api.end(job)
    faults = [
        httpx.Response(503, headers={"Retry-After": "5"}),
        httpx.ReadError("lost"),
        httpx.Response(500),
        httpx.Response(429),
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        fault = faults.pop(0) if faults else httpx.Response(200, json=api.state(job))
        if isinstance(fault, httpx.Response):
            return fault
        raise fault

    with httpx.Client(base_url=api.example.url, transport=httpx.MockTransport(answer)) as client:
        assert submit.wait(client, job)["state"] == "done" and faults == []


def test_the_client_gives_up_at_its_deadline_and_at_once_when_it_is_refused(api, monkeypatch):
    submit = client_module("submit")
    monkeypatch.setattr(submit, "PATIENCE_S", 0)
    asked = []
    away = httpx.MockTransport(lambda request: asked.append(request) or httpx.Response(503))
    with (
        httpx.Client(base_url=api.example.url, transport=away) as client,
        pytest.raises(SystemExit, match=r"Ask later for the job 7\."),
    ):
        submit.wait(client, "7")
    assert len(asked) == 1
    with (
        httpx.Client(base_url=api.example.url, headers=CRM) as client,
        pytest.raises(SystemExit, match="404: "),
    ):
        submit.wait(client, UNKNOWN)


def test_the_provider_ends_with_ctrl_c_although_the_shell_put_it_into_the_background():
    """As in ``npm run dev``: a shell starts what stands before ``&`` with the signal of Ctrl-C ignored."""
    command = (
        f"'{sys.executable}' '{SNIPPETS / SLUG / 'client' / 'provider.py'}' --port 0 & exec sleep 600 > /dev/null 2>&1"
    )
    with subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as group:
        try:
            assert "running on" in group.stdout.readline()
            os.killpg(group.pid, signal.SIGINT)
            ended, _, _ = select.select([group.stdout], [], [], 10)
            assert ended and group.stdout.read() == "", "nothing holds the provider's output open, and it said no more"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(group.pid, signal.SIGKILL)


def test_the_client_submits_waits_and_prints_the_end(api):
    command = [sys.executable, SNIPPETS / SLUG / "client" / "submit.py"]
    env = {**os.environ, "JOBS_URL": api.example.url, "JOBS_KEY": SHOP["Authorization"].removeprefix("Bearer ")}
    done = subprocess.run(
        [*command, "down-1+client@example.com", "Hello", "Text"], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout == "done, attempts: 2, error: None\n", done.stderr
    refused = subprocess.run(
        [*command, "nobody", "Hello", "Text"], env=env, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert re.fullmatch(r'400: "to" must be one mail address\. \(key [0-9a-f-]{36}\)\n', refused.stderr)


def test_the_client_sends_again_with_the_same_key_when_the_answer_is_lost(api, monkeypatch):
    submit = client_module("submit")
    monkeypatch.setattr(submit.time, "sleep", lambda _: None)
    keys = []

    class Lossy(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            keys.append(request.headers["Idempotency-Key"])
            response = super().handle_request(request)
            if len(keys) == 1:
                response.close()
                raise httpx.ReadError("the answer is lost")
            return httpx.Response(503) if len(keys) == 2 else response

    with httpx.Client(base_url=api.example.url, headers=SHOP, transport=Lossy()) as client:
        job = submit.submit(client, mail(), "lossy")
    assert keys == ["lossy"] * 3
    assert api.end(job)["state"] == "done" and api.effects()[job] == 1
    assert len(api.rows("SELECT id FROM jobs WHERE key = 'lossy'")) == 1
