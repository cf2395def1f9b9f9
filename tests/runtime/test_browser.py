"""What a visit in the browser reports, and what not."""

import os

import pytest
from playwright.sync_api import Browser

from runtime.browser import Visit
from runtime.toolchain import node
from tests.support.processes import descendants, linux

PAGE = "<!doctype html><title>page</title>"


@pytest.mark.parametrize(
    ("given_up", "complaints"), [(True, []), (False, ["failed: http://site.test/late.js net::ERR_CONNECTION_REFUSED"])]
)
def test_what_the_reader_leaves_behind_is_no_failure_and_what_the_network_refuses_is(
    browser: Browser, given_up: bool, complaints: list[str]
):
    with Visit(browser) as visit:
        visit.page.route("http://site.test/**", lambda route: route.fulfill(content_type="text/html", body=PAGE))
        visit.page.route("**/late.js", lambda route: None if given_up else route.abort("connectionrefused"))
        visit.page.goto("http://site.test/")
        with visit.page.expect_request("**/late.js"):
            visit.page.evaluate(
                "() => { document.head.append(Object.assign(document.createElement('script'), { src: 'late.js' })) }"
            )
        with visit.page.expect_event("requestfailed"):
            if given_up:
                visit.page.goto("http://site.test/next")
            visit.page.wait_for_load_state()
        visit.page.evaluate("1")
        assert [c for c in visit.complaints if c.startswith("failed")] == complaints


@linux
def test_no_other_node_than_the_installed_one_is_needed(browser: Browser):
    drivers = [line.split("\0")[0] for line in descendants(os.getpid()).values() if "run-driver" in line]
    assert {*drivers} == {str(node())}
