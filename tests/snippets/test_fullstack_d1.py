"""A task list as its users, two devices of one user, another site, an attacker and a failing database meet it."""

import hashlib
import hmac
import itertools
import json
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from runtime import toolchain
from runtime.browser import MOBILE, Visit
from runtime.setups import EXAMPLES
from runtime.workers import SNIPPETS, Example, Runtime
from tests.snippets.fullstack_d1.siblings import OURS, SIBLING, over_tls
from tests.support.patience import until_limited
from tests.support.processes import linux, processor_s

SLUG = "fullstack-d1"
AXE = toolchain.NODE_MODULES / "axe-core" / "axe.min.js"
SECRETS = EXAMPLES[SLUG].secrets
NO_TASK = "00000000-0000-4000-8000-000000000000"
KEY, OLD_KEY = SECRETS["SESSION_KEYS"], "older-session-key-0123456789abcdef"
PASSWORD = "correct horse battery"
PER_CLIENT, PER_ACCOUNT = 20, 10
PAGE, MOST_TASKS, MOST_AT_ONCE = 25, 500, 20
BODY_LIMIT_BYTES = 16_384
LIFE_S = 7 * 24 * 3600
ADDRESSES = (f"192.0.{n // 250}.{n % 250 + 1}" for n in itertools.count(500))


class User:
    """A signed-in browser: it keeps the cookie and the token, as httpx keeps no Secure cookie for http."""

    def __init__(self, app: Example, answer: httpx.Response) -> None:
        self.app, self.email = app, answer.json()["email"]
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.csrf = answer.json()["csrf"]

    @property
    def id(self) -> str:
        return self.cookie.partition("=")[2].split(".")[0]

    def send(self, method: str, path: str, body: object = None, **headers: str | bytes) -> httpx.Response:
        own = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf}
        return self.app.http.request(method, path, json=body, headers={**own, **headers})

    def add(self, *titles: str) -> list[dict]:
        answer = self.send("POST", "/api/tasks", {"tasks": [{"id": str(uuid4()), "title": t} for t in titles]})
        assert answer.status_code == 201, answer.text
        return answer.json()["tasks"]

    def change(self, task: dict, change: object, version: object = None) -> httpx.Response:
        return self.send("PATCH", f"/api/tasks/{task['id']}", change, **{"If-Match": f'"{version or task["version"]}"'})

    def delete(self, task: dict) -> httpx.Response:
        return self.send("DELETE", f"/api/tasks/{task['id']}", **{"If-Match": f'"{task["version"]}"'})

    def tasks(self, cursor: str = "") -> list[dict]:
        return self.send("GET", f"/api/tasks{cursor and '?cursor=' + cursor}").json()["tasks"]

    def titles(self) -> list[str]:
        return [task["title"] for task in self.tasks()]


@pytest.fixture(scope="module")
def app(runtime: Runtime) -> Iterator[Example]:
    secrets = {**SECRETS, "SESSION_KEYS": f"{KEY},{OLD_KEY}"}
    with EXAMPLES[SLUG].run(runtime, secrets=secrets) as example:
        yield example


@pytest.fixture(scope="module")
def ann(app: Example) -> User:
    return new_user(app)


@pytest.fixture(scope="module")
def bob(app: Example) -> User:
    return new_user(app)


def post(app: Example, path: str, body: object, **headers: str) -> httpx.Response:
    """Send from a network of its own."""
    return app.http.post(path, json=body, headers={"CF-Connecting-IP": next(ADDRESSES), **headers})


def account(**fields: object) -> dict[str, object]:
    return {"email": f"{uuid4().hex[:12]}@example.com", "password": PASSWORD, **fields}


def signup(app: Example, **fields: object) -> httpx.Response:
    return post(app, "/api/signup", {"invite": SECRETS["INVITE_CODE"], **account(**fields)})


def new_user(app: Example) -> User:
    answer = signup(app)
    assert answer.status_code == 201, answer.text
    return User(app, answer)


def login(app: Example, email: str, password: object = PASSWORD, **headers: str) -> httpx.Response:
    return post(app, "/api/login", {"email": email, "password": password}, **headers)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]


def cookie(user_id: str, session_id: str, expires_s: float | None = None, key: str = KEY) -> str:
    text = f"{user_id}.{session_id}.{int(expires_s or time.time() + 600)}"
    return f"__Host-session={text}.{hmac.new(key.encode(), f'session:{text}'.encode(), hashlib.sha256).hexdigest()}"


def session(app: Example, given: str | bytes) -> httpx.Response:
    return app.http.get("/api/session", headers={"Cookie": given})


# Accounts


def test_an_account_is_made_with_an_invitation_and_signs_in(app):
    made = signup(app, email="  Mixed.Case@Example.com ")
    assert made.status_code == 201 and made.json()["email"] == "mixed.case@example.com"
    answer = login(app, "mixed.case@EXAMPLE.com")
    assert answer.status_code == 200 and answer.json().keys() == {"email", "csrf"}
    assert session(app, answer.headers["set-cookie"].split(";")[0]).json() == answer.json()


