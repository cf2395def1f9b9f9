"""A site and its form as visitors, browsers, spammers and a failing database meet them."""

import hashlib
import hmac
import itertools
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, expect

from runtime import toolchain
from runtime.browser import MOBILE, Visit
from runtime.setups import EXAMPLES, LOCAL_KEY
from runtime.workers import SNIPPETS, Example, Runtime, dev_server
from tests.support.patience import PATIENCE_S, until, until_limited

SLUG = "static-site-api"
PUBLIC = SNIPPETS / SLUG / "public"
AXE = toolchain.NODE_MODULES / "axe-core" / "axe.min.js"
BODY_LIMIT_BYTES = 32_768
ATTEMPTS = 10
MIN_FILL_S, LIFE_S = 2, 24 * 3600
PAGE = {"Accept": "text/html,application/xhtml+xml"}
FORM_TYPE = "application/x-www-form-urlencoded"
IMMUTABLE = "public, max-age=31536000, immutable"
TEXT = {"name": "Ann Lee", "email": "ann@example.com", "message": "My bike squeaks."}
ADDRESSES = (f"192.0.2.{n}" for n in itertools.count(1))
SECURITY = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def site(runtime: Runtime) -> Iterator[Example]:
    with EXAMPLES[SLUG].run(runtime) as example:
        yield example


def variant(folder: Path, *changes: tuple[str, str]) -> Path:
    """Copy the example and change its configuration."""
    target = folder / "site"
    shutil.copytree(
        SNIPPETS / SLUG, target, ignore=shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars", "pages")
    )
    config = target / "wrangler.toml"
    for old, new in changes:
        assert old in config.read_text()
        config.write_text(config.read_text().replace(old, new))
    return target


def token(age_s: float = 10, key: str = LOCAL_KEY, message_id: str | None = None) -> str:
    """Make the token of a form that was handed out some time ago."""
    claims = f"{int((time.time() - age_s) * 1000)}.{message_id or uuid4()}"
    return f"{claims}.{hmac.new(key.encode(), f'contact:{claims}'.encode(), hashlib.sha256).hexdigest()}"


def filled(**fields: str) -> dict[str, str]:
    """Return the fields of a form as a visitor sends them; every call is a new form."""
    return {"form": token(), **TEXT, "website": "", **fields}


def too_young(response: httpx.Response) -> bool:
    """A form that was sent at once was refused; on a busy machine one may grow old on its way."""
    return response.status_code == 429


def send(site: Example, fields: object = None, *, page: bool = False, **headers: str) -> httpx.Response:
    """Send a form from a network of its own: as a browser without JavaScript, or as a script with JSON."""
    fields = filled() if fields is None else fields
    headers = {"CF-Connecting-IP": next(ADDRESSES), **headers}
    if page:
        return site.http.post("/api/contact", data=fields, headers={**PAGE, **headers})
    return site.http.post("/api/contact", json=fields, headers=headers)


def send_raw(site: Example, content: object, content_type: str | None = FORM_TYPE) -> httpx.Response:
    headers = {"CF-Connecting-IP": next(ADDRESSES), **({} if content_type is None else {"Content-Type": content_type})}
    return site.http.post("/api/contact", content=content, headers=headers)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]


def stored(site: Example, message_id: str) -> list[dict[str, str]]:
    return site.d1("DB", "SELECT * FROM messages WHERE id = ?", message_id)


def id_of(fields: dict[str, str]) -> str:
    return fields["form"].split(".")[1]


def html(response: httpx.Response) -> BeautifulSoup:
    assert response.headers["content-type"].startswith("text/html")
    return BeautifulSoup(response.text, "html.parser")


def problem(response: httpx.Response) -> str:
    """Return what the page tells a visitor whose form was refused."""
    assert response.headers["cache-control"] == "no-store"
    element = html(response).select_one("#problem")
    assert not element.has_attr("hidden") and element.has_attr("autofocus")
    return element.text


# Files, routes of the app, and everything else


@pytest.mark.parametrize("path", ["/", "/services/tune-up", "/services/puncture", "/services/never-heard-of"])
@pytest.mark.parametrize("headers", [{}, {**PAGE, "Sec-Fetch-Mode": "navigate"}], ids=["a program", "a browser"])
def test_the_routes_of_the_app_get_its_page(site, path, headers):
    response = site.http.get(path, headers=headers)
    assert response.status_code == 200
    assert response.content == (PUBLIC / "index.html").read_bytes()
    assert response.headers["cache-control"] == "public, max-age=0, must-revalidate"


