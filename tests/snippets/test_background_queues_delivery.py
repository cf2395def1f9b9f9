"""Every accepted job ends once, whatever the provider, the queue or the machine does meanwhile."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from runtime.workers import Runtime
from tests.snippets.background_queues.support import (
    ADMIN,
    FAILING_QUEUE,
    FAILING_WORKFLOW,
    INSIDE,
    QUICK,
    SHOP,
    Jobs,
    jobs,
    mail,
    onboarding,
    refusal,
)
from tests.support.patience import until

MAX_RETRIES = 8
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def patient(runtime: Runtime) -> Iterator[Jobs]:
    """Waits whole seconds between tries, as in production; its jobs fail while the other tests run."""
    with jobs(runtime, RETRY_BASE_S="1", RETRY_CAP_S="3", PROVIDER_TIMEOUT_S="4", LEASE_S="10") as started:
        started.provider.slow_s = 3600.0
        ids = bulk(
            started,
            "wait",
            ["busy-1@example.com", "slow-1@example.com", *(f"down-99+{n}@example.com" for n in range(40))],
        )
        until(lambda: started.logged("job_retried", ids[0]), bool)
        started.send({"id": ids[0]})
        yield started


def named(api: Jobs, key: str) -> str:
    return api.rows("SELECT id FROM jobs WHERE key = ?", key)[0]["id"]


@pytest.fixture(scope="module")
def api(runtime: Runtime, patient: Jobs) -> Iterator[Jobs]:
    with jobs(runtime, INSIDE) as started:
        yield started


def bulk(api: Jobs, prefix: str, addresses: list[str]) -> list[str]:
    orders = [{"key": f"{prefix}-{n}", **mail(address)} for n, address in enumerate(addresses)]
    response = api.http.post("/v1/jobs/bulk", json={"jobs": orders}, headers=SHOP)
    assert response.status_code == 202, response.text
    return [job["id"] for job in response.json()["jobs"]]


# At least once becomes once


def test_the_same_message_five_times_has_one_effect(api):
    job = api.submit(mail())
    api.send(*[{"id": job}] * 5)
    assert api.end(job)["attempts"] == 1
    until(lambda: api.logged("repeat_ignored", job), lambda lines: len(lines) == 5)
    assert api.effects()[job] == api.calls(job) == 1


def test_the_same_message_five_times_in_one_batch_while_the_first_is_at_work_has_one_effect(api):
    """The others wait for the lease of the first, in case it dies, and then find the job done."""
    job = api.submit(mail())
    api.end(job)
    api.queue_again(job)
    api.send(*[{"id": job}] * 5)
    until(lambda: api.logged("repeat_ignored", job), lambda lines: len(lines) == 4)
    assert api.state(job)["attempts"] == 2
    assert api.effects()[job] == 1 and api.calls(job) == 2, "one call for each time that the job was queued"


def test_an_effect_after_which_the_provider_hangs_up_is_not_had_twice(api):
    job = api.submit(mail("drop-1+lost@example.com"))
    end = api.end(job)
    assert (end["state"], end["attempts"], end["error"]) == ("done", 2, None)
    assert (api.calls(job), api.effects()[job]) == (2, 1)


def test_an_effect_that_takes_too_long_is_not_had_twice(patient):
    job = named(patient, "wait-1")
    assert patient.end(job)["attempts"] == 2
    assert (patient.calls(job), patient.effects()[job]) == (2, 1)
    assert patient.logged("job_retried", job, "provider_slow")


# One bad message among good ones


def test_a_poison_message_never_blocks_the_batch_and_is_kept_for_a_person(api):
    poison = ["refused-9+poison@example.com", "down-99+poison@example.com"]
    ids = bulk(api, "poison", [*poison, *(f"good-{n}@example.com" for n in range(8))])
    good = [api.end(job) for job in ids[2:]]
    assert {(end["state"], end["attempts"]) for end in good} == {("done", 1)}
    assert all(api.calls(job) == api.effects()[job] == 1 for job in ids[2:]), "nothing good was delivered again"
    refused, down = (api.end(job) for job in ids[:2])
    assert (refused["state"], refused["attempts"], refused["error"]) == ("dead", 1, "provider_422")
    assert (down["state"], down["attempts"], down["error"]) == ("dead", 1 + MAX_RETRIES, "provider_500")
    reasons = {letter["job"]: letter["reason"] for letter in api.dead()}
    assert reasons[ids[0]] == "provider_422" and reasons[ids[1]] == "provider_500"
    assert api.logged("job_dead", ids[0]) and api.logged("job_dead", ids[1])


def test_a_message_that_nobody_can_read_is_put_aside_and_the_others_go_on(api):
    job = api.submit(mail())
    api.queue_again(job)
    bodies = ["text", None, 7, [], {}, {"id": 7}, {"id": None}, {"id": UNKNOWN}, "x" * 5000, "😀" * 5000]
    api.send(*bodies, {"id": job})
    letters = until(
        lambda: [d for d in api.dead() if d["job"] in (None, UNKNOWN)], lambda found: len(found) == len(bodies)
    )
    assert sorted(letter["reason"] for letter in letters) == ["unknown_job", *["unreadable_message"] * 9]
    assert {letter["body"] for letter in letters} == {
        json.dumps(b, separators=(",", ":"), ensure_ascii=False)[:1000] for b in bodies
    }
    assert api.end(job)["state"] == "done"
    for letter in letters:
        assert api.http.delete(f"/v1/dead-letters/{letter['message']}", headers=ADMIN).status_code == 204
    assert refusal(api.http.delete(f"/v1/dead-letters/{letters[0]['message']}", headers=ADMIN)) == (
        404,
        "letter_not_found",
    )


def test_a_job_on_which_our_own_code_breaks_is_tried_again_and_then_put_aside(api):
    broken, good = bulk(api, "broken", ["broken@example.com", "beside@example.com"])
    assert {api.end(job)["state"] for job in (broken, good)} == {"done"}
    api.queue_again(broken, good)
    api.rows("UPDATE jobs SET payload = 'no JSON' WHERE id = ?", broken)
    api.send({"id": broken}, {"id": good})
    end = api.end(broken)
    assert (end["state"], end["attempts"], end["error"]) == ("dead", 2 + MAX_RETRIES, "consumer_failed")
    end = api.end(good)
    assert (end["state"], end["attempts"]) == ("done", 2) and api.effects()[good] == 1
    assert api.logged("consumer_failed", broken, "JSON")


def test_each_message_is_answered_once_and_acknowledged_only_when_its_end_is_stored(api):
    """The batch is recorded here: to the queue a handler that returns acknowledges what was not answered."""
    addresses = [
        "acked@example.com",
        "refused-9+acked@example.com",
        "down-99+acked@example.com",
        "broken+acked@example.com",
    ]
    ids = bulk(api, "acked", addresses)
    until(lambda: [api.state(job)["state"] for job in ids], lambda states: states == ["done", "dead", "dead", "done"])
    api.queue_again(*ids)
    api.rows("UPDATE jobs SET payload = 'no JSON' WHERE id = ?", ids[3])
    done = api.submit(mail())
    api.end(done)
    bodies = [*({"id": job} for job in [*ids, ids[0], done, UNKNOWN]), "unreadable"]
    variables = {**QUICK, "RETRY_CAP_S": "1", "PROVIDER_URL": f"http://127.0.0.1:{api.provider.server_port}"}
    assert api.inside("consume", False, bodies, variables) == [
        [["ack", "done"]],
        [["ack", "dead"]],
        [["retry", "queued"]],
        [["retry", "running"]],
        [["retry", "running"]],
        [["ack", "done"]],
        [["ack", None]],
        [["ack", None]],
    ]
    assert api.inside("consume", True, [{"id": ids[2]}, "unreadable"], variables) == [
        [["ack", "dead"]],
        [["ack", None]],
    ]
    api.rows("DELETE FROM jobs WHERE id = ?", ids[3])
    api.rows("DELETE FROM dead_letters WHERE message LIKE 'recorded-%'")


# When to try again


def test_the_wait_doubles_with_every_try_is_spread_by_chance_and_has_a_cap(patient):
    def waits(attempt: int) -> list[int]:
        return [delay(line) for line in patient.logged("provider_500", f"attempt: {attempt}\n")]

    until(lambda: waits(3), lambda found: len(found) == 40)
    assert set(waits(1)) == {1} and set(waits(2)) == {2} and set(waits(3)) == {2, 3}


def delay(line: str) -> int:
    return int(line.partition("delaySeconds: ")[2].partition(",")[0])


def test_the_wait_that_the_provider_asks_for_is_kept_also_when_the_message_comes_again_meanwhile(patient):
    job = named(patient, "wait-0")
    assert patient.end(job)["attempts"] == 2
    first, second = (at for at, key in zip(patient.provider.times, patient.provider.calls, strict=True) if key == job)
    assert second - first >= float(patient.provider.retry_after)
    assert patient.logged("job_retried", job, "provider_429")


def test_a_wish_may_be_a_date_or_nonsense_and_never_exceeds_what_a_queue_can_wait(api):
    tomorrow = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    least = {"99999999": 86_400, tomorrow: 3_500, "soon": 0, "-5": 0, "Thu, 01 Jan 1970 00:00:00 GMT": 0}
    for number, (wish, seconds) in enumerate(least.items()):
        api.provider.retry_after = wish
        job = api.submit(mail(f"busy-1+nr{number}@example.com"))
        [line] = until(lambda job=job: api.logged("job_retried", job), len)
        assert seconds <= delay(line) <= min(86_400, seconds * 1.3 + 5), wish
    api.provider.retry_after = "2"


def test_an_answer_about_our_token_kills_no_job(api):
    job = api.submit(mail("denied-3+token@example.com"))
    end = api.end(job)
    assert (end["state"], end["attempts"]) == ("done", 4)
    assert len(api.logged("job_retried", job, "provider_401")) == 3


def test_messages_keep_no_order(api):
    """The first job fails once and comes after the others; who needs an order compares versions."""
    ids = bulk(api, "order", ["down-1+order@example.com", *(f"order-{n}@example.com" for n in range(3))])
    for job in ids:
        assert api.end(job)["state"] == "done"
    done = [key for key, _ in api.provider.effects if key in ids]
    assert done != ids and done[-1] == ids[0]


# Dead letters


def test_what_died_is_listed_with_its_reason_and_a_redrive_finishes_it(api):
    job = api.submit(mail(f"down-{1 + MAX_RETRIES}+redrive@example.com"))
    assert api.end(job)["state"] == "dead"
    [letter] = [letter for letter in api.dead() if letter["job"] == job]
    assert letter.keys() == {"message", "job", "body", "reason", "died_at"} and letter["reason"] == "provider_500"
    api.rows(
        "UPDATE jobs SET lease_until = ? WHERE id = ?", int(time.time() * 1000) + 3_600_000, job
    )  # its last wait, in production
    assert api.redrive(jobs=[job]) == 1
    end = api.end(job)
    assert (end["state"], end["attempts"], end["error"]) == ("done", 2 + MAX_RETRIES, None)
    assert api.effects()[job] == 1
    assert job not in [letter["job"] for letter in api.dead()]


def test_a_redrive_twice_sends_once_and_of_a_finished_job_does_nothing(api):
    job = api.submit(mail("refused-1+twice@example.com"))
    assert api.end(job)["state"] == "dead"
    assert [api.redrive(jobs=[job, UNKNOWN]) for _ in range(2)] == [1, 0]
    assert api.end(job)["state"] == "done"
    assert api.redrive(jobs=[job]) == 0
    assert api.state(job)["state"] == "done" and api.effects()[job] == 1


def test_a_job_that_dies_again_after_its_redrive_is_listed_again(api):
    job = api.submit(mail("refused-2+again@example.com"))
    for _ in range(2):
        assert api.end(job)["state"] == "dead"
        assert [letter["reason"] for letter in api.dead() if letter["job"] == job] == ["provider_422"]
        assert api.redrive(jobs=[job]) == 1
    assert api.end(job)["state"] == "done"


def test_all_that_is_dead_can_be_redriven_at_once(api):
    ids = bulk(api, "all", [f"refused-1+all{n}@example.com" for n in range(5)])
    assert {api.end(job)["state"] for job in ids} == {"dead"}
    assert api.redrive(all=True) >= 5
    assert {api.end(job)["state"] for job in ids} == {"done"}


def test_letters_of_unknown_jobs_do_not_hide_a_dead_job_from_a_redrive_of_all(api):
    job = api.submit(mail("refused-1+behind@example.com"))
    assert api.end(job)["state"] == "dead"
    api.rows(
        """WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 120)
        INSERT INTO dead_letters (message, job, body, reason, died_at) SELECT 'nobody-' || n, 'nobody-' || n, '{}', 'unknown_job', 0 FROM n"""
    )
    assert api.redrive(all=True) >= 1
    assert api.end(job)["state"] == "done"
    assert job not in [row["job"] for row in api.rows("SELECT job FROM dead_letters WHERE closed_at IS NULL")]
    assert len(api.rows("SELECT 1 FROM dead_letters WHERE job LIKE 'nobody-%' AND closed_at IS NULL")) == 120, (
        "kept for a person"
    )
    api.rows("DELETE FROM dead_letters WHERE job LIKE 'nobody-%'")


def test_a_job_that_a_person_dismissed_is_not_sent_with_all_others_and_is_forgotten(api):
    dismissed, open_ = bulk(api, "dismissed", ["refused-9+no@example.com", "refused-9+yes@example.com"])
    assert {api.end(job)["state"] for job in (dismissed, open_)} == {"dead"}
    letter = next(letter["message"] for letter in api.dead() if letter["job"] == dismissed)
    assert api.http.delete(f"/v1/dead-letters/{letter}", headers=ADMIN).status_code == 204
    asked = api.calls(dismissed)
    assert api.redrive(all=True) >= 1 and api.redrive(jobs=[open_]) in (0, 1)
    api.end(open_)
    assert (api.state(dismissed)["state"], api.calls(dismissed)) == ("dead", asked)
    until(lambda: [letter for letter in api.dead() if letter["job"] == open_], bool)
    api.rows("UPDATE jobs SET updated_at = 0 WHERE id IN (?, ?)", dismissed, open_)
    api.sweep()
    assert [row["id"] for row in api.rows("SELECT id FROM jobs WHERE id IN (?, ?)", dismissed, open_)] == [open_]
    api.rows("DELETE FROM jobs WHERE id = ?", open_)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": 1},
        {"jobs": []},
        {"jobs": "x"},
        {"jobs": ["x"] * 101},
        {"jobs": ["x"], "all": True},
        [],
    ],
)
def test_a_redrive_of_nothing_in_particular_is_refused(api, body):
    assert refusal(api.http.post("/v1/dead-letters/redrive", json=body, headers=ADMIN)) == (400, "invalid_redrive")


# What is killed midway


def test_a_job_of_a_consumer_that_died_is_taken_over_after_its_lease_and_not_before(api):
    job = api.submit(mail())
    api.end(job)
    lease_until = int(time.time() * 1000) + 900
    api.rows("UPDATE jobs SET state = 'running', lease_until = ? WHERE id = ?", lease_until, job)
    api.send({"id": job})
    assert api.end(job)["state"] == "done"
    assert api.rows("SELECT updated_at FROM jobs WHERE id = ?", job)[0]["updated_at"] > lease_until
    assert api.effects()[job] == 1


def test_a_consumer_that_lost_its_lease_does_not_disturb_the_one_that_has_it(patient):
    job = patient.submit(mail("slow-1+fence@example.com"))
    until(lambda: patient.calls(job), bool)
    later = int(time.time() * 1000) + 60_000
    patient.rows("UPDATE jobs SET attempts = 7, lease_until = ? WHERE id = ?", later, job)
    until(lambda: patient.logged("job_retried", job), bool)
    assert patient.rows("SELECT state, attempts, lease_until FROM jobs WHERE id = ?", job) == [
        {"state": "running", "attempts": 7, "lease_until": later}
    ]


def test_a_machine_killed_midway_loses_no_job_that_was_accepted_and_doubles_none(runtime):
    """workerd is killed while six jobs stand between effect and acknowledgement, and fifteen wait in its memory."""
    with jobs(runtime, PROVIDER_TIMEOUT_S="3600") as api:
        api.provider.slow_s = 3600.0
        slow, waiting = (
            [f"{kind}+{n}@example.com" for n in range(count)] for kind, count in (("slow-1", 6), ("ann", 15))
        )
        ids = bulk(api, "killed", [*slow, *waiting])
        until(lambda: api.provider.calls, lambda calls: len(calls) >= 6)
        api.example.crash()
        states = api.rows("SELECT state, count(*) AS n FROM jobs GROUP BY state ORDER BY state")
        assert states == [{"state": "queued", "n": 15}, {"state": "running", "n": 6}], (
            "the local queue forgot its messages"
        )
        acted = [key for key, _ in api.provider.effects]
        assert len(acted) == 6
        until(lambda: api.sweep() or api.rows("SELECT id FROM jobs WHERE state <> 'done'"), lambda left: not left)
        assert set(api.effects().items()) == {(job, 1) for job in ids}
        assert all(api.calls(job) == 2 for job in acted), "their second call changed nothing"


def test_a_job_whose_message_could_not_be_sent_is_accepted_and_swept_once(runtime):
    with jobs(runtime, FAILING_QUEUE, stand_ins={"JOBS": "failing-queue"}) as api:
        response = api.post(mail())
        job = response.json()["id"]
        assert (response.status_code, response.json()["state"]) == (202, "queued")
        [line] = api.logged("send_failed", "Too Many Requests")
        request = api.rows("SELECT request FROM jobs WHERE id = ?", job)[0]["request"]
        assert request in line
        api.sweep()
        assert len(api.logged("send_failed")) == 1, "its minute is not over"
        api.rows("UPDATE jobs SET send_at = 0")
        api.sweep()
        assert len(api.logged("send_failed")) == 2 and api.state(job)["state"] == "queued"
        api.example.call("JOBS", "heal")
        api.rows("UPDATE jobs SET send_at = 0")
        api.sweep()
        api.sweep()
        assert api.end(job)["attempts"] == 1
        assert api.effects()[job] == api.calls(job) == 1
        assert len(api.logged("swept")) == 2

        api.example.call("JOBS", "sendDead", {"id": job})
        api.example.call("JOBS", "sendDead", "unreadable")
        until(api.dead, lambda letters: [letter["body"] for letter in letters] == ['"unreadable"'])
        assert api.state(job)["state"] == "done", "a late dead letter does not undo what was done"


def test_a_workflow_that_does_not_start_sends_no_mail_twice_and_is_started_by_a_later_sweep(runtime):
    """The queue keeps its messages, so the mails stay unfinished: a mail that is due again would be sent again."""
    stand_ins = {"JOBS": "failing-queue", "ONBOARDING": "failing-workflow"}
    with jobs(runtime, FAILING_QUEUE, FAILING_WORKFLOW, stand_ins=stand_ins, SEND_AGAIN_S="3600") as api:
        api.example.call("JOBS", "hold")
        orders = [{"key": f"mixed-{n}", **(mail() if n % 2 else onboarding())} for n in range(4)]
        response = api.http.post("/v1/jobs/bulk", json={"jobs": orders}, headers=SHOP)
        assert response.status_code == 202
        ids = [job["id"] for job in response.json()["jobs"]]
        onboardings, mails = ids[::2], ids[1::2]
        assert len(api.logged("send_failed", "rate_limited", "onboarding")) == 1
        for done in (1, 2):
            api.minute_passes()
            api.sweep()
            until(
                lambda: [api.state(job)["state"] for job in onboardings].count("done"), lambda n, done=done: n == done
            )
        assert len(api.logged("start_failed", "internal_server")) == 1, "the other one started beside it"
        assert sorted(api.example.call("JOBS", "held")) == sorted(mails)
        api.example.call("JOBS", "heal")
        assert [api.end(job)["attempts"] for job in mails] == [1, 1]
        assert all(api.calls(job) == 1 for job in mails)


def test_while_the_database_is_away_nothing_is_accepted_and_nothing_acknowledged(runtime):
    with jobs(runtime, migrated=False, RETRY_BASE_S="1", PROVIDER_URL="https://mail example.com") as api:
        response = api.post(mail())
        assert refusal(response) == (503, "storage_unavailable") and response.headers["retry-after"] == "5"
        assert "D1" not in response.text and "table" not in response.text
        assert api.logged("store_failed", response.headers["x-request-id"])
        letter = "/v1/dead-letters"
        others = {
            "GET": (f"/v1/jobs/{UNKNOWN}", SHOP, None),
            "get": (letter, ADMIN, None),
            "POST": (f"{letter}/redrive", ADMIN, {"all": True}),
            "DELETE": (f"{letter}/x", ADMIN, None),
        }
        for method, (path, who, body) in others.items():
            response = api.http.request(method.upper(), path, json=body, headers=who)
            assert refusal(response) == (503, "storage_unavailable") and response.headers["retry-after"] == "5"
            assert "D1" not in response.text and "table" not in response.text
            assert api.logged("request_failed", response.headers["x-request-id"], "no such table")
        api.send({"id": UNKNOWN})
        until(lambda: api.logged("claim_failed"), bool)
        api.example.migrate("DB")
        assert until(api.dead, bool)[0]["reason"] == "unknown_job"
        mistyped = api.submit(mail())
        until(lambda: api.logged("job_retried", mistyped, "provider_unreachable"), bool)


def test_finished_jobs_and_closed_letters_are_forgotten_after_a_month_and_open_ones_are_not(api):
    done, dead = bulk(api, "old", ["old@example.com", "refused-9+old@example.com"])
    api.end(done), api.end(dead)
    api.rows("UPDATE jobs SET updated_at = 0 WHERE id IN (?, ?)", done, dead)
    api.sweep()
    assert {row["id"] for row in api.rows("SELECT id FROM jobs WHERE updated_at = 0")} == {dead}
    assert dead in [letter["job"] for letter in api.dead()]


# Load


def test_of_five_hundred_jobs_none_is_lost_and_none_doubled(runtime):
    with jobs(runtime) as api:
        ids = [job for n in range(5) for job in bulk(api, f"load-{n}", [f"load-{i}@example.com" for i in range(100)])]
        assert len(set(ids)) == 500
        until(lambda: len(api.provider.calls), lambda calls: calls >= 500)
        until(lambda: api.rows("SELECT 1 FROM jobs WHERE state <> 'done' LIMIT 1"), lambda left: not left)
        assert api.rows("SELECT count(*) AS n FROM jobs")[0]["n"] == 500
        assert set(api.effects().items()) == {(job, 1) for job in ids}
        assert len(api.provider.calls) == 500
