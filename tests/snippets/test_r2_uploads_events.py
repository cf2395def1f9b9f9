"""Events as R2 sends them, the sweep, and consumers that die: what ends up in table and bucket."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from runtime.workers import Example, Runtime
from tests.snippets.r2_uploads.support import (
    FOLDER,
    PNG,
    ask,
    event,
    keys,
    notify,
    ready_file,
    refusal,
    row,
    s3_client,
    session,
    store,
    sweep,
    uploads,
    wait_for_log,
    wait_for_state,
)
from tests.support.patience import until

HOUR_S, DAY_S = 3600, 86_400


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with uploads(runtime, RETRY_BASE_S=1) as example:
        yield example


@pytest.fixture(scope="module")
def impatient(runtime: Runtime) -> Iterator[Example]:
    """Retries without a pause, so that the dead-letter queue is reached soon; and users have little space."""
    with uploads(
        runtime, limited=True, RETRY_BASE_S=0, QUOTA_BYTES=1000, S3_ENDPOINT="https://s3.example.com"
    ) as example:
        yield example


@pytest.fixture(scope="module")
def s3(api: Example):
    return s3_client(api)


def pending(api: Example, body: bytes = PNG, **changes: object) -> str:
    """A file that was asked for and stored, and of which no event came yet."""
    asked = ask(api, size=len(body), **changes)
    assert store(asked, body).status_code == 200
    return asked.json()["id"]


def key(api: Example, file_id: str) -> str:
    return row(api, file_id)["key"]


def state(api: Example, file_id: str) -> str:
    return row(api, file_id)["state"]


# What an event confirms


def test_an_event_makes_the_file_ready_and_notes_the_bytes_that_were_checked(api, s3):
    file_id = pending(api)
    notify(api, key(api, file_id))
    wait_for_state(api, file_id, "ready")
    assert f'"{row(api, file_id)["etag"]}"' == s3.head_object(Bucket="uploads", Key=key(api, file_id))["ETag"]
    wait_for_log(api, "file_ready", file_id)


@pytest.mark.parametrize(
    ("reason", "body", "options"),
    [
        ("size", PNG + b"x", {}),
        ("size", b"", {}),
        ("type", PNG, {"ContentType": "text/html"}),
        ("owner", PNG, {"Metadata": {"owner": "bob"}}),
        ("owner", PNG, {"Metadata": {}}),
        ("content", b"<script>alert(1)</script>".ljust(len(PNG)), {}),
    ],
    ids=["too large", "empty", "type", "another owner", "no owner", "HTML under the name of a picture"],
)
def test_a_file_that_is_not_what_was_asked_for_is_refused_and_deleted(api, s3, reason, body, options):
    """Only a holder of the S3 keys can store such an object; a signed URL cannot, but for the last row."""
    file_id = ask(api).json()["id"]
    s3.put_object(
        **{
            "Bucket": "uploads",
            "Key": key(api, file_id),
            "Body": body,
            "ContentType": "image/png",
            "Metadata": {"owner": "ana"},
            **options,
        }
    )
    notify(api, key(api, file_id))
    wait_for_state(api, file_id, "refused")
    until(lambda: key(api, file_id) not in keys(s3), what="the object is deleted")
    shown = api.http.get(f"/v1/files/{file_id}", headers=session()).json()
    assert (shown["state"], shown["reason"]) == ("refused", reason)
    assert api.http.get(f"/v1/files/{file_id}/content", headers=session()).status_code == 410


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("image/png", PNG[:8]),
        ("image/jpeg", b"\xff\xd8\xff\xe0"),
        ("application/pdf", b"%PDF-1.7"),
        ("video/mp4", b"\x00\x00\x00\x20ftypisom"),
    ],
)
def test_the_first_bytes_must_fit_the_type_also_of_a_signed_upload(api, kind, start):
    good, bad = start.ljust(40, b"."), b"PK\x03\x04".ljust(40, b".")
    for body, expected in ((good, "ready"), (bad, "refused"), (start[:2], "refused")):
        file_id = pending(api, body, type=kind)
        notify(api, key(api, file_id))
        wait_for_state(api, file_id, expected)


# Twice, late, before the row, for another key


def test_a_second_event_for_the_same_file_changes_nothing(api):
    file_id = ready_file(api)
    before = row(api, file_id)
    api.call("EVENTS", "sendBatch", [{"body": event(before["key"], etag=before["etag"])}] * 3, worker="r2-events")
    other = ready_file(api)
    assert row(api, file_id) == before
    assert state(api, other) == "ready"
    assert sum("file_ready" in line and file_id in line for line in api.logs()) == 1
    assert not any("file_overwritten" in line and file_id in line for line in api.logs())


def test_an_event_after_the_sweep_already_found_the_file_changes_nothing(api):
    file_id = pending(api)
    sweep(api)
    before = row(api, file_id)
    assert before["state"] == "ready"
    notify(api, before["key"], etag=before["etag"])
    ready_file(api)
    assert {**row(api, file_id)} == before


def test_an_event_for_a_file_that_expired_deletes_what_came_too_late(api, s3):
    asked = ask(api)
    sweep(api, later_s=2 * HOUR_S)
    file_id = asked.json()["id"]
    assert state(api, file_id) == "expired"
    assert store(asked).status_code == 200
    notify(api, key(api, file_id))
    until(lambda: key(api, file_id) not in keys(s3), what="the late object is deleted")
    assert state(api, file_id) == "expired"


def test_an_event_for_a_file_that_its_owner_gave_up_deletes_the_object(api, s3):
    asked = ask(api)
    file_id = asked.json()["id"]
    assert api.http.delete(f"/v1/files/{file_id}", headers=session()).status_code == 204
    assert store(asked).status_code == 200
    notify(api, key(api, file_id))
    until(lambda: key(api, file_id) not in keys(s3), what="the object is deleted")
    assert state(api, file_id) == "deleted"


def test_an_event_that_comes_before_the_row_waits_for_it(api):
    file_id = pending(api)
    known = row(api, file_id)
    api.d1("DB", "DELETE FROM files WHERE id = ?", file_id)
    notify(api, known["key"])
    wait_for_log(api, "event_failed", known["key"])
    columns = ", ".join(known)
    api.d1("DB", f"INSERT INTO files ({columns}) VALUES ({', '.join('?' * len(known))})", *known.values())
    wait_for_state(api, file_id, "ready")


def test_an_event_whose_row_never_comes_ends_in_the_dead_letter_queue_and_the_object_stays(impatient):
    s3 = s3_client(impatient)
    s3.put_object(Bucket="uploads", Key="uploads/ana/unknown", Body=PNG)
    notify(impatient, "uploads/ana/unknown")
    wait_for_log(impatient, "dead letter", "uploads/ana/unknown")
    assert sum("event_failed" in line and "uploads/ana/unknown" in line for line in impatient.logs()) == 9
    assert "uploads/ana/unknown" in keys(s3)


@pytest.mark.parametrize(
    "body",
    [None, "text", {}, {"bucket": "uploads", "action": "PutObject"}, {"bucket": "uploads", "object": {"key": 5}}],
)
def test_a_message_that_is_no_event_ends_in_the_dead_letter_queue(impatient, body):
    before = sum("dead letter" in line for line in impatient.logs())
    impatient.call("EVENTS", "send", body, worker="r2-events")
    until(lambda: sum("dead letter" in line for line in impatient.logs()) > before, what="the message is a dead letter")


@pytest.mark.parametrize(
    ("where", "place"),
    [("uploads", "exports/report.csv"), ("uploads", "uploads-of-bob/x"), ("backups", "uploads/ana/1")],
)
def test_an_event_for_a_foreign_key_or_bucket_touches_nothing(api, s3, where, place):
    s3.put_object(Bucket="uploads", Key=place, Body=b"theirs")
    notify(api, place, bucket=where)
    wait_for_log(api, "event_ignored", place)
    assert place in keys(s3)
    s3.delete_object(Bucket="uploads", Key=place)


def test_an_object_that_was_replaced_later_raises_an_alarm_and_keeps_its_row(api, s3):
    file_id = ready_file(api)
    before = row(api, file_id)
    new = s3.put_object(Bucket="uploads", Key=before["key"], Body=b"other")["ETag"].strip('"')
    notify(api, before["key"], etag=new)
    wait_for_log(api, "file_overwritten", file_id)
    assert row(api, file_id) == before


@pytest.mark.parametrize(
    ("swept", "late"), [(False, False), (True, False), (True, True)], ids=["event first", "sweep first", "late event"]
)
def test_a_copy_of_another_users_file_is_refused_and_deleted(api, s3, swept, late):
    """The local S3 address takes a copy on a signed PUT, with the new owner's name on it."""
    theirs = key(api, ready_file(api, user="bob"))
    asked = ask(api, "mallory")
    put = asked.json()["put"]
    copy = {"x-amz-copy-source": f"/uploads/{theirs}", "x-amz-metadata-directive": "REPLACE"}
    assert httpx.put(put["url"], content=PNG, headers={**put["headers"], **copy}).status_code == 200
    file_id = asked.json()["id"]
    if swept:
        sweep(api)
        assert state(api, file_id) == "ready", "without an event nobody can tell"
    etag = s3.head_object(Bucket="uploads", Key=key(api, file_id))["ETag"].strip('"')
    copied = time.time()
    if late:
        api.d1("DB", "UPDATE files SET url_until = ? WHERE id = ?", int((copied - 50) * 1000), file_id)
        copied -= 100
    notify(api, key(api, file_id), action="CopyObject", etag=etag, at=copied)
    wait_for_state(api, file_id, "refused")
    until(lambda: key(api, file_id) not in keys(s3), what="the copy is deleted")
    assert row(api, file_id)["reason"] == "copied" and theirs in keys(s3)
    wait_for_log(api, "file_copied", file_id)