def test_every_link_on_every_page_leads_somewhere(site):
    for file in PUBLIC.glob("*.html"):
        for element in BeautifulSoup(file.read_text(), "html.parser").select("[href], [src], form[action]"):
            target = element.get("href") or element.get("src") or element["action"]
            expected = 405 if element.name == "form" else 200
            assert site.http.get(target).status_code == expected, f"{file.name}: {target}"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/services", "/services/tune-up/now", "/wp-login.php", "/.env", "/_headers", "/_redirects"]
)
def test_an_unknown_address_is_a_404_page_for_people_and_json_for_programs(site, path):
    page = site.http.get(path, headers=PAGE)
    assert page.status_code == 404 and page.headers["cache-control"] == "no-store"
    assert html(page).h1.text == "Page not found"
    assert "etag" not in page.headers, "a 304 would turn the error into a success"
    assert refusal(site.http.get(path)) == (404, "not_found")
    assert site.http.head(path, headers=PAGE).status_code == 404


def test_a_visitor_who_has_the_404_page_already_still_gets_it_with_its_status(site):
    known = {"If-None-Match": site.http.get("/404").headers["etag"], "Range": "bytes=0-9"}
    page = site.http.get("/nowhere", headers={**PAGE, **known})
    assert page.status_code == 404 and html(page).h1.text == "Page not found"


@pytest.mark.parametrize(
    "path", ["/assets/app.0000000000.js", "/assets/gone.css", "/assets/", "/assets/../assets/x.js", "/favicon.ico"]
)
@pytest.mark.parametrize("mode", ["no-cors", "navigate"])
def test_a_missing_file_is_never_a_page_with_status_200_and_never_kept(site, path, mode):
    for accept in ({"Accept": "*/*"}, PAGE):
        response = site.http.get(path, headers={**accept, "Sec-Fetch-Mode": mode})
        assert response.status_code == 404
        assert response.headers["cache-control"] == "no-store"


API = ["/api", "/api/", "/api/nothing", "/api/contact/", "/api/contact.html", "/api/../api/x", "/api/services/tune-up"]


@pytest.mark.parametrize("path", API)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("headers", [{}, {**PAGE, "Sec-Fetch-Mode": "navigate"}], ids=["a program", "a browser"])
def test_the_api_is_never_swallowed_by_the_app(site, path, method, headers):
    assert refusal(site.http.request(method, path, headers=headers)) == (404, "not_found")


@pytest.mark.parametrize("path", ["/API/contact", "//api/contact", "/%61pi/contact", "/services/../api/nothing"])
def test_no_spelling_of_an_api_address_gets_the_page_of_the_app(site, path):
    response = httpx.get(site.url + path)
    assert response.status_code == 404 and response.headers["content-type"] == "application/json"


def test_a_file_never_comes_before_the_api(runtime, tmp_path):
    folder = variant(tmp_path)
    for name in ("api/contact.html", "api/contact/index.html", "api/nothing", "api/index.html"):
        (folder / "public" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "public" / name).write_text("swallowed")
    with runtime.example(folder, secrets={"FORM_KEY": LOCAL_KEY}) as site:
        for path in ("/api/contact", "/api/nothing", "/api/"):
            assert "swallowed" not in site.http.get(path, headers={**PAGE, "Sec-Fetch-Mode": "navigate"}).text
        assert refusal(send(site, filled(email="")))[1] == "invalid_email"


@pytest.mark.parametrize(
    ("setting", "status", "kind"), [("single-page-application", 200, "index.html"), ("404-page", 404, "404.html")]
)
def test_what_the_built_in_fallbacks_do_to_a_missing_script_is_why_they_are_off(
    runtime, tmp_path, setting, status, kind
):
    folder = variant(tmp_path, ('not_found_handling = "none"', f'not_found_handling = "{setting}"'))
    with runtime.example(folder, secrets={"FORM_KEY": LOCAL_KEY}) as site:
        response = site.http.get("/assets/app.0000000000.js", headers={"Sec-Fetch-Mode": "no-cors"})
        assert (response.status_code, response.headers["cache-control"]) == (status, IMMUTABLE)
        assert response.content == (PUBLIC / kind).read_bytes()


def test_without_the_list_a_browser_that_opens_an_api_address_gets_the_app(runtime, tmp_path):
    folder = variant(
        tmp_path,
        ('not_found_handling = "none"', 'not_found_handling = "single-page-application"'),
        ('run_worker_first = ["/api/*", "/contact"]', "run_worker_first = false"),
    )
    browser = {**PAGE, "Sec-Fetch-Mode": "navigate"}
    with runtime.example(folder, secrets={"FORM_KEY": LOCAL_KEY}) as site:
        assert refusal(site.http.get("/api/nothing")) == (404, "not_found")
        assert site.http.get("/api/nothing", headers=browser).content == (PUBLIC / "index.html").read_bytes()
        assert site.http.post("/api/contact", data=filled(), headers=browser).status_code == 405, (
            "a form without JavaScript"
        )