def test_the_cookie_is_for_this_host_only_and_no_script_reads_it(app):
    value, life, *flags = login(app, new_user(app).email).headers["set-cookie"].split("; ")
    assert value.startswith("__Host-session=")
    assert LIFE_S - 60 < int(life.removeprefix("Max-Age=")) <= LIFE_S
    assert set(flags) == {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"}


def test_without_the_invitation_nobody_learns_which_accounts_exist(app, ann):
    taken, free = (signup(app, email=e, invite="guess") for e in (ann.email, "free@example.com"))
    assert refusal(taken) == refusal(free) == (403, "wrong_invite")
    assert taken.content == free.content
    assert refusal(signup(app, email=ann.email)) == (409, "email_taken")


def test_a_taken_email_leaves_neither_account_nor_session_behind(app, ann):
    def rows() -> list[list[dict]]:
        return [app.d1("DB", f"SELECT count(*) AS n FROM {table}") for table in ("users", "sessions")]

    before = rows()
    assert refusal(signup(app, email=ann.email)) == (409, "email_taken")
    assert rows() == before


def test_no_email_becomes_another_persons_by_its_letters(app):
    assert signup(app, email="Kate.Bush@Example.com").json()["email"] == "kate.bush@example.com"
    assert refusal(signup(app, email="KATE.BUSH@example.com")) == (409, "email_taken")
    stranger = signup(app, email="\u212aATE.BUSH@example.com")
    assert (stranger.status_code, stranger.json()["email"]) == (201, "\u212aate.bush@example.com")


def test_six_sign_ups_at_once_with_one_email_make_one_account(app):
    email = "race@example.com"
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: signup(app, email=email).status_code, range(6)))
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]
    assert app.d1("DB", "SELECT count(*) AS n FROM users WHERE email = ?", email) == [{"n": 1}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": e}
        for e in (
            "",
            "a",
            "a@b",
            "a b@example.com",
            "a\n@example.com",
            "a\x85@example.com",
            "a\u2028@example.com",
            5,
            None,
            ["a@example.com"],
            f"{'a' * 250}@example.com",
        )
    ]
    + [{"password": p} for p in ("", "short", "p" * 129, 123456789012, None)]
    + [{"admin": True}],
)
def test_a_malformed_account_is_refused(app, wrong):
    status, code = refusal(signup(app, **wrong))
    assert status == 422 and code in {"invalid_email", "invalid_password", "invalid_fields"}


def test_the_table_holds_no_password_and_cannot_be_guessed_without_the_key(app, ann):
    [row] = app.d1("DB", "SELECT password FROM users WHERE email = ?", ann.email)
    method, rounds, salt, stored = row["password"].split("$")
    assert (method, rounds) == ("pbkdf2-sha256", "100000")

    def derive(secret: bytes) -> str:
        return hashlib.pbkdf2_hmac("sha256", secret, salt.encode(), int(rounds)).hex()

    keyed = hmac.new(SECRETS["PASSWORD_KEY"].encode(), f"password:{PASSWORD}".encode(), hashlib.sha256).hexdigest()
    assert stored == derive(keyed.encode()) != derive(PASSWORD.encode())
    [other] = app.d1("DB", "SELECT password FROM users WHERE email != ? LIMIT 1", ann.email)
    assert other["password"] != row["password"], "the same password twice has two salts"


def test_a_hash_with_fewer_rounds_still_signs_in_so_the_count_can_be_raised(app):
    user = new_user(app)
    keyed = hmac.new(SECRETS["PASSWORD_KEY"].encode(), f"password:{PASSWORD}".encode(), hashlib.sha256).hexdigest()
    older = f"pbkdf2-sha256$1000$salt${hashlib.pbkdf2_hmac('sha256', keyed.encode(), b'salt', 1000).hex()}"
    app.d1("DB", "UPDATE users SET password = ? WHERE email = ?", older, user.email)
    assert login(app, user.email).status_code == 200


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(app, ann):
    wrong, unknown = login(app, ann.email, "wrong password!"), login(app, "nobody@example.com")
    assert refusal(wrong) == refusal(unknown) == (401, "wrong_login")
    assert wrong.content == unknown.content and "set-cookie" not in unknown.headers


@linux
def test_an_unknown_user_costs_the_same_work_as_a_wrong_password(app, runtime):
    """Who answers at once that nobody has this name tells who has an account."""
    known, quick = new_user(app).email, new_user(app).email
    app.d1("DB", "UPDATE users SET password = 'pbkdf2-sha256$1$salt$-' WHERE email = ?", quick)

    def work_s(*emails: str) -> float:
        used_s = processor_s(runtime)
        assert {login(app, email, "wrong password!").status_code for email in emails} == {401}
        return processor_s(runtime) - used_s

    tries = PER_ACCOUNT - 2
    no_work, wrong = work_s(*[quick] * tries), work_s(*[known] * tries)
    unknown = work_s(*(f"nobody-{n}@example.com" for n in range(tries)))
    assert unknown - no_work > (wrong - no_work) / 2 > 0


@pytest.mark.parametrize("password", [f" {PASSWORD}", PASSWORD.upper(), PASSWORD + "\0", PASSWORD[:-1]])
def test_a_password_must_be_exact(app, ann, password):
    assert refusal(login(app, new_user(app).email, password)) == (401, "wrong_login")


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("::ffff:198.51.100.9", "198.51.100.9", "::ffff:198.51.100.10"),
    ],
)
def test_one_network_may_try_a_number_of_times_a_minute(app, address, same, other):
    spellings = itertools.cycle((address, same))
    answer = until_limited(
        lambda: login(app, "u@example.com", "short", **{"CF-Connecting-IP": next(spellings)}), PER_CLIENT
    )
    assert refusal(answer) == (429, "too_many_attempts") and answer.headers["retry-after"] == "60"
    assert login(app, "u@example.com", "short", **{"CF-Connecting-IP": other}).status_code == 422


def test_one_account_is_guarded_although_every_try_comes_from_another_network(app):
    user = new_user(app)
    answer = until_limited(lambda: login(app, user.email, "wrong password!"), PER_ACCOUNT)
    assert refusal(answer) == (429, "too_many_attempts")


