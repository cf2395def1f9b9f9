"""Each transcript can be sent from its page, and each answer names arrows that the diagram has."""

import re

import pytest
from bs4 import BeautifulSoup

from model.diagrams import DRAWN, fences, key
from model.transcripts.arrows import load
from model.transcripts.commands import transcripts
from model.transcripts.curl import Unsendable, requests, substitutions
from runtime.setups import EXAMPLES
from tests.support.pages import every_page
from tests.support.scripts import Scripts

CURLS = [
    (page, example, command)
    for page in every_page()
    for example, commands in transcripts(page.text, page.place, page.slug)
    for command in commands
    if command.text.startswith("curl ")
]
# Example and reason of each transcript without a button.
NO_BUTTON = [("static-site-api", "sends a file of the repository as a form")]
URL = "http://localhost:8787"
KEYS = {"method", "status", "path", "code", "header", "body", "steps", "refused", "answered"}


def test_every_curl_has_a_button_but_for_a_short_list_with_reasons():
    without = []
    for _, example, command in CURLS:
        try:
            assert requests(command.text)
        except Unsendable as reason:
            without.append((example, str(reason)))
    assert without == NO_BUTTON
    assert len(CURLS) >= 90


def test_every_curl_that_the_tests_run_is_one_of_an_example_that_can_be_started():
    assert {example for _, example, _ in CURLS} <= {s for s, setup in EXAMPLES.items() if setup.folders or setup.server}


@pytest.mark.parametrize(
    ("line", "method", "url", "headers", "body"),
    [
        (f"curl -si {URL}/a", "GET", "/a", [], ""),
        (
            f"curl -s {URL}/a -d x=1 -d y=2",
            "POST",
            "/a",
            [["Content-Type", "application/x-www-form-urlencoded"]],
            "x=1&y=2",
        ),
        (f"curl -s -X PATCH {URL}/a \\\n    -H 'A: b:c'", "PATCH", "/a", [["A", "b:c"]], ""),
        (f"curl -s -G {URL}/a --data-urlencode 'q=a&b c'", "GET", "/a?q=a%26b%20c", [], ""),
        (f"curl -sI {URL}/a", "HEAD", "/a", [], ""),
        (f"curl -s -r 0-9 -o /dev/null -w '%{{http_code}}\\n' {URL}/a", "GET", "/a", [["Range", "bytes=0-9"]], ""),
        (f'curl -s "{URL}/a/\\\nb"', "GET", "/a/b", [], ""),
        (
            f'curl {URL}/a -H "T: $(uv run python x.py \\\n    ann)"',
            "GET",
            "/a",
            [["T", "$(uv run python x.py ann)"]],
            "",
        ),
    ],
)
def test_a_curl_line_is_read_as_curl_reads_it(line: str, method: str, url: str, headers: list[list[str]], body: str):
    assert requests(line) == [{"method": method, "url": url, "headers": headers, "body": body}]


def test_json_sets_both_types_and_the_method():
    (made,) = requests(f"curl {URL}/a --json '{{}}'")
    assert (made["method"], made["headers"]) == (
        "POST",
        [["Content-Type", "application/json"], ["Accept", "application/json"]],
    )


def test_what_sed_takes_from_a_reply_reaches_the_next_request():
    first, second = requests(
        f'curl -s {URL}/form | sed -n \'s/.*name="form" value="\\([^"]*\\)".*/form=\\1/p\' | (sleep 2; cat) | curl -s {URL}/send -d @- -d a=b'
    )
    assert re.search(first["capture"]["pattern"], '<input name="form" value="t(1)">')[1] == "t(1)"
    assert (first["capture"]["name"], first["capture"]["template"]) == ("-", "form=\\1")
    assert (second["body"], second["wait_s"]) == ("{{-}}&a=b", 2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"curl {URL}/ --proxy x", "uses curl's --proxy"),
        ("curl https://example.com/", "calls another address"),
        (f"curl {URL}/ | grep x", "pipes through grep"),
        (f"curl {URL}/ -d @-", "sends what a program"),
        (f"curl {URL}/a {URL}/b", "uses curl's http"),
        (f"curl {URL}/ | sed 's/a/b/g'", "more of sed"),
    ],
)
def test_what_a_page_cannot_send_is_refused_with_the_reason(line: str, reason: str):
    with pytest.raises(Unsendable, match=re.escape(reason)):
        requests(line)


def test_a_substitution_is_found_over_line_breaks():
    assert substitutions('curl -d "a=$(printf \'a%.0s\' {1..4})" -H "$( \\\n  uv run python x.py)"') == [
        "$(printf 'a%.0s' {1..4})",
        "$( uv run python x.py)",
    ]


def test_every_rule_names_arrows_that_the_diagram_has():
    pages = {p.slug: p for p in every_page()}
    for slug, rules in load().items():
        source = fences(pages[slug].text)[0][1]
        drawn = BeautifulSoup((DRAWN / f"{key(source)}.svg").read_text(), "html.parser")
        arrows = {int(n) for n in re.findall(r'[|:]\s*"?(\d+) ', source)}
        labels = [
            int(found[1])
            for e in drawn.select(".edgeLabel, .messageText")
            if (found := re.match(r"(\d+) ", e.text.strip()))
        ]
        # The script pairs the two by their order.
        assert len(labels) == len(drawn.select(".flowchart-link, .messageLine0, .messageLine1")) == len(arrows), slug
        assert set(labels) == arrows, slug
        for rule in rules:
            assert rule.keys() <= KEYS, rule
            assert ("refused" in rule) != ("answered" in rule), rule
            assert set(rule["steps"]) <= arrows, f"{slug}: {rule['steps']}"
        assert {"refused", "answered"} <= {k for rule in rules for k in rule}, slug


def test_every_pattern_with_a_button_has_rules():
    assert {example for _, example, _ in CURLS} == set(load())


def test_the_first_rule_that_fits_counts(scripts: Scripts):
    answers = [
        ("PUT", "/v1/flags/a", 401, ""),
        ("GET", "/v1/flags/a", 404, '{"error":{"code":"flag_not_found"}}'),
        ("GET", "/v1/flags/a", 404, "no JSON"),
        ("GET", "/", 599, ""),
    ]
    calls = [({"method": m, "url": url}, {"status": s, "headers": [], "body": body}) for m, url, s, body in answers]
    found = scripts.each("live.js", "find", load()["global-api-kv"], *calls)
    assert [rule and rule["steps"] for rule in found] == [[6], [1, 2, 3], [1, 2], None]