def test_a_copy_that_the_operator_makes_later_deletes_nothing(api, s3):
    """As when an object is copied onto itself, to change its storage class."""
    file_id = ready_file(api)
    api.d1("DB", "UPDATE files SET url_until = created_at WHERE id = ?", file_id)
    before = row(api, file_id)
    notify(api, before["key"], action="CopyObject", etag=before["etag"])
    ready_file(api)
    assert row(api, file_id) == before and before["key"] in keys(s3)


# Consumers that die


def test_a_consumer_that_dies_between_the_check_and_the_database_loses_nothing_and_holds_up_nobody(api, s3):
    """The trigger stands for any death there: nothing after the check happened, and the message is not acknowledged."""
    struck, *others = (pending(api) for _ in range(4))
    api.d1(
        "DB",
        f"CREATE TRIGGER crash BEFORE UPDATE OF state ON files WHEN new.id = '{struck}' BEGIN SELECT raise(ABORT, 'crash'); END",
    )
    batch = [{"body": event(key(api, f))} for f in (others[0], struck, *others[1:])]
    api.call("EVENTS", "sendBatch", batch, worker="r2-events")
    wait_for_log(api, "event_failed", "crash")
    for file_id in others:
        wait_for_state(api, file_id, "ready")
    assert state(api, struck) == "pending" and key(api, struck) in keys(s3), "nothing is half done"
    api.d1("DB", "DROP TRIGGER crash")
    wait_for_state(api, struck, "ready")
    for file_id in (struck, *others):
        assert sum("file_ready" in line and file_id in line for line in api.logs()) == 1, "and nothing was done twice"