def test_an_account_that_is_deleted_takes_its_sessions_and_tasks_along(app):
    user = new_user(app)
    user.add("Buy bread")
    app.d1("DB", "DELETE FROM users WHERE email = ?", user.email)
    assert refusal(user.send("GET", "/api/tasks")) == (401, "signed_out")
    for table in ("sessions", "tasks"):
        assert app.d1("DB", f"SELECT 1 FROM {table} WHERE user_id = ?", user.id) == []


# Sessions and cookies


def test_after_signing_out_a_copy_of_the_cookie_is_worth_nothing(app):
    user = new_user(app)
    other_device = User(app, login(app, user.email))
    answer = user.send("POST", "/api/logout")
    assert answer.status_code == 204 and "Max-Age=0" in answer.headers["set-cookie"]
    assert refusal(user.send("GET", "/api/tasks")) == (401, "signed_out")
    assert other_device.tasks() == [], "the other device stays signed in"


@pytest.mark.parametrize("change", ["user", "session", "expiry", "proof", "no proof", "empty", "junk"])
def test_a_changed_cookie_is_no_cookie(app, ann, bob, change):
    user_id, session_id, expires, proof = ann.cookie.partition("=")[2].split(".")
    forged = {
        "user": f"{bob.id}.{session_id}.{expires}.{proof}",
        "session": f"{user_id}.{'0' * 32}.{expires}.{proof}",
        "expiry": f"{user_id}.{session_id}.{int(expires) + 1}.{proof}",
        "proof": f"{user_id}.{session_id}.{expires}.{'0' * 64}",
        "no proof": f"{user_id}.{session_id}.{expires}",
        "empty": "",
        "junk": "é; DROP TABLE sessions",
    }[change]
    assert refusal(session(app, f"__Host-session={forged}".encode())) == (401, "signed_out")


def test_an_expired_session_is_over_by_the_cookie_and_by_the_row(app):
    user = new_user(app)
    session_id = user.cookie.split(".")[1]
    assert session(app, cookie(user.id, session_id)).status_code == 200
    assert refusal(session(app, cookie(user.id, session_id, time.time() - 1))) == (401, "signed_out")
    app.d1("DB", "UPDATE sessions SET expires_at = ? WHERE id = ?", int(time.time()) - 1, session_id)
    assert refusal(session(app, user.cookie)) == (401, "signed_out")
    login(app, user.email)
    assert app.d1("DB", "SELECT * FROM sessions WHERE id = ?", session_id) == [], "the next login removes it"


def test_a_cookie_of_the_old_key_works_and_comes_back_with_the_new_one(app, ann):
    session_id = ann.cookie.split(".")[1]
    answer = session(app, cookie(ann.id, session_id, time.time() + 600, OLD_KEY))
    assert answer.status_code == 200
    renewed = answer.headers["set-cookie"].split(";")[0]
    assert renewed == cookie(ann.id, session_id, float(renewed.split(".")[2]))
    assert "set-cookie" not in session(app, renewed).headers
    unknown = cookie(ann.id, session_id, None, "no-key-of-ours-0123456789abcdef00")
    assert refusal(session(app, unknown)) == (401, "signed_out")


def test_a_cookie_signed_with_the_right_key_for_a_session_that_never_was_is_refused(app, ann):
    assert refusal(session(app, cookie(ann.id, "f" * 32))) == (401, "signed_out")


@pytest.mark.parametrize("before", ["\u2000", "\u00a0", "\ufeff", "\u2028", "\u3000", "\u0085", "\u200b", "\t", "x"])
def test_only_a_space_may_stand_before_the_name_of_a_cookie(app, ann, bob, before):
    planted = f"a=1; {before}{bob.cookie}"
    assert refusal(session(app, planted.encode())) == (401, "signed_out")
    assert session(app, f"{planted}; {ann.cookie}".encode()).json()["email"] == ann.email


def test_a_session_that_a_request_names_twice_is_none(app, ann, bob):
    for given in ((ann, bob), (bob, ann), (ann, ann)):
        twice = "; theme=dark; ".join(user.cookie for user in given)
        assert refusal(session(app, twice)) == (401, "signed_out")


# Other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_another_site_changes_nothing_and_signs_nobody_in(app, ann, headers):
    before = ann.titles()
    task = {"tasks": [{"id": str(uuid4()), "title": "from elsewhere"}]}
    assert refusal(ann.send("POST", "/api/tasks", task, **headers)) == (403, "other_site")
    assert refusal(ann.send("POST", "/api/logout", **headers)) == (403, "other_site")
    assert refusal(login(app, ann.email, **headers)) == (403, "other_site")
    assert ann.titles() == before


@pytest.mark.parametrize("token", ["", "0" * 64, "somebody else's", "the cookie's proof"])
def test_the_cookie_alone_changes_nothing(app, ann, bob, token):
    csrf = {"somebody else's": bob.csrf, "the cookie's proof": ann.cookie.split(".")[3]}.get(token, token)
    before = ann.titles()
    answer = ann.send("POST", "/api/tasks", {"tasks": [{"id": str(uuid4()), "title": "x"}]}, **{"X-CSRF-Token": csrf})
    assert refusal(answer) == (403, "csrf_token")
    assert refusal(ann.send("POST", "/api/logout", **{"X-CSRF-Token": csrf})) == (403, "csrf_token")
    assert ann.titles() == before


