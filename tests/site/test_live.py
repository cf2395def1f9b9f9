"""The Send buttons, on the real `mkdocs serve` with the real runtime behind it, in real Chromium."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page

from runtime import toolchain
from runtime.browser import Visit
from runtime.site import Site
from runtime.sites import free_port
from tests.hooks.live.test_server import processes
from tests.support.eyes import WATCH_SHIFTS, axe
from tests.support.patience import PATIENCE_S, until

PAGE = "patterns/global-api-kv/"
CHAT = "uv run python snippets/realtime-durable-objects/client.py http://localhost:8787 lobby ann --say 'Anyone here?'"
MARK = f"LIVE_TEST_MARK=site-{os.getpid()}"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """`uv run mkdocs serve`, ended by SIGTERM; nothing that it started may be left."""
    port = free_port()
    name, _, value = MARK.partition("=")
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", name: value}
    command = [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"]
    server = subprocess.Popen(
        command, cwd=toolchain.ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}/"
    with server:
        try:
            until(lambda: server.poll() is not None or answers(url), what="an answer of the server")
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            said = server.communicate(timeout=PATIENCE_S)[1]
    until(lambda: processes(MARK), lambda found: found == [], "the end of all that it started")
    # A running example writes beside its code: no reason to build again and to reload the page under the reader's eyes.
    assert "Detected file changes" not in said


def answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def ready(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(".live__send:not([hidden])")


def named(what: str) -> re.Pattern[str]:
    """Return the name of a button as a pattern; a bare slash would end it in the browser."""
    return re.compile(what.replace("/", r"\/"))


def bar(page: Page, what: str) -> Locator:
    """Return the bar with the button of that name."""
    return page.locator(".live", has=page.get_by_role("button", name=named(what))).first


def answer(page: Page, of: Locator, expected: str = "Live: ") -> str:
    """Wait until the status of a bar says it, and return it."""
    status = of.get_by_role("status")
    status.filter(has_text=re.compile(expected)).wait_for()
    return status.inner_text()


def sent(page: Page, what: str, expected: str = "Live: ") -> str:
    of = bar(page, what)
    of.get_by_role("button", name=named(what)).first.click()
    return answer(page, of, expected)


def taken(page: Page) -> list[str]:
    """Return the labels of the marked arrows."""
    return page.locator("#diagram-1 .edgeLabel.is-path, #diagram-1 .messageText.is-path").all_text_contents()


def test_a_request_is_sent_edited_and_read_by_keyboard_alone(served: str, visit: Visit):
    page = visit.page
    page.add_init_script(WATCH_SHIFTS)
    ready(page, f"{served}{PAGE}#run-it")
    assert page.evaluate("window.shift") == 0
    first = bar(page, "^Send 1: PUT /v1/flags/checkout$")
    assert "Recorded with workerd" in first.inner_text()
    first.get_by_role("button", name="Send 1").focus()
    page.keyboard.press("Enter")
    said = answer(page, first)
    assert re.match(
        r"Live: 200 OK, \d+ ms, workerd [\d.]+ on this machine\. Path: 6 → 7, written to Workers KV\.", said
    )
    assert page.evaluate("document.activeElement.textContent") == "Send 1"
    assert '{"enabled":true,"rollout":25}' in first.get_by_role("region", name="Live reply").inner_text()
    assert sorted(taken(page)) == ["6 PUT flag", "7 write"]

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert first.get_by_role("button", name="Edit", exact=True).get_attribute("aria-expanded") == "true"
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type('{"enabled": true, "rollout": 1000}')
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "Path: 6, refused by the Worker" in answer(page, first, "400")
    assert page.locator("#diagram-1 .is-refused").count() == 1
    assert axe(visit) == []
    # Chromium notes the answer 400 of the example nowhere: the live layer's own answer is a 200.
    assert visit.complaints == []


def test_a_stranger_is_refused_and_the_next_request_takes_another_path(served: str, visit: Visit):
    page = visit.page
    ready(page, f"{served}{PAGE}#run-it")
    sent(page, "^Send 1: PUT /v1/flags/checkout$", "Live: 200")
    wrong = page.locator(".live").filter(has=page.locator('[data-live*="enabled"][data-live*="false"]')).first
    wrong.locator('[data-live*="false"]').first.click()
    assert "Path: 6, refused by the Worker: no valid token." in answer(page, wrong, "401")
    assert taken(page) == ["6 PUT flag"]
    assert "Path: 1 → 2 → 3, answered from Workers KV." in sent(page, "GET /v1/flags/checkout$", "200")
    assert sorted(taken(page)) == ["1 GET flag", "2 run", "3 read"]


def test_buttons_work_on_the_next_page_and_on_the_way_back(served: str, visit: Visit):
    page = visit.page
    ready(page, f"{served}{PAGE}#run-it")
    page.locator(".md-nav--primary a", has_text="Static site and API").first.evaluate("link => link.click()")
    page.get_by_role("heading", name="Static site and API", level=1).wait_for()
    page.locator("#run-it").scroll_into_view_if_needed()
    page.wait_for_selector(".live__send:not([hidden])")
    assert "Path: 1 → 2, answered from a static file: no code ran." in sent(page, "GET /services/tune-up$")
    page.evaluate("void setTimeout(() => history.back())")
    page.get_by_role("heading", name="Global API", level=1).wait_for()
    page.wait_for_selector(".live__send:not([hidden])")
    assert "Live: 200" in sent(page, "^Send 1: PUT /v1/flags/checkout$")


def test_cookies_and_tokens_are_carried_from_request_to_request(served: str, visit: Visit):
    page = visit.page
    ready(page, f"{served}patterns/fullstack-d1/#run-it")
    early = "Not sent. It needs a value from an earlier request on this page. Send that one first."
    assert sent(page, "POST /api/tasks$", "Not sent") == early
    assert "201" in sent(page, "POST /api/signup$")
    assert "200" in sent(page, "GET /api/session$")
    assert "201 Created" in sent(page, "POST /api/tasks$", "Live: ")
    assert "200 OK" in sent(page, "^Send 1: PATCH")
    assert "Path: 2 → 3 → 4, refused by the condition in the SQL" in sent(page, "^Send 2: PATCH", "412")
    assert page.context.cookies() == []


def test_values_files_and_commands_of_the_page_are_computed_here(served: str, visit: Visit):
    page = visit.page
    ready(page, f"{served}patterns/image-pipeline/#run-it")
    assert "201 Created" in sent(page, "PUT /v1/photos/cat$")
    of = bar(page, "GET …$")
    of.get_by_role("button", name=named("GET …$")).first.click()
    page.get_by_role("dialog", name="Run a command of this page?").get_by_role("button", name="Run it").click()
    assert "made by Images, for a signed address" in answer(page, of, "200")
    ready(page, f"{served}patterns/realtime-durable-objects/#run-it")
    run = bar(page, "^Run 1: uv run python")
    run.get_by_role("button", name="Run 1").click()
    question = page.get_by_role("dialog", name="Run a command of this page?")
    assert question.locator("code").inner_text() == CHAT
    page.keyboard.press("Escape")
    assert answer(page, run, "Not sent") == "Not sent. Nothing was run."
    run.get_by_role("button", name="Run 1").click()
    question.get_by_role("button", name="Run it").click()
    assert re.fullmatch(r"Live: \d+ ms, Python on this machine\.", answer(page, run))
    assert "1 ann: Anyone here?" in page.locator(".live__reply").first.inner_text()


def test_a_line_with_a_command_inside_asks_and_an_example_without_a_worker_says_python(served: str, visit: Visit):
    page = visit.page
    ready(page, f"{served}patterns/tunnel-access/#run-it")
    assert page.get_by_role("button", name=named("app.py")).count() == 0, "a server never ends"
    first = bar(page, "^Send 1: GET /$")
    first.get_by_role("button", name="Send 1").click()
    question = page.get_by_role("dialog", name="Run a command of this page?")
    assert "local_team.py person)" in question.inner_text()
    question.get_by_role("button", name="Run it").click()
    assert re.match(r"Live: 200 OK, \d+ ms, Python on this machine\.", answer(page, first))


def test_an_old_answer_is_gone_after_a_failure_and_what_was_left_out_is_named(served: str, visit: Visit):
    page = visit.page
    ready(page, f"{served}{PAGE}#run-it")
    sent(page, "^Send 1: PUT /v1/flags/checkout$", "Live: 200")
    first = bar(page, "^Send 1: PUT /v1/flags/checkout$")
    first.get_by_role("button", name="Edit", exact=True).click()
    fields = first.locator(".live__form")
    fields.get_by_label("Headers").fill("Content-Length: 1\nAuthorization: Bearer local-admin-token-0123456789abcdef")
    fields.get_by_role("button", name="Send the edited request").click()
    assert "Left out, because it is not the page's to say: Content-Length." in answer(page, first, "Left out")
    fields.get_by_label("Address").fill("http://example.com/")
    fields.get_by_role("button", name="Send the edited request").click()
    answer(page, first, "Not sent")
    assert not first.get_by_role("region", name="Live reply").is_visible() and taken(page) == []


ATTACK = """async () => {
  window.refused = [];
  addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
  const run = `fetch("/live/image-pipeline", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })`;
  const script = document.createElement("script");
  script.textContent = `window.ran = 1; ${run}`;
  document.body.append(script);
  const place = document.createElement("p");
  document.body.append(place);
  place.innerHTML = `<img src="data:image/png;base64,x" onerror="window.ran = 2"><a href="javascript:window.ran = 3">x</a>`;
  place.querySelector("a").click();
  while (window.refused.length < 3 && !window.ran) await new Promise((done) => setTimeout(done));
  return window.ran ?? "nothing ran";
}"""


def test_the_policy_of_the_hosted_site_refuses_scripts_that_a_page_brings(served: str, visit: Visit):
    visit.page.goto(f"{served}{PAGE}")
    assert visit.page.evaluate(ATTACK) == "nothing ran"
    assert not [url for url in visit.requests if "/live/image-pipeline" in url]


def test_without_javascript_a_transcript_is_plain_and_says_that_it_is_recorded(served: str, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{served}{PAGE}")
        first = visit.page.locator(".live").first
        assert re.match(r"Recorded with workerd [\d.]+ on \d{4}-\d\d-\d\d", first.inner_text())
        assert visit.page.locator(".live button:visible").count() == 0


def test_a_site_without_a_runtime_offers_nothing_and_asks_for_nothing(site: Site, visit: Visit):
    html = (site.folder / PAGE / "index.html").read_text()
    assert "Recorded with workerd" in html
    assert "data-live" not in html
    assert 'data-module="live"' not in html
    visit.page.goto(f"{site.url}{PAGE}#run-it")
    assert not [url for url in visit.requests if "/live" in url]


def test_a_runtime_that_is_gone_leaves_the_recorded_page(served: str, visit: Visit):
    page = visit.page
    answers = [
        (404, "text/html", "<h1>Not found</h1>"),
        (200, "text/html", "<h1>App</h1>"),
        (200, "application/json", '{"live": false}'),
    ]
    for status, kind, body in answers:
        page.route("**/live/status", lambda route: route.fulfill(status=status, content_type=kind, body=body))  # noqa: B023 - gone at the end of the round
        with page.expect_response("**/live/status"):
            page.goto(f"{served}{PAGE}?{status}{len(body)}#run-it")
        page.evaluate("new Promise((done) => setTimeout(done))")
        assert page.locator(".live button:visible").count() == 0
        page.unroute("**/live/status")


def test_a_hosted_runtime_gets_no_button_for_what_only_the_repository_can_compute(served: str, visit: Visit):
    page = visit.page
    hosted = {"live": True, "where": "hosted", "runtime": {"workerd": "9"}, "examples": ["image-pipeline"]}
    page.route(
        "**/live/status",
        lambda route: route.fulfill(status=200, content_type="application/json", body=json.dumps(hosted)),
    )
    busy = {"error": {"code": "busy", "message": "Too many requests. Wait a minute."}}
    page.route(
        "**/live/image-pipeline",
        lambda route: route.fulfill(status=429, content_type="application/json", body=json.dumps(busy)),
    )
    ready(page, f"{served}patterns/image-pipeline/#run-it")
    names = page.locator(".live button:visible").all_inner_texts()
    assert not page.get_by_role("button", name=named("PUT /v1/photos|GET …")).count()
    assert len(names) > 5
    assert sent(page, "GET /photos/cat/640$", "Not sent") == "Not sent. Too many requests. Wait a minute."