def test_a_machine_killed_with_an_event_in_its_memory_loses_no_file_and_settles_it_once(api):
    """The event waits for its next try when workerd is killed, and the local queue forgets it."""
    file_id = pending(api)
    api.d1("DB", "CREATE TRIGGER crash BEFORE UPDATE OF state ON files BEGIN SELECT raise(ABORT, 'power cut'); END")
    notify(api, key(api, file_id))
    wait_for_log(api, "event_failed", "power cut")
    api.crash()
    api.d1("DB", "DROP TRIGGER crash")
    assert state(api, file_id) == "pending", "the row and the object are there, the event is not"
    sweep(api)
    sweep(api)
    assert state(api, file_id) == "ready"
    assert sum("file_ready" in line and file_id in line for line in api.logs()) == 1


@pytest.mark.parametrize("again", ["event", "sweep"])
def test_a_consumer_that_dies_between_refusing_and_deleting_is_finished_by_the_next_run(api, s3, again):
    file_id = pending(api)
    api.d1("DB", "UPDATE files SET state = 'refused', reason = 'size' WHERE id = ?", file_id)
    assert key(api, file_id) in keys(s3)
    notify(api, key(api, file_id)) if again == "event" else sweep(api)
    until(lambda: key(api, file_id) not in keys(s3), what="the rest is done")