def test_a_form_of_another_site_cannot_even_speak_the_language(app, ann):
    answer = app.http.post(
        "/api/login", data={"email": ann.email, "password": PASSWORD}, headers={"CF-Connecting-IP": next(ADDRESSES)}
    )
    assert refusal(answer) == (415, "unsupported_media_type")
    almost = {"CF-Connecting-IP": next(ADDRESSES), "Content-Type": b"\xc2\xa0application/json"}
    assert refusal(app.http.post("/api/login", content="{}", headers=almost)) == (415, "unsupported_media_type")


# Tasks


def test_a_task_is_added_changed_and_deleted(ann):
    [task] = ann.add("Buy bread")
    assert task == {"id": task["id"], "title": "Buy bread", "done": False, "version": 1}
    changed = ann.change(task, {"done": True})
    assert changed.json() == {**task, "done": True, "version": 2} and changed.headers["etag"] == '"2"'
    assert ann.change(changed.json(), {"title": "Buy rye"}).json() == {
        **task,
        "title": "Buy rye",
        "done": True,
        "version": 3,
    }
    assert ann.delete({**task, "version": 3}).status_code == 204
    assert task["id"] not in [t["id"] for t in ann.tasks()]


def test_two_users_never_meet(app, ann, bob):
    [secret] = ann.add("Ann's secret")
    assert "Ann's secret" not in bob.titles()
    for answer in (bob.change(secret, {"title": "mine now"}), bob.delete(secret)):
        assert refusal(answer) == (404, "task_not_found")
    nothing = bob.delete({"id": str(uuid4()), "version": 1})
    assert nothing.content == bob.delete(secret).content, "another's task and no task look alike"
    assert [t for t in ann.tasks() if t["id"] == secret["id"]] == [secret]


def test_the_same_id_in_two_lists_is_two_tasks(ann, bob):
    [task] = ann.add("Ann's")
    answer = bob.send("POST", "/api/tasks", {"tasks": [{"id": task["id"], "title": "Bob's"}]})
    assert answer.json()["tasks"][0]["title"] == "Bob's"
    assert "Bob's" in bob.titles() and "Ann's" not in bob.titles() and "Ann's" in ann.titles()


def test_a_user_named_in_the_request_is_refused_and_never_obeyed(app, ann, bob):
    for path, body in (
        ("/api/tasks", {"tasks": [{"id": str(uuid4()), "title": "x", "user_id": bob.id}]}),
        ("/api/tasks", {"tasks": [], "user": bob.id}),
    ):
        assert refusal(ann.send("POST", path, body))[0] == 422
    assert ann.send("GET", f"/api/tasks?user_id={bob.id}").json()["tasks"] == ann.tasks()


def test_a_repeated_add_is_one_task_and_loses_no_change(ann):
    body = {"tasks": [{"id": str(uuid4()), "title": "Once"}]}
    [task] = ann.send("POST", "/api/tasks", body).json()["tasks"]
    ann.change(task, {"title": "Changed"})
    again = ann.send("POST", "/api/tasks", body)
    assert (again.status_code, again.json()) == (201, {"tasks": []})
    assert [t["title"] for t in ann.tasks() if t["id"] == task["id"]] == ["Changed"]


def test_of_two_devices_that_change_a_task_the_second_is_refused_and_loses_nothing(app, ann):
    phone = User(app, login(app, ann.email))
    [task] = ann.add("Call Kim")
    assert ann.change(task, {"title": "Call Kim at 5"}).status_code == 200
    late = phone.change(task, {"title": "Call Kim at 6"})
    assert refusal(late) == (412, "version_changed") and late.headers["etag"] == '"2"'
    assert refusal(phone.delete(task)) == (412, "version_changed")
    assert "Call Kim at 5" in ann.titles()
    assert phone.change(task, {"title": "Call Kim at 6"}, version=2).status_code == 200


def test_of_ten_changes_at_once_one_wins(ann):
    [task] = ann.add("Contended")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda n: ann.change(task, {"title": f"by {n}"}).status_code, range(10)))
    assert sorted(answers) == [200] + [412] * 9
    [now] = [t for t in ann.tasks() if t["id"] == task["id"]]
    assert now["title"] == f"by {answers.index(200)}" and now["version"] == 2


@pytest.mark.parametrize("version", [None, "*", "1", '"x"', 'W/"1"', '"1", "2"'])
def test_a_change_that_does_not_say_what_it_saw_is_refused(ann, version):
    [task] = ann.add("Seen")
    headers = {} if version is None else {"If-Match": version}
    for method, body in (("PATCH", {"done": True}), ("DELETE", None)):
        assert refusal(ann.send(method, f"/api/tasks/{task['id']}", body, **headers)) == (428, "version_required")
    assert ann.delete(task).status_code == 204


def test_a_batch_that_fails_at_the_end_leaves_nothing_of_its_beginning(app):
    user = new_user(app)
    fill(app, user, MOST_TASKS - 5)
    answer = user.send("POST", "/api/tasks", {"tasks": [{"id": str(uuid4()), "title": f"{n}"} for n in range(6)]})
    assert refusal(answer) == (409, "too_many_tasks")
    assert count(app, user) == {"stored": MOST_TASKS - 5, "counted": MOST_TASKS - 5}
    user.add("1", "2", "3", "4", "5")
    assert count(app, user) == {"stored": MOST_TASKS, "counted": MOST_TASKS}
    user.delete(user.tasks()[0])
    user.add("room again")
    assert count(app, user) == {"stored": MOST_TASKS, "counted": MOST_TASKS}


def fill(app: Example, user: User, number: int) -> None:
    app.d1(
        "DB",
        """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
           INSERT INTO tasks (user_id, id, title, position)
           SELECT ?2, printf('00000000-0000-0000-0000-%012d', i), 'task ' || i, i FROM n""",
        number,
        user.id,
    )