@pytest.mark.parametrize(
    ("path", "status", "target"),
    [
        ("/kontakt", 301, "/contact"),
        ("/blog/2025/chains?a=b", 301, "https://blog.example.com/2025/chains?a=b"),
        ("/index.html", 307, "/"),
        ("/thanks.html", 307, "/thanks"),
    ],
)
def test_a_moved_address_leads_to_the_new_one(site, path, status, target):
    response = site.http.get(path)
    assert (response.status_code, response.headers["location"]) == (status, target)


# What may be kept, and by whom


def test_every_file_that_may_be_kept_for_ever_has_the_hash_of_its_content_in_its_name(site):
    files = sorted((PUBLIC / "assets").iterdir())
    assert len(files) >= 4
    for file in files:
        stem, *_, ending = file.name.split(".")
        right = f"{stem}.{hashlib.sha256(file.read_bytes()).hexdigest()[:10]}.{ending}"
        assert file.name == right, (
            f"content and name differ: rename {file.name} to {right}, also in the pages that load it"
        )
        assert site.http.get(f"/assets/{file.name}").headers["cache-control"] == IMMUTABLE


def test_nothing_else_may_be_kept_without_asking(site):
    for file in PUBLIC.glob("*.html"):
        path = "/" if file.stem == "index" else f"/{file.stem}"
        assert site.http.get(path).headers["cache-control"] in {
            "public, max-age=0, must-revalidate",
            "private, no-cache",
        }


@pytest.mark.parametrize("path", ["/", "/thanks", "/services/tune-up"])
def test_a_visitor_who_has_a_page_already_gets_304(site, path):
    etag = site.http.get(path).headers["etag"]
    again = site.http.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_two_visitors_never_share_a_form_and_no_304_replaces_it(site):
    first, second = (site.http.get("/contact", headers=PAGE) for _ in range(2))
    values = [html(r).select_one("input[name=form]")["value"] for r in (first, second)]
    assert values[0] != values[1]
    assert first.headers["cache-control"] == "private, no-cache" and "etag" not in first.headers
    known = site.http.get(
        "/contact", headers={"If-None-Match": "*", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    )
    assert known.status_code == 200 and b'name="form" value="' in known.content
    assert site.http.head("/contact").status_code == 200


# Security headers


def answers(site: Example) -> dict[str, httpx.Response]:
    get, etag = site.http.get, site.http.get("/").headers["etag"]
    script = next((PUBLIC / "assets").glob("app.*.js")).name
    return {
        "a page": get("/"),
        "a route of the app": get("/services/tune-up"),
        "a script": get(f"/assets/{script}"),
        "a 304": get("/", headers={"If-None-Match": etag}),
        "a redirect of ours": get("/kontakt"),
        "a redirect to another host": get("/blog/a"),
        "a redirect of the file server": get("/thanks.html"),
        "a wrong method on a file": site.http.post("/"),
        "a 404 page": get("/nowhere", headers=PAGE),
        "a 404 for a program": get("/nowhere"),
        "the form": get("/contact"),
        "a stored message": send(site),
        "a stored message, as a page": send(site, page=True),
        "a refused message": send(site, filled(email="x")),
        "a refused message, as a page": send(site, filled(email="x"), page=True),
        "a wrong method on the API": get("/api/contact"),
        "a 404 of the API": get("/api/nothing"),
    }


def test_every_answer_carries_the_security_headers(site):
    seen = answers(site)
    assert {r.status_code for r in seen.values()} >= {200, 201, 301, 303, 304, 307, 404, 405, 422}
    for what, response in seen.items():
        found = {name: response.headers.get(name) for name in SECURITY}
        assert found == SECURITY, what
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, what


def test_an_answer_with_html_allows_our_own_files_and_json_allows_nothing(site):
    for what, response in answers(site).items():
        policy = response.headers["content-security-policy"]
        if response.headers.get("content-type", "").startswith("text/html"):
            assert "script-src 'self'" in policy and "form-action 'self'" in policy, what
        if response.headers.get("content-type") == "application/json":
            assert "script-src" not in policy, what


def test_pages_hold_no_inline_script_and_no_inline_style():
    for file in PUBLIC.glob("*.html"):
        page = BeautifulSoup(file.read_text(), "html.parser")
        assert not page.select("style, [style]") and not [s for s in page.select("script") if not s.get("src")], (
            file.name
        )
        assert not [e for e in page.find_all() for name in e.attrs if name.startswith("on")], file.name


def test_a_fault_of_ours_is_a_page_or_json_with_the_headers_and_without_details(runtime):
    with runtime.example(SLUG) as site:
        page = site.http.get("/contact", headers=PAGE)
        assert page.status_code == 503 and html(page).h1.text == "Something went wrong"
        assert refusal(send(site)) == (503, "not_configured")
        assert send(site, page=True).status_code == 503
        for name, value in SECURITY.items():
            assert page.headers[name] == value
        assert "FORM_KEY" not in page.text
        assert site.http.get("/").status_code == 200, "files need no secret"


# A message arrives


def test_a_form_sent_without_javascript_is_stored_and_leads_to_the_thanks_page(site):
    form = filled(message="Line one\r\nLine two\u2028Line three")
    response = send(site, form, page=True, **{"Sec-Fetch-Site": "same-origin", "Origin": site.url})
    assert (response.status_code, response.headers["location"]) == (303, "/thanks")
    assert response.headers["cache-control"] == "no-store"
    (row,) = stored(site, id_of(form))
    assert (row["name"], row["email"], row["message"]) == (
        "Ann Lee",
        "ann@example.com",
        "Line one\nLine two\nLine three",
    )
    assert site.http.get("/thanks").status_code == 200


def test_a_form_sent_as_json_is_stored_and_answered_as_json(site):
    form = filled()
    response = send(site, form)
    assert response.status_code == 201 and response.headers["cache-control"] == "no-store"
    (row,) = stored(site, id_of(form))
    assert response.json() == {"id": id_of(form), "receivedAt": row["received_at"]}


def test_the_token_on_the_page_is_the_one_that_the_endpoint_takes(site):
    page = html(site.http.get("/contact"))
    assert [e["name"] for e in page.select("form input, form textarea")] == [
        "form",
        "name",
        "email",
        "message",
        "website",
    ]

    def sent_at_once() -> httpx.Response:
        new = html(site.http.get("/contact"))
        return send(site, filled(form=new.select_one("input[name=form]")["value"]))

    assert refusal(until(sent_at_once, too_young)) == (429, "sent_too_fast"), "known, and only too young"


def test_what_is_stored_holds_no_network_address(site):
    send(site, form := filled(), **{"CF-Connecting-IP": "203.0.113.77"})
    (row,) = stored(site, id_of(form))
    assert row.keys() == {"id", "received_at", "name", "email", "message"}
    assert "203.0.113.77" not in json.dumps(row) + "\n".join(site.logs())


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n" * 100},
        {"name": "Łukasz O’Hara-李 👩‍🔧"},
        {"name": "  Ann  "},
        {"email": "a@b.co"},
        {"email": "ann+bikes@mail.example.co.uk"},
        {"email": "ä@exämple.de"},
        {"message": "m" * 2000},
        {"message": "€" * 2000},
        {"message": "a\tb\n\nc"},
        {"message": "'); DROP TABLE messages; --"},
    ],
)
@pytest.mark.parametrize("page", [True, False], ids=["a form", "JSON"])
def test_the_edges_of_what_a_message_may_hold_are_taken(site, fields, page):
    form = filled(**fields)
    assert send(site, form, page=page).status_code == (303 if page else 201)
    (row,) = stored(site, id_of(form))
    for name, value in fields.items():
        assert row[name] == value.strip()


