"""A job of several steps: what is finished is not done again, and one job is one instance."""

from collections.abc import Iterator

import pytest

from runtime.workers import Runtime
from tests.snippets.background_queues.support import INSIDE, SHOP, Jobs, jobs, onboarding, until

RETRIES = 8
ACCOUNT, WELCOME, FOLLOW_UP = "create account", "send welcome", "send follow-up"


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Jobs]:
    with jobs(runtime, INSIDE) as started:
        yield started


def calls(api: Jobs, job: str) -> list[int]:
    return [api.calls(f"{job}:{step}") for step in (ACCOUNT, WELCOME, FOLLOW_UP)]


def effects(api: Jobs, job: str) -> list[str]:
    return [key.removeprefix(f"{job}:") for key, _ in api.provider.effects if key.startswith(job)]


def test_the_steps_run_in_their_order_and_the_owner_sees_how_far_they_are(api):
    to = "slow-1+steps@example.com"
    api.provider.slow_s, api.provider.failed["/v1/accounts", to] = 3.0, 1  # its welcome takes so long
    job = api.submit(onboarding(to))
    waiting = until(lambda: api.state(job), lambda row: row["step"] == WELCOME)
    assert (waiting["state"], waiting["kind"]) == ("running", "onboarding")
    assert api.http.get(f"/v1/jobs/{job}", headers=SHOP).headers["retry-after"] == "1"
    end = api.end(job)
    assert (end["state"], end["step"], end["error"]) == ("done", None, None)
    assert effects(api, job) == [ACCOUNT, WELCOME, FOLLOW_UP] and calls(api, job) == [1, 1, 1]


@pytest.mark.parametrize("fault", ["down-2", "drop-1", "denied-1"])
def test_a_step_that_fails_is_tried_again_and_finished_steps_are_not(api, fault):
    """The account and the welcome fail first; the follow-up goes to a path that has failed enough."""
    job = api.submit(onboarding(f"{fault}+steps@example.com"))
    assert api.end(job)["state"] == "done"
    failures = int(fault[-1])
    assert calls(api, job) == [1 + failures, 1 + failures, 1]
    assert effects(api, job) == [ACCOUNT, WELCOME, FOLLOW_UP]


def test_the_same_trigger_five_times_makes_one_instance(api):
    job, again = (api.submit(onboarding(), key="doubled") for _ in range(2))
    assert job == again
    for _ in range(3):
        result = api.example.call("ONBOARDING", "createBatch", {"instances": [{"id": job, "params": onboarding()}]})
        assert [error["message"] for error in result["errors"]] == ["workflows.api.error.instance.already_exists"]
    api.rows("UPDATE jobs SET send_at = 0 WHERE id = ?", job)
    api.sweep()
    assert api.end(job)["state"] == "done"
    assert effects(api, job) == [ACCOUNT, WELCOME, FOLLOW_UP] and calls(api, job) == [1, 1, 1]


def test_a_step_that_can_never_work_is_not_retried_and_a_redrive_goes_on_from_there(api):
    job = api.submit(onboarding("refused-1+final@example.com"))
    for step, asked in ((ACCOUNT, [1, 0, 0]), (WELCOME, [2, 1, 0])):
        end = api.end(job)
        assert (end["state"], end["step"], end["error"]) == ("dead", step, "provider_422")
        assert calls(api, job) == asked
        assert [letter["reason"] for letter in api.dead() if letter["job"] == job] == ["provider_422"]
        until(lambda: api.example.workflow("ONBOARDING", job)["status"], lambda now: now == "errored")
        assert api.redrive(jobs=[job]) == 1
    assert api.redrive(jobs=[job]) == 0, "no longer dead"
    assert api.end(job)["state"] == "done"
    assert calls(api, job) == [2, 2, 1], "the account was not made again"
    assert effects(api, job) == [ACCOUNT, WELCOME, FOLLOW_UP]


def test_a_step_that_keeps_failing_ends_the_job_with_the_reason(api):
    job = api.post(onboarding("down-99+ends@example.com"), headers={**SHOP, "CF-Ray": "8f00-onboarding"}).json()["id"]
    end = api.end(job)
    assert (end["state"], end["step"], end["error"]) == ("dead", ACCOUNT, "provider_500")
    assert calls(api, job) == [1 + RETRIES, 0, 0] and effects(api, job) == []
    assert api.logged("job_dead", job, "8f00-onboarding") and api.logged("workflow_failed", job, "8f00-onboarding")


def test_an_onboarding_that_a_person_terminated_is_started_again_by_a_redrive_only(api):
    job = api.submit(onboarding("down-2+terminated@example.com"))
    until(lambda: calls(api, job)[0], bool)
    api.inside("terminate", job)
    until(lambda: api.example.workflow("ONBOARDING", job)["status"], lambda now: now == "terminated")
    asked = calls(api, job)
    api.rows("UPDATE jobs SET send_at = 0 WHERE id = ?", job)
    api.sweep()
    end = api.end(job)
    assert (end["state"], end["error"]) == ("dead", "terminated")
    assert [letter["reason"] for letter in api.dead() if letter["job"] == job] == ["terminated"]
    assert calls(api, job) == asked, "the sweep did not start it"
    assert api.redrive(jobs=[job]) == 1
    assert api.end(job)["state"] == "done"
    assert effects(api, job) == [ACCOUNT, WELCOME, FOLLOW_UP]