def count(app: Example, user: User) -> dict[str, int]:
    [row] = app.d1(
        "DB",
        "SELECT (SELECT count(*) FROM tasks WHERE user_id = ?1) AS stored, tasks AS counted FROM users WHERE id = ?1",
        user.id,
    )
    return row


def test_a_long_list_comes_in_pages_that_neither_repeat_nor_skip_while_it_changes(app):
    user = new_user(app)
    fill(app, user, 2 * PAGE + 3)
    first = user.send("GET", "/api/tasks").json()
    assert [t["title"] for t in first["tasks"]] == [f"task {n}" for n in range(53, 28, -1)]
    user.add("added meanwhile")
    user.delete(first["tasks"][-1])
    second = user.send("GET", f"/api/tasks?cursor={first['next']}").json()
    assert [t["title"] for t in second["tasks"]] == [f"task {n}" for n in range(28, 3, -1)]
    third = user.send("GET", f"/api/tasks?cursor={second['next']}").json()
    assert [t["title"] for t in third["tasks"]] == ["task 3", "task 2", "task 1"] and third["next"] is None


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", f"1.{'0' * 36}'", "-1." + "0" * 36, "9" * 17 + "." + "0" * 36])
def test_a_made_up_cursor_is_refused(ann, cursor):
    assert refusal(ann.send("GET", f"/api/tasks?cursor={cursor}")) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "title",
    [
        "",
        " ",
        "t" * 201,
        "two\nlines",
        "two\x85lines",
        "two\u2028lines",
        "two\u2029lines",
        "nul\0",
        "half \ud800",
        5,
        None,
        True,
        ["x"],
        {"x": 1},
    ],
)
def test_a_title_that_is_no_line_of_text_is_refused(ann, title):
    body = json.dumps({"tasks": [{"id": str(uuid4()), "title": title}]})
    answer = ann.app.http.post(
        "/api/tasks",
        content=body,
        headers={"Cookie": ann.cookie, "X-CSRF-Token": ann.csrf, "Content-Type": "application/json"},
    )
    assert refusal(answer) == (422, "invalid_title")


@pytest.mark.parametrize("title", ["t" * 200, "🚲" * 200, "<b>&amp;</b>", "שלום", "é"])
def test_any_other_line_comes_back_as_it_was(ann, title):
    [task] = ann.add(title)
    assert task["title"] == title
    ann.delete(task)


@pytest.mark.parametrize(
    "tasks",
    [
        None,
        [],
        "x",
        {},
        [5],
        [None],
        [{"title": "x"}],
        [{"id": "1", "title": "x"}],
        [{"id": str(uuid4()).upper(), "title": "x"}],
        [{"id": str(uuid4()), "title": "x"}] * (MOST_AT_ONCE + 1),
    ],
)
def test_a_wrong_list_of_tasks_is_refused(ann, tasks):
    assert refusal(ann.send("POST", "/api/tasks", {"tasks": tasks}))[0] == 422


@pytest.mark.parametrize(
    "change",
    [
        {},
        [],
        None,
        {"done": 1},
        {"done": "yes"},
        {"title": ""},
        {"version": 9},
        {"id": "x"},
        {"user_id": "x", "done": True},
    ],
)
def test_a_wrong_change_is_refused(ann, change):
    [task] = ann.add("Stays")
    body = json.dumps(change)
    headers = {"Cookie": ann.cookie, "X-CSRF-Token": ann.csrf, "Content-Type": "application/json", "If-Match": '"1"'}
    assert refusal(ann.app.http.patch(f"/api/tasks/{task['id']}", content=body, headers=headers))[0] == 422
    assert ann.delete(task).status_code == 204


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_by_the_bytes_that_come(ann, chunked):
    body = b'{"tasks": "' + b"x" * BODY_LIMIT_BYTES + b'"}'
    content = iter([body[:9000], body[9000:]]) if chunked else body
    headers = {"Cookie": ann.cookie, "X-CSRF-Token": ann.csrf, "Content-Type": "application/json"}
    assert refusal(ann.app.http.post("/api/tasks", content=content, headers=headers)) == (413, "body_too_large")


@pytest.mark.parametrize("content", [b"", b"{", b'{"tasks": \xff}', b"\xef\xbb\xbf"])
def test_what_is_no_json_is_refused(ann, content):
    headers = {"Cookie": ann.cookie, "X-CSRF-Token": ann.csrf, "Content-Type": "application/json"}
    assert refusal(ann.app.http.post("/api/tasks", content=content, headers=headers)) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api", (404, "not_found")),
        ("GET", "/api/none", (404, "not_found")),
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "/api/login", (405, "method_not_allowed")),
        ("PUT", "/api/tasks", (405, "method_not_allowed")),
        ("POST", f"/api/tasks/{NO_TASK}", (405, "method_not_allowed")),
        ("GET", "/api/constructor", (404, "not_found")),
    ],
)
def test_other_addresses_and_methods_are_refused_in_json(app, method, path, expected):
    assert refusal(app.http.request(method, path)) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/session"),
        ("GET", "/api/tasks"),
        ("POST", "/api/tasks"),
        ("POST", "/api/logout"),
        ("DELETE", f"/api/tasks/{NO_TASK}"),
    ],
)
def test_without_signing_in_there_is_nothing_to_see_or_do(app, method, path):
    assert refusal(app.http.request(method, path)) == (401, "signed_out")


# SQL injection