# Spam


def test_a_filled_hidden_field_is_refused_and_a_person_whose_browser_filled_it_can_send_again(site):
    form = filled(website="https://spam.example")
    assert refusal(send(site, form)) == (422, "looks_like_spam")
    page = send(site, form, page=True)
    assert page.status_code == 422 and "hidden field" in problem(page)
    again = {e["name"]: e.get("value", e.text) for e in html(page).select("form input, form textarea")}
    assert again == {**form, "website": ""}
    assert stored(site, id_of(form)) == []
    assert send(site, again, page=True).status_code == 303


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "..",
        "1.2.3",
        token(key="another-key-0123456789abcdef0123456789abcdef"),
        token().replace(".", ",", 1),
        token()[:-1],
        token() + "0",
        token().upper(),
        "0" + token(),
        re.sub(r"^\d", "9", token()),
        token(message_id="0" * 36)[:-64] + "0" * 64,
        token(message_id="short"),
    ],
    ids=[f"forged{number}" for number in range(13)],
)
def test_a_forged_or_changed_token_is_refused(site, forged):
    form = filled(form=forged)
    assert refusal(send(site, form)) == (403, "form_unknown")
    page = send(site, form, page=True)
    assert page.status_code == 403
    assert html(page).select_one("input[name=form]")["value"] != forged, "the page holds a good token now"


def test_a_form_without_a_token_is_refused(site):
    form = filled()
    del form["form"]
    assert refusal(send(site, form)) == (403, "form_unknown")
    assert send(site, form, page=True).status_code == 403


def test_a_form_made_to_look_older_or_younger_is_refused(site):
    good = token().split(".")
    for moved in (-5000, 5000):
        assert refusal(send(site, filled(form=".".join([str(int(good[0]) + moved), *good[1:]])))) == (
            403,
            "form_unknown",
        )