# Space


def test_of_two_requests_at_the_same_time_only_one_gets_the_last_bytes(impatient):
    with ThreadPoolExecutor(2) as users:
        answers = list(users.map(lambda _: ask(impatient, size=600), range(2)))
    assert sorted(a.status_code for a in answers) == [201, 409]
    full = next(a for a in answers if a.status_code == 409)
    assert refusal(full) == (409, "quota_exceeded")
    assert ask(impatient, size=400).status_code == 201, "what is left can be used to the last byte"
    assert refusal(ask(impatient, size=1)) == (409, "quota_exceeded")
    assert ask(impatient, "bob", size=1000).status_code == 201, "each user has their own"


def test_what_is_deleted_counts_until_nothing_can_come_by_its_url_any_more(impatient):
    """Else asking, deleting and asking again stores more than the quota: every URL still works."""

    def delete(user: str, asked: httpx.Response) -> str:
        assert impatient.http.delete(f"/v1/files/{asked.json()['id']}", headers=session(user)).status_code == 204
        return asked.json()["id"]

    gone = delete("cleo", ask(impatient, "cleo", size=600))
    assert refusal(ask(impatient, "cleo", size=600)) == (409, "quota_exceeded")
    impatient.d1("DB", "UPDATE files SET state = 'refused' WHERE id = ?", gone)
    assert refusal(ask(impatient, "cleo", size=600)) == (409, "quota_exceeded"), "a refused one can come again too"
    lived_s = [row(impatient, gone)[name] - row(impatient, gone)["created_at"] for name in ("url_until", "deadline")]
    assert lived_s == [(600 + HOUR_S) * 1000] * 2, "the URL, and a PUT that began in its last second"
    impatient.d1("DB", "UPDATE files SET url_until = created_at WHERE id = ?", gone)
    assert ask(impatient, "cleo", size=600).status_code == 201, "then its space is free"
    for _ in range(2):
        delete("dora", ask(impatient, "dora", size=1000, multipart=True))
    assert ask(impatient, "dora", size=1000).status_code == 201, "parts come by no URL"


def test_a_user_may_ask_so_often_a_minute_and_the_others_do_not_wait(impatient):
    with ThreadPoolExecutor(4) as threads:
        # The counter may start a new minute once while this runs.
        answers = list(threads.map(lambda _: ask(impatient, "eve", size=5000), range(125)))
    slow = [a for a in answers if a.status_code == 429]
    assert 0 < len(slow) <= 65 and {a.status_code for a in answers} == {409, 429}, "refused questions count too"
    assert refusal(slow[0]) == (429, "too_many_uploads") and slow[0].headers["retry-after"] == "60"
    assert ask(impatient, "fred", size=1).status_code == 201


# The sweep


def test_a_file_whose_event_was_lost_is_found_by_the_sweep(api):
    good, bad = pending(api), pending(api, b"PK\x03\x04".ljust(40, b"."))
    sweep(api)
    assert (state(api, good), state(api, bad)) == ("ready", "refused")


def test_what_never_came_expires_after_its_url_and_some_patience_and_frees_its_space(api):
    one, many = ask(api).json()["id"], ask(api, multipart=True).json()["id"]
    sweep(api, later_s=600 + HOUR_S - 60)
    assert (state(api, one), state(api, many)) == ("pending", "pending")
    sweep(api, later_s=600 + HOUR_S + 60)
    assert (state(api, one), state(api, many)) == ("expired", "pending"), "parts of a large file take longer"
    sweep(api, later_s=7 * DAY_S - 60)
    assert state(api, many) == "pending", "R2 keeps the parts for a week"
    sweep(api, later_s=7 * DAY_S + 60)
    assert state(api, many) == "expired"
    used = api.d1(
        "DB", "SELECT count(*) AS rows FROM files WHERE id IN (?, ?) AND state IN ('pending', 'ready')", one, many
    )
    assert used == [{"rows": 0}]