INJECTIONS = [
    "'",
    '"',
    "';--",
    "' OR '1'='1",
    '" OR ""="',
    "' OR 1=1 --",
    "'; DROP TABLE tasks; --",
    "' UNION SELECT password FROM users --",
    "x'); DELETE FROM users; --",
    "1; ATTACH DATABASE 'x' AS y",
    "' || (SELECT password FROM users LIMIT 1) || '",
    "%",
    "_",
    "\\'",
    "?1",
    ":id",
    "/* */",
    "' AND randomblob(100000000) --",
    "Robert'); DROP TABLE users;--",
    "\N{MODIFIER LETTER APOSTROPHE} OR 1=1 --",
    "\N{FULLWIDTH APOSTROPHE} OR 1=1 --",
    "NULL",
    "'+(SELECT 1)+'",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_any_field_is_text_or_refused(app, ann, text):
    everything = "SELECT (SELECT count(*) FROM users) AS users, (SELECT group_concat(password) FROM users) AS hashes"
    before = app.d1("DB", everything)
    [task] = ann.add(text)
    assert task["title"] == text
    assert ann.change(task, {"title": f"{text} again"}).json()["title"] == f"{text} again"
    quoted = httpx.QueryParams({"cursor": text})
    assert refusal(ann.send("GET", f"/api/tasks?{quoted}")) == (400, "invalid_cursor")
    for answer in (
        ann.send("DELETE", "/api/tasks/" + "".join(f"%{b:02x}" for b in text.encode()), **{"If-Match": '"1"'}),
        ann.send("DELETE", f"/api/tasks/{task['id']}", **{"If-Match": f'"{text}"'.encode()}),
        session(app, f"__Host-session={text}".encode()),
        login(app, f"{text}@example.com", "password of nobody"),
    ):
        assert refusal(answer)[0] in {401, 404, 422, 428}
    assert refusal(ann.send("GET", "/api/tasks", **{"X-D1-Bookmark": text.encode()})) == (400, "invalid_bookmark")
    assert ann.delete({**task, "version": 2}).status_code == 204
    assert app.d1("DB", everything) == before


# The Sessions API


def test_every_answer_about_tasks_hands_out_a_bookmark_and_takes_it_back(ann):
    before = ann.send("GET", "/api/tasks").headers["x-d1-bookmark"]
    written = ann.send(
        "POST", "/api/tasks", {"tasks": [{"id": str(uuid4()), "title": "seen at once"}]}, **{"X-D1-Bookmark": before}
    )
    bookmark = written.headers["x-d1-bookmark"]
    assert bookmark > before, "a write moves the bookmark on"
    answer = ann.send("GET", "/api/tasks", **{"X-D1-Bookmark": bookmark})
    assert answer.headers["x-d1-bookmark"] >= bookmark
    assert "seen at once" in [t["title"] for t in answer.json()["tasks"]]


def test_a_refused_write_hands_out_a_bookmark_too_so_the_list_loaded_next_is_not_older(ann):
    [task] = ann.add("Conflict")
    ann.change(task, {"done": True})
    late = ann.change(task, {"done": True})
    assert refusal(late) == (412, "version_changed") and late.headers["x-d1-bookmark"]


@pytest.mark.parametrize("bookmark", ["", "x" * 129, "a b", "A'--", "first_primary"])
def test_a_bookmark_that_cannot_be_one_is_refused(ann, bookmark):
    assert refusal(ann.send("GET", "/api/tasks", **{"X-D1-Bookmark": bookmark})) == (400, "invalid_bookmark")


# Migrations


def test_the_second_migration_keeps_the_data_of_the_first_and_old_rows_work(runtime, tmp_path):
    folder = tmp_path / "app"
    shutil.copytree(SNIPPETS / SLUG, folder, ignore=shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars"))
    second = folder / "migrations" / "0002_versions_and_counts.sql"
    later = second.read_text()
    second.unlink()
    with runtime.example(folder, secrets=SECRETS) as old:
        old.migrate("DB")
        assert "version" not in old.d1("DB", "SELECT sql FROM sqlite_master WHERE name = 'tasks'")[0]["sql"]
        user, heavy, empty = (new_user(old) for _ in range(3))
        fill(old, user, 3)
        old.d1("DB", "UPDATE tasks SET done = 1 WHERE title = 'task 2'")
        fill(old, heavy, MOST_TASKS + 20)

        second.write_text(later)
        old.migrate("DB")
        old.migrate("DB")
        applied = old.d1("DB", "SELECT name FROM d1_migrations ORDER BY id")
        assert [m["name"] for m in applied] == sorted(p.name for p in (SNIPPETS / SLUG / "migrations").iterdir())
        assert [(t["title"], t["done"], t["version"]) for t in user.tasks()] == [
            ("task 3", False, 1),
            ("task 2", True, 1),
            ("task 1", False, 1),
        ]
        assert login(old, user.email).status_code == 200, "accounts are kept"
        assert user.change(user.tasks()[0], {"done": True}).json()["version"] == 2
        assert user.delete(user.tasks()[2]).status_code == 204
        assert count(old, user) == {"stored": 2, "counted": 2} and count(old, empty) == {"stored": 0, "counted": 0}

        assert count(old, heavy) == {"stored": MOST_TASKS + 20, "counted": MOST_TASKS + 20}, (
            "nobody loses tasks to the new limit"
        )
        body = {"tasks": [{"id": str(uuid4()), "title": "one more"}]}
        assert refusal(heavy.send("POST", "/api/tasks", body)) == (409, "too_many_tasks")


# Faults


def events(app: Example) -> list[dict]:
    return [json.loads(line.partition("{")[1] + line.partition("{")[2]) for line in app.logs() if '{"event"' in line]


def test_a_failing_database_is_a_503_without_inner_names_and_the_same_request_works_later(app, ann):
    body = {"tasks": [{"id": str(uuid4()), "title": "patience"}]}
    app.d1("DB", "ALTER TABLE tasks RENAME TO away")
    try:
        answer = ann.send("POST", "/api/tasks", body, **{"CF-Ray": "8f00ray-FRA"})
        assert refusal(answer) == (503, "storage_unavailable")
        assert answer.headers["retry-after"] == "5" and answer.headers["x-request-id"] == "8f00ray-FRA"
        assert "table" not in answer.text
    finally:
        app.d1("DB", "ALTER TABLE away RENAME TO tasks")
    assert any(
        e["event"] == "d1_failed" and e["requestId"] == "8f00ray-FRA" and "no such table" in e["error"]
        for e in events(app)
    )
    assert ann.send("POST", "/api/tasks", body).status_code == 201
    assert ann.titles().count("patience") == 1


def test_an_answer_that_was_lost_is_no_lost_change(ann):
    [task] = ann.add("Lost answer")
    assert ann.change(task, {"done": True}).status_code == 200  # and the device never hears of it
    again = ann.change(task, {"done": True})
    assert refusal(again) == (412, "version_changed") and again.headers["etag"] == '"2"'


def test_no_log_line_holds_a_password_an_email_or_a_cookie_and_each_names_its_request(app, ann):
    login(app, ann.email, "wrong password!")
    written = "\n".join(app.logs())
    assert ann.email not in written and PASSWORD not in written and ann.cookie.split(".")[1] not in written
    assert all(e["requestId"] for e in events(app)) and {"login", "signup", "logout", "refused"} <= {
        e["event"] for e in events(app)
    }


def test_answers_and_files_carry_the_security_headers(app, ann):
    for path in ("/", "/assets/app.js", "/api/session", "/api/none"):
        headers = app.http.get(path, headers={"Cookie": ann.cookie}).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["strict-transport-security"]
        assert (
            "default-src 'none'" in headers["content-security-policy"]
            and "unsafe" not in headers["content-security-policy"]
        )
    page = app.http.get("/").text
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src)", page)


def statements() -> list[str]:
    """Return every statement of the example, as D1 gets it."""
    found = []
    for file in sorted((SNIPPETS / SLUG / "src").glob("*.ts")):
        code = file.read_text()
        for _, statement in re.findall(r"prepare\(\s*([`\"])(.*?)\1", code, re.S):
            assert set(re.findall(r"\$\{(.*?)\}", statement)) <= {"COLUMNS"}, (
                f"{file.name}: input is glued into {statement}"
            )
            found.append(statement.replace("${COLUMNS}", "id, title, done, version"))
        assert code.count("prepare(") == len(re.findall(r"prepare\(\s*[`\"]", code)), (
            f"{file.name}: a statement is no literal"
        )
    return found


def test_there_are_statements_and_all_of_them_are_literals():
    assert len(statements()) == 11


@pytest.mark.parametrize("statement", [s for s in statements() if not s.startswith("INSERT")])
def test_no_query_scans_a_table(app, statement):
    numbers = [1] * len(set(re.findall(r"\?\d", statement)))
    plan = [row["detail"] for row in app.d1("DB", f"EXPLAIN QUERY PLAN {statement}", *numbers)]
    assert plan and all(step.startswith("SEARCH") for step in plan), plan


# The page in Chromium


def axe(page: Page) -> list[list]:
    page.evaluate(AXE.read_text())
    return page.evaluate(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(' '))]))"
    )