def test_a_form_sent_faster_than_anyone_types_is_told_to_wait(site):
    response = until(lambda: send(site, filled(form=token(age_s=0))), too_young)
    assert refusal(response) == (429, "sent_too_fast") and response.headers["retry-after"] == "2"
    form = filled(form=token(age_s=-600))
    assert refusal(send(site, form)) == (429, "sent_too_fast"), "a token from the future"
    assert stored(site, id_of(form)) == []
    assert send(site, filled(form=token(age_s=MIN_FILL_S + 0.1))).status_code == 201


def test_a_form_that_was_open_for_a_day_is_renewed_and_keeps_its_text(site):
    assert send(site, filled(form=token(age_s=LIFE_S - 900))).status_code == 201
    old = filled(form=token(age_s=LIFE_S + 30))
    assert refusal(send(site, old)) == (403, "form_expired")
    page = send(site, old, page=True)
    assert page.status_code == 403 and "open too long" in problem(page)
    again = {e["name"]: e.get("value", e.text) for e in html(page).select("form input, form textarea")}
    assert {**again, "form": ""} == {**old, "form": ""} and again["form"] != old["form"]
    assert stored(site, id_of(old)) == []


def test_a_form_sent_twice_is_one_message_and_the_same_success(site):
    form = filled()
    first, second = send(site, form), send(site, form)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert send(site, form, page=True).status_code == 303
    assert len(stored(site, id_of(form))) == 1


def test_ten_impatient_clicks_at_once_are_one_message(site):
    form = filled()
    with ThreadPoolExecutor(10) as clicks:
        answers = list(clicks.map(lambda _: send(site, form), range(10)))
    assert sorted(a.status_code for a in answers) == [200] * 9 + [201]
    assert len({a.text for a in answers}) == 1
    assert len(stored(site, id_of(form))) == 1


def test_a_token_is_good_for_one_text_only(site):
    form = filled()
    send(site, form)
    for change in ({"message": "Buy now."}, {"name": "Eve"}, {"email": "eve@example.com"}):
        assert refusal(send(site, {**form, **change})) == (409, "already_sent")
    page = send(site, {**form, "message": "One more thing."}, page=True)
    assert page.status_code == 409 and "sent before" in problem(page)
    assert html(page).textarea.text == "One more thing."
    assert html(page).select_one("input[name=form]")["value"] != form["form"]
    assert [row["message"] for row in stored(site, id_of(form))] == [TEXT["message"]]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "{url}"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "{url}.evil.example"},
    ],
)
def test_another_site_cannot_send_our_form(site, headers):
    headers = {name: value.format(url=site.url) for name, value in headers.items()}
    assert refusal(send(site, form := filled(), **headers)) == (403, "other_site")
    assert send(site, form, page=True, **headers).status_code == 403
    assert stored(site, id_of(form)) == []


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "{url}"}])
def test_our_own_site_and_programs_with_a_token_can(site, headers):
    assert send(site, **{name: value.format(url=site.url) for name, value in headers.items()}).status_code == 201


def until_refused(site: Example, clients: Iterator[str], page: bool = False) -> httpx.Response:
    return until_limited(lambda: send(site, page=page, **{"CF-Connecting-IP": next(clients)}), ATTEMPTS)


def test_one_client_is_slowed_down_and_others_are_not(site):
    response = until_refused(site, itertools.repeat("198.51.100.1"))
    assert refusal(response) == (429, "too_many_attempts") and response.headers["retry-after"] == "60"
    assert send(site, **{"CF-Connecting-IP": "198.51.100.2"}).status_code == 201


def test_a_slowed_down_visitor_keeps_the_typed_text(site):
    page = until_refused(site, itertools.repeat("198.51.100.3"), page=True)
    assert "Wait a minute" in problem(page) and page.headers["retry-after"] == "60"
    assert html(page).textarea.text == TEXT["message"]


@pytest.mark.parametrize(
    ("odd", "even", "neighbour"),
    [
        ("2001:db8:0:1:{n:x}::{n:x}", "2001:0DB8::1:0:0:{n:x}:1", "2001:db8:0:2::1"),
        ("2001:db9::{n:x}", "2001:db9:0:0:{n:x}::", "2001:db9:0:1::1"),
        ("2001:0:3:4:{n:x}::", "2001::3:4:{n:x}:6:192.0.2.1", "2001::3:9:5:6:192.0.2.1"),
        ("::ffff:198.51.100.9", "198.51.100.9", "::ffff:198.51.100.10"),
        ("0:0:0:0:0:FFFF:c633:640b", "::ffff:198.51.100.11", "198.51.100.12"),
    ],
)
def test_many_addresses_of_one_ipv6_network_or_two_spellings_of_one_count_as_one_client(site, odd, even, neighbour):
    response = until_refused(site, ((odd if n % 2 else even).format(n=n) for n in itertools.count(1)))
    assert refusal(response) == (429, "too_many_attempts")
    assert send(site, **{"CF-Connecting-IP": neighbour}).status_code == 201