@pytest.mark.parametrize("gone", ["deleted", "refused"])
def test_a_file_that_its_url_stores_again_without_an_event_is_deleted_by_the_sweep(api, s3, gone):
    """The URL outlives the row's end by minutes, and a client may be slow: until the deadline each sweep looks again."""
    asked = ask(api)
    file_id = asked.json()["id"]
    if gone == "deleted":
        assert api.http.delete(f"/v1/files/{file_id}", headers=session()).status_code == 204
    else:
        assert store(asked, b"x" * len(PNG)).status_code == 200
        sweep(api)
    assert (state(api, file_id), key(api, file_id) in keys(s3)) == (gone, False)
    for later_s in (300, 600 + HOUR_S + 60):
        assert store(asked).status_code == 200
        sweep(api, later_s)
        assert key(api, file_id) not in keys(s3)
    assert row(api, file_id)["cleared"] == 1, "nothing can come any more, so no sweep looks again"


def test_no_statement_of_the_sweep_reads_the_whole_table(api):
    """Read from the code: the planner must find an index for each, or 288 sweeps a day read every row."""
    code = (FOLDER / "src" / "sweep.ts").read_text()
    made = {name: text for name, _, text in re.findall(r'const (left|oldest|query|over) =\s+(["`])(.*?)\2;', code)}
    oldest = made["oldest"].replace("${ROWS}", "12")
    queries = [
        made["query"].replace("${oldest}", oldest.replace("${which}", w)) for w in ("state = 'pending'", made["left"])
    ]
    statements = [f"DELETE FROM files WHERE {made['over']}", *queries]
    assert "state = 'pending'" in code and statements[0].replace(made["over"], "${over}") in code
    for path in ("src/settle.ts", "src/files.ts"):
        statements += [text for _, text in re.findall(r'(["`])(UPDATE files.*?)\1', (FOLDER / path).read_text(), re.S)]
    assert len(statements) == 5
    for statement in statements:
        plan = [step["detail"] for step in api.d1("DB", f"EXPLAIN QUERY PLAN {statement}", *[0] * statement.count("?"))]
        assert plan and all("INDEX" in step for step in plan if " files" in step), (statement, plan)


def test_a_row_that_fails_does_not_stop_the_sweep(api):
    poisoned, sound = pending(api), pending(api)
    api.d1(
        "DB",
        f"CREATE TRIGGER crash BEFORE UPDATE OF state ON files WHEN new.id = '{poisoned}' BEGIN SELECT raise(ABORT, 'poison'); END",
    )
    sweep(api)
    assert (state(api, poisoned), state(api, sound)) == ("pending", "ready")
    wait_for_log(api, "sweep_failed", poisoned)
    api.d1("DB", "DROP TRIGGER crash")
    sweep(api)
    assert state(api, poisoned) == "ready"


def test_more_rows_than_one_run_takes_get_their_turn(api):
    files = [ask(api, "crowd").json()["id"] for _ in range(14)]
    last = files[-1]
    assert all(row(api, file)["checked_at"] == row(api, file)["created_at"] for file in files), (
        "the newest does not push to the front"
    )
    api.d1("DB", "UPDATE files SET checked_at = 0 WHERE owner = 'crowd'")
    api.d1("DB", "UPDATE files SET checked_at = 5 WHERE id = ?", last)
    sweep(api)
    assert row(api, last)["checked_at"] == 5, "twelve others waited longer"
    sweep(api)
    assert row(api, last)["checked_at"] > 5
    api.d1("DB", "DELETE FROM files WHERE owner = 'crowd'")


def test_rows_of_files_that_are_gone_are_forgotten_after_a_week_and_ready_ones_never(api):
    gone, kept = ready_file(api), ready_file(api)
    api.http.delete(f"/v1/files/{gone}", headers=session())
    sweep(api, later_s=6 * DAY_S)
    assert state(api, gone) == "deleted"
    sweep(api, later_s=8 * DAY_S)
    assert api.d1("DB", "SELECT id FROM files WHERE id = ?", gone) == []
    assert state(api, kept) == "ready"


def test_a_reader_can_fire_the_sweep_from_outside_on_their_machine(api):
    file_id = pending(api)
    assert httpx.get(f"{api.url}/cdn-cgi/local/scheduled?cron=*/5+*+*+*+*").text.strip() == "ok"
    assert state(api, file_id) == "ready"