def keys(page: Page, *presses: str) -> None:
    for press in presses:
        page.keyboard.press(press) if press in {"Tab", "Shift+Tab", "Enter", "Space"} else page.keyboard.type(press)


def focused(page: Page) -> str:
    return page.evaluate(
        "(e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() || e.textContent.trim())(document.activeElement)"
    )


def tab(page: Page, *names: str, key: str = "Tab") -> None:
    """Press Tab once for each name, and find the keyboard on what has this name."""
    for name in names:
        keys(page, key)
        assert focused(page) == name


def sign_in(page: Page, email: str) -> None:
    """From the start of the page, or from its heading."""
    tab(page, "Email")
    keys(page, email)
    tab(page, "Password")
    keys(page, PASSWORD, "Enter")
    expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()


def visitor(browser: Browser, **options: object) -> Visit:
    return Visit(browser, extra_http_headers={"CF-Connecting-IP": next(ADDRESSES)}, **options)


def test_with_a_keyboard_alone_a_visitor_joins_works_leaves_and_comes_back(app, browser: Browser):
    email = account()["email"]
    with visitor(browser) as visit:
        page = visit.page
        page.goto(app.url)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert axe(page) == []
        tab(page, "Email", "Password", "Sign in", "Your email")
        keys(page, email)
        tab(page, "New password, 12 characters or more")
        keys(page, PASSWORD)
        tab(page, "Invitation code")
        keys(page, "a wrong code", "Enter")
        expect(page.get_by_role("alert")).to_have_text("The invitation code is wrong.")
        assert axe(page) == []
        page.keyboard.press("Control+A")
        keys(page, SECRETS["INVITE_CODE"], "Enter")
        expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()
        expect(page.get_by_role("alert")).to_be_empty()

        tab(page, "New task")
        for title in ("Buy bread", "<b>Call</b> Kim"):
            keys(page, title, "Enter")
            expect(page.get_by_role("status")).to_have_text(f"Added: {title}")
            expect(page.get_by_label("New task")).to_be_focused()
        assert page.locator("li").all_inner_texts() != [] and page.locator("li b").count() == 0
        assert axe(page) == []

        tab(page, "Add", "<b>Call</b> Kim")
        keys(page, "Space")
        expect(page.get_by_role("status")).to_have_text("Done: <b>Call</b> Kim")
        tab(page, "Delete: <b>Call</b> Kim")
        keys(page, "Enter")
        expect(page.get_by_role("status")).to_have_text("Deleted: <b>Call</b> Kim")
        assert focused(page) == "Buy bread", "the keyboard stands on the next task"
        tab(page, "Delete: Buy bread")
        keys(page, "Enter")
        expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()
        expect(page.locator("li")).to_have_count(0)

        page.reload()
        expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()
        tab(page, "Sign out", key="Shift+Tab")
        keys(page, "Enter")
        expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
        expect(page.get_by_role("status")).to_have_text("You are signed out.")
        assert axe(page) == []
        sign_in(page, email)
        assert [c for c in visit.complaints if "401" not in c and "403" not in c] == []
        assert all(address.startswith(app.url) for address in visit.requests)