# Wrong forms


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": ""}, "invalid_name"),
        ({"name": " \t "}, "invalid_name"),
        ({"name": "n" * 101}, "invalid_name"),
        ({"name": "a\nBcc: x@y.zz"}, "invalid_name"),
        *(({"name": f"a{end}Bcc: x@y.zz"}, "invalid_name") for end in "\x85\u2028\u2029"),
        ({"name": "a\x00"}, "invalid_name"),
        ({"email": ""}, "invalid_email"),
        ({"email": "ann"}, "invalid_email"),
        ({"email": "ann@host"}, "invalid_email"),
        ({"email": "a b@example.com"}, "invalid_email"),
        ({"email": "a@b@example.com"}, "invalid_email"),
        ({"email": "a@example.com, b@example.com"}, "invalid_email"),
        ({"email": "a@example.com\nBcc: b@c.dd"}, "invalid_email"),
        ({"email": "<a@example.com>"}, "invalid_email"),
        ({"email": "a" * 250 + "@b.cc"}, "invalid_email"),
        ({"message": ""}, "invalid_message"),
        ({"message": "\r\n"}, "invalid_message"),
        ({"message": "m" * 2001}, "invalid_message"),
        ({"message": "a\x1b[31m"}, "invalid_message"),
    ],
)
def test_a_wrong_field_is_named_and_the_rest_is_kept(site, fields, code):
    form = filled(**fields)
    assert refusal(send(site, form)) == (422, code)
    page = send(site, form, page=True)
    assert page.status_code == 422 and problem(page)
    wrong = html(page).select("[aria-invalid=true]")
    assert [e["name"] for e in wrong] == [code.removeprefix("invalid_")]
    kept = {e["name"]: e.get("value", e.text) for e in html(page).select("form input, form textarea")}
    assert [kept[n] for n in ("name", "email", "message", "form") if n not in fields] == [
        form[n] for n in ("name", "email", "message", "form") if n not in fields
    ]
    assert html(page).title.text.startswith("Not sent: ")
    assert stored(site, id_of(form)) == []


def test_a_lonely_half_of_a_character_is_refused(site):
    body = json.dumps(filled()).replace("Ann Lee", "\\ud83d")
    assert refusal(send_raw(site, body, "application/json")) == (422, "invalid_name")


def test_typed_markup_comes_back_as_text(site):
    evil = "\"><script>alert(1)</script>'</textarea><img src=x onerror=alert(1)>"
    page = send(site, filled(name=evil, message=evil, email="wrong", form=f'{token()}"><script>'), page=True)
    assert page.status_code == 422
    kept = html(page)
    assert len(kept.select("script")) == 1 and kept.select("img") == []
    assert kept.select_one("#name")["value"] == evil and kept.textarea.text == evil


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/json",
        "image/png",
        b"\xc2\xa0application/json",
    ],
)
def test_another_type_is_refused(site, content_type):
    assert refusal(send_raw(site, urlencode(filled()), content_type)) == (415, "unsupported_media_type")


def test_an_uploaded_file_is_refused(site):
    response = site.http.post(
        "/api/contact", data=filled(), files={"message": b"MZ"}, headers={"CF-Connecting-IP": next(ADDRESSES)}
    )
    assert refusal(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", [f"{FORM_TYPE}; charset=UTF-8", FORM_TYPE.upper()])
def test_parameters_and_case_of_the_type_do_not_matter(site, content_type):
    assert send_raw(site, urlencode(filled()), content_type).status_code == 201


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'"x"', "application/json"),
        (b'{"name": 1}', "application/json"),
        (b'{"name": ["a"]}', "application/json"),
        (b'{"name": null}', "application/json"),
        (b'{"__proto__": "x"}', "application/json"),
        (b'{"admin": "yes"}', "application/json"),
        (b'{"name": "\xff"}', "application/json"),
        (b"name=a&name=b", FORM_TYPE),
        (b"admin=yes", FORM_TYPE),
        (b"constructor=x", FORM_TYPE),
        (b"name=\xff", FORM_TYPE),
    ],
)
def test_a_body_that_is_not_this_form_is_refused(site, body, content_type):
    assert refusal(send_raw(site, body, content_type)) == (400, "invalid_form")


def padded(size: int) -> bytes:
    return json.dumps(filled()).encode().ljust(size)


def in_pieces(body: bytes) -> Iterator[bytes]:
    """Without a length known before, httpx sends chunks and no Content-Length."""
    for start in range(0, len(body), 5000):
        yield body[start : start + 5000]


@pytest.mark.parametrize("pieces", [bytes, in_pieces], ids=["with its length", "in chunks"])
def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(site, pieces):
    assert send_raw(site, pieces(padded(BODY_LIMIT_BYTES)), "application/json").status_code == 201
    assert refusal(send_raw(site, pieces(padded(BODY_LIMIT_BYTES + 1)), "application/json")) == (413, "body_too_large")


def test_a_body_is_refused_as_soon_as_it_is_too_large_without_waiting_for_its_end(site):
    head = f"POST /api/contact HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.http.base_url.port), timeout=PATIENCE_S) as upload:
        upload.sendall(head.encode())
        for _ in range(9):
            upload.sendall(b"1000\r\n" + b"a" * 4096 + b"\r\n")
        assert upload.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_method_that_is_not_offered_is_refused_with_those_that_are(site, method):
    response = site.http.request(method, "/api/contact", headers=PAGE)
    assert response.status_code == 405 and response.headers["allow"] == "POST"
    wrong = site.http.request("POST", "/contact")
    assert refusal(wrong) == (405, "method_not_allowed") and wrong.headers["allow"] == "GET, HEAD"


# Faults


def test_a_database_that_fails_costs_a_second_try_and_no_text(runtime):
    with EXAMPLES[SLUG].run(runtime) as site:
        site.d1("DB", "ALTER TABLE messages RENAME TO away")
        form = filled()
        response = send(site, form)
        assert refusal(response) == (503, "storage_unavailable") and response.headers["retry-after"] == "10"
        page = send(site, form, page=True)
        assert page.status_code == 503 and page.headers["retry-after"] == "10" and "send it again" in problem(page)
        assert "no such table" not in page.text + response.text
        logged = [json.loads(line.partition(": ")[2]) for line in site.logs()]
        failed = next(line for line in logged if line["event"] == "d1_failed")
        assert failed["requestId"] == response.headers["x-request-id"] and "no such table" in failed["error"]
        again = {e["name"]: e.get("value", e.text) for e in html(page).select("form input, form textarea")}
        assert again == form, "the same token: had the first try been stored, the second would not be a duplicate"
        assert site.http.get("/contact").status_code == 200
        site.d1("DB", "ALTER TABLE away RENAME TO messages")
        assert send(site, again, page=True).status_code == 303
        assert len(stored(site, id_of(form))) == 1


def test_after_a_change_of_the_key_open_forms_are_renewed_and_keep_their_text(site):
    page = send(site, form := filled(form=token(key="the-last-key-0123456789abcdef0123456789")), page=True)
    assert page.status_code == 403 and html(page).textarea.text == form["message"]
    assert html(page).select_one("input[name=form]")["value"] != form["form"]


def test_every_log_line_is_json_with_the_id_that_the_caller_got(site):
    response = send(site, filled(email="x"), **{"CF-Ray": "8f0c1d2e3f4a5b6c-OSL"})
    assert response.headers["x-request-id"] == "8f0c1d2e3f4a5b6c-OSL"
    lines = [json.loads(line.partition(": ")[2]) for line in site.logs()]
    assert all(line["event"] and line["requestId"] for line in lines)
    assert {
        "event": "message_refused",
        "requestId": "8f0c1d2e3f4a5b6c-OSL",
        "status": 422,
        "code": "invalid_email",
    } in lines
    text = json.dumps(lines)
    assert TEXT["email"] not in text and TEXT["message"] not in text and LOCAL_KEY not in text


# In a real browser


def axe(visit: Visit) -> list[list]:
    visit.page.evaluate(AXE.read_text())
    return visit.page.evaluate(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(' '))]))"
    )


def visitor(browser: Browser, **options: object) -> Visit:
    return Visit(browser, extra_http_headers={"CF-Connecting-IP": next(ADDRESSES)}, **options)


def test_a_visitor_with_a_keyboard_hears_what_is_wrong_and_that_it_worked(site, browser: Browser):
    with visitor(browser) as visit:
        page = visit.page
        page.goto(f"{site.url}/contact")
        assert axe(visit) == []
        page.locator("nav a").last.focus()
        for text in ("Kim Chen", "kim@host", "Do you mend tandems?"):
            page.keyboard.press("Tab")
            page.keyboard.type(text)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Send", "the trap is no stop for the keyboard"
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("Give an email address such as you@example.com.")
        expect(page.get_by_label("Email")).to_be_focused()
        assert page.get_by_label("Email").get_attribute("aria-invalid") == "true"
        assert axe(visit) == []
        page.keyboard.press("End")
        page.keyboard.type(".example")
        # As old as after a real minute of typing.
        page.locator("input[name=form]").evaluate("(input, token) => { input.value = token }", token(age_s=60))
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Thank you. Your message has arrived.")
        expect(page.get_by_role("status")).to_be_focused()
        assert axe(visit) == []
        assert [c for c in visit.complaints if "422" not in c] == []
        assert all(address.startswith(site.url) for address in visit.requests)
    assert site.d1("DB", "SELECT email FROM messages WHERE name = 'Kim Chen'") == [{"email": "kim@host.example"}]