def test_on_a_phone_a_change_made_elsewhere_is_shown_and_not_overwritten(app, browser: Browser):
    user = new_user(app)
    fill(app, user, PAGE + 2)
    [task] = user.add("Call Kim")
    with visitor(browser, viewport=MOBILE) as visit:
        page = visit.page
        page.goto(app.url)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        sign_in(page, user.email)
        tab(page, "New task", "Add", "Call Kim")
        user.change(task, {"title": "Call Kim at 5"})
        keys(page, "Space")
        expect(page.get_by_role("alert")).to_have_text("The task was changed meanwhile. Look at it again first.")
        expect(page.get_by_label("Call Kim at 5", exact=True)).to_be_focused()
        expect(page.get_by_label("Call Kim at 5", exact=True)).not_to_be_checked()
        assert axe(page) == []

        keys(page, *["Tab"] * (2 * PAGE - 1))
        tab(page, "Show more")
        keys(page, "Enter")
        expect(page.locator("li")).to_have_count(PAGE + 3)
        assert focused(page) == "task 3"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        app.d1("DB", "DELETE FROM sessions WHERE user_id = ?", user.id)
        keys(page, *["Shift+Tab"] * (2 * PAGE + 1))
        tab(page, "New task", key="Shift+Tab")
        keys(page, "too late", "Enter")
        expect(page.get_by_role("alert")).to_have_text("Sign in first.")
        expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
        expect(page.locator("li")).to_have_count(0)


def test_another_title_after_a_lost_answer_is_another_task(app, browser: Browser):
    user = new_user(app)
    with visitor(browser) as visit:
        page = visit.page
        page.goto(app.url)
        page.get_by_label("Email", exact=True).fill(user.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()

        def lose(route):
            route.fetch()
            route.abort()

        page.route("**/api/tasks", lose, times=1)
        page.get_by_label("New task").fill("Buy bread")
        keys(page, "Enter")
        expect(page.get_by_role("alert")).not_to_be_empty()
        page.get_by_label("New task").fill("Buy milk")
        keys(page, "Enter")
        expect(page.get_by_role("status")).to_have_text("Added: Buy milk")
        assert sorted(row["title"] for row in app.d1("DB", "SELECT title FROM tasks WHERE user_id = ?", user.id)) == [
            "Buy bread",
            "Buy milk",
        ]


def test_the_page_sends_the_bookmark_of_the_last_answer_and_the_same_id_until_it_is_stored(app, browser: Browser):
    user = new_user(app)
    with visitor(browser) as visit:
        page, sent = visit.page, []
        visit.context.add_cookies(
            [
                {
                    "name": "__Host-session",
                    "value": user.cookie.partition("=")[2],
                    "url": app.url.replace("http:", "https:"),
                    "secure": True,
                }
            ]
        )
        page.on("request", lambda r: sent.append(r) if "/api/tasks" in r.url else None)
        page.goto(app.url)
        page.get_by_label("New task").fill("Twice")
        app.d1("DB", "ALTER TABLE tasks RENAME TO away")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("The database does not answer. Please try again.")
        app.d1("DB", "ALTER TABLE away RENAME TO tasks")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Added: Twice")
        first, second = (r.post_data_json["tasks"] for r in sent if r.method == "POST")
        assert first == second
        with_bookmark = [r.headers.get("x-d1-bookmark") for r in sent]
        assert with_bookmark[0] is None and all(with_bookmark[1:])


def test_a_page_on_a_sibling_hostname_signs_nobody_in_as_somebody_else(app, browser: Browser, tmp_path):
    """What a sibling may set: a cookie for all of the site, whose name begins with a blank that no browser strips."""
    victim, attacker = new_user(app), new_user(app)
    with over_tls(app.url, tmp_path) as port, visitor(browser, ignore_https_errors=True) as visit:
        page = visit.page
        page.goto(f"https://{OURS}:{port}/")
        page.get_by_label("Email", exact=True).fill(victim.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()

        page.goto(f"https://{SIBLING}:{port}/")
        for planted in ("a=1", f"\u2000{attacker.cookie}"):
            page.evaluate(
                "cookie => { document.cookie = cookie; }", f"{planted}; Domain=shop.localhost; Path=/api; Secure"
            )

        with page.expect_request("**/api/session") as asked:
            page.goto(f"https://{OURS}:{port}/")
        sent = asked.value.all_headers()["cookie"]
        assert sent.index(attacker.cookie) < sent.index("; __Host-session="), "the planted one comes first"
        page.get_by_label("New task").fill("Call the lawyer")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Added: Call the lawyer")
        assert (attacker.titles(), victim.titles()) == ([], ["Call the lawyer"])