def test_without_javascript_the_form_works_too(site, browser: Browser):
    with visitor(browser, java_script_enabled=False, viewport=MOBILE) as visit:
        page = visit.page
        page.goto(f"{site.url}/contact")
        for label, text in {"Name": "Jo", "Email": "jo@host", "Message": "Two\nlines"}.items():
            page.get_by_label(label, exact=True).fill(text)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_have_text("Give an email address such as you@example.com.")
        expect(page.get_by_label("Message")).to_have_value("Two\nlines")
        page.get_by_label("Email").fill("jo@host.example")
        # As if the visitor had typed for as long as a person does.
        page.locator("input[name=form]").evaluate("(field, old) => { field.value = old }", token())
        page.get_by_role("button", name="Send").click()
        page.wait_for_url(f"{site.url}/thanks")
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert site.d1("DB", "SELECT message FROM messages WHERE name = 'Jo'") == [{"message": "Two\nlines"}]


def test_the_app_shows_the_route_of_the_address_and_the_back_button_works(site, browser: Browser):
    with visitor(browser) as visit:
        page = visit.page
        page.goto(f"{site.url}/services/puncture")
        expect(page).to_have_title("Puncture | Harbour Bikes")
        expect(page.get_by_role("heading", level=1)).to_have_text("Puncture")
        page.get_by_role("link", name="Tune-up").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tune-up")
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Puncture")
        assert axe(visit) == [] and visit.complaints == []
        assert len([address for address in visit.requests if "/services/" in address]) == 1, "no second page was loaded"
        page.goto(f"{site.url}/services/never-heard-of")
        expect(page.get_by_role("heading", level=1)).to_have_text("No such service")
        assert page.locator("meta[name=robots]").get_attribute("content") == "noindex"
        assert page.goto(f"{site.url}/nowhere").status == 404
        assert axe(visit) == []


def test_a_form_on_another_site_cannot_use_a_visitor(site, browser: Browser):
    form = filled()
    fields = "".join(f'<input name="{name}" value="{value}">' for name, value in form.items())
    evil = f'<form method="post" action="{site.url}/api/contact">{fields}<button>Win</button></form>'
    with visitor(browser) as visit:
        visit.page.route("http://localhost:9/", lambda route: route.fulfill(body=evil, content_type="text/html"))
        visit.page.goto("http://localhost:9/")
        with visit.page.expect_navigation():
            visit.page.get_by_role("button").click()
        expect(visit.page.get_by_role("alert")).to_have_text("The form can only be sent from this site.")
    assert stored(site, id_of(form)) == []


# The same site as a Pages project


def test_an_existing_pages_project_serves_the_same_site(tmp_path):
    ignored = shutil.ignore_patterns("node_modules", ".wrangler", ".dev.vars")
    shutil.copytree(SNIPPETS / SLUG, tmp_path / "site", ignore=ignored)
    (tmp_path / "node_modules").symlink_to(toolchain.NODE_MODULES)
    pages = tmp_path / "site" / "pages"
    (pages / ".dev.vars").write_text(f"FORM_KEY={LOCAL_KEY}\n")
    # As the example's README says, with the paths of the copy.
    migrate = ["npx", "wrangler", "d1", "migrations", "apply", "DB", "--local"]
    subprocess.run(migrate, cwd=pages, check=True, env=toolchain.node_env(), capture_output=True)
    with dev_server("npx wrangler pages dev", pages) as (url, _), httpx.Client(base_url=url, headers=PAGE) as http:
        for path in ("/", "/services/tune-up"):
            assert http.get(path).content == (PUBLIC / "index.html").read_bytes()
        gone, unknown, nothing = http.get("/assets/gone.js"), http.get("/nowhere"), http.get("/api/nothing")
        form, refused = http.get("/contact"), http.post("/api/contact", data=filled(email="x"))
        kept = [http.post("/api/contact", data=message) for message in [filled()] * 2]
        assert [(k.status_code, k.headers["location"]) for k in kept] == [(303, "/thanks")] * 2
        assert "script-src 'self'" in form.headers["content-security-policy"]
        moved = http.get("/kontakt")
        assert [r.status_code for r in (gone, unknown, nothing, form, refused, moved)] == [404, 404, 404, 200, 422, 301]
        assert gone.headers["cache-control"] == "no-store" and html(unknown).h1.text == "Page not found"
        assert refusal(nothing) == (404, "not_found")
        assert 'name="form" value="' in form.text and problem(refused)
        script = next((PUBLIC / "assets").glob("app.*.js")).name
        assert http.get(f"/assets/{script}").headers["cache-control"] == IMMUTABLE
        for response in (gone, unknown, nothing, form, refused, moved):
            for name, value in SECURITY.items():
                assert response.headers[name] == value
