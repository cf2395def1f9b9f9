"""The rules of the chooser: every combination of answers ends in a recommendation, the same in Python and in the browser."""

import copy
import itertools
import json
import re
import subprocess
from dataclasses import replace

import pytest
import yaml
from mkdocs.exceptions import PluginError

from hooks.catalogue import patterns
from hooks.decide import ANY, ROOT, RULES, evaluate, form, load, resolve
from tests.harness.patience import PATIENCE_S
from tools import toolchain

RAW = yaml.safe_load(RULES.read_text(encoding="utf-8"))
PAGES = {page.slug: page for page in patterns() if not page.draft}
LOADED = load()
QUESTIONS = [question["id"] for question in LOADED["questions"]]
COMBINATIONS = [
    dict(zip(QUESTIONS, combination, strict=True))
    for combination in itertools.product(*([a["id"] for a in q["answers"]] for q in LOADED["questions"]))
]
RESULTS = [evaluate(LOADED, answers) for answers in COMBINATIONS]
SCRIPT = """
const { evaluate, read, write } = await import(process.argv[1]);
const { rules, combinations, searches } = JSON.parse(await new Response(process.stdin).text());
const trips = combinations.map((answers) => read(rules, write(rules, answers, "?utm=x&end=edge&end=server")));
console.log(JSON.stringify({
  results: combinations.map((answers) => evaluate(rules, answers)),
  trips,
  addresses: combinations.slice(0, 1).concat({}).map((answers) => write(rules, answers, "?utm=x&end=edge")),
  read: searches.map((search) => read(rules, search)),
}));
"""
SEARCHES = {
    "": ({}, []),
    "?end=edge&who=public": ({"end": "edge", "who": "public"}, []),
    "?end=cloud&who=public": ({"who": "public"}, ["end=cloud"]),
    "?end=edge&end=server": ({}, ["end=edge", "end=server"]),
    "?end=__proto__&state=constructor": ({}, ["end=__proto__", "state=constructor"]),
    "?end=&state=%00": ({}, ["end=", "state=\x00"]),
    "?who=%3Cimg%20src%3Dx%3E": ({}, ["who=<img src=x>"]),
    "?utm_source=mail&service=kv": ({}, []),
    "?END=edge": ({}, []),
}


@pytest.fixture(scope="module")
def browser_side() -> dict:
    """What docs/assets/decide.js says to the same rules and answers, in Node."""
    toolchain.install()
    given = {"rules": LOADED, "combinations": COMBINATIONS, "searches": list(SEARCHES)}
    done = subprocess.run(
        [toolchain.node(), "--input-type=module", "-e", SCRIPT, "--", ROOT / "docs" / "assets" / "decide.js"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_there_are_five_questions_and_each_may_be_left_open():
    assert len(QUESTIONS) == 5
    for question in LOADED["questions"]:
        answers = [answer["id"] for answer in question["answers"]]
        assert answers.count(ANY) == 1 and answers[-1] == ANY and len(answers) == len(set(answers))
        last = question["answers"][-1]
        assert not (last["strong"] or last["fits"] or last["out"]), f"{question['id']}: an open answer says nothing"


def test_every_combination_ends_in_one_recommendation_and_accounts_for_every_pattern():
    assert len(COMBINATIONS) == len(RESULTS) >= 5000
    for answers, result in zip(COMBINATIONS, RESULTS, strict=True):
        named = [result["first"], *result["next"], *(entry["slug"] for entry in result["rest"])]
        assert sorted(named) == sorted(PAGES), answers
        assert len(result["next"]) <= 3, answers


def test_no_pattern_is_unreachable_also_when_every_question_is_answered():
    clear = [
        r["first"] for a, r in zip(COMBINATIONS, RESULTS, strict=True) if ANY not in a.values() and not r["against"]
    ]
    assert set(clear) == set(PAGES), "let an answer of docs/data/decide.yml speak for it"


def test_a_pattern_that_an_answer_puts_out_never_wins_over_one_that_no_answer_puts_out():
    for answers, result in zip(COMBINATIONS, RESULTS, strict=True):
        objections = {entry["slug"]: len(entry["against"]) for entry in result["rest"]}
        assert all(len(result["against"]) <= number for number in objections.values()), answers


def test_who_falls_out_knows_the_answer_that_did_it():
    for answers, result in zip(COMBINATIONS, RESULTS, strict=True):
        for entry in result["rest"]:
            for question, why in entry["against"]:
                answer = next(
                    a
                    for q in LOADED["questions"]
                    if q["id"] == question
                    for a in q["answers"]
                    if a["id"] == answers[question]
                )
                assert [why, entry["slug"]] in [[w, s] for w, slugs in answer["out"] for s in slugs], (answers, entry)


def test_an_open_answer_counts_like_no_answer():
    for answers, result in zip(COMBINATIONS, RESULTS, strict=True):
        assert evaluate(LOADED, {q: a for q, a in answers.items() if a != ANY}) == result, answers


def test_the_browser_recommends_the_same_for_every_combination(browser_side: dict):
    assert browser_side["results"] == RESULTS


def test_an_address_holds_the_answers_and_keeps_what_is_not_ours(browser_side: dict):
    assert browser_side["trips"] == [{"answers": answers, "refused": []} for answers in COMBINATIONS]
    assert browser_side["addresses"] == ["?utm=x&end=edge&state=none&wait=all&who=public&steps=keep", "?utm=x"]


@pytest.mark.parametrize("search", SEARCHES)
def test_an_address_with_what_is_no_answer_loses_only_that(browser_side: dict, search: str):
    answers, refused = SEARCHES[search]
    assert browser_side["read"][list(SEARCHES).index(search)] == {"answers": answers, "refused": refused}


@pytest.mark.parametrize(
    ("situation", "answers", "first"),
    [
        ("a shop on one server", "server any all public keep", "proxy-website"),
        ("a shop whose customers send photos", "server files later public keep", "r2-uploads"),
        ("the same application in two clouds", "servers any all public keep", "hybrid-origins"),
        ("a documentation site", "edge none all public new", "static-site-api"),
        ("feature flags", "edge lookup all public new", "global-api-kv"),
        ("an API for our own cron jobs", "edge tables all machines new", "private-machine-api"),
        ("the same, in front of a private network", "private any all machines keep", "private-machine-api"),
        ("a chat", "edge shared watch public new", "realtime-durable-objects"),
        ("tables that people watch", "edge tables watch public new", "realtime-durable-objects"),
        ("thumbnails of a catalogue", "edge pictures all public new", "image-pipeline"),
        ("a request that sends mail", "edge any later public keep", "background-queues"),
        ("a new app with orders and customers", "edge tables later public new", "fullstack-d1"),
        ("new code over our PostgreSQL", "edge database all public keep", "hyperdrive-database"),
        ("a wiki in the data center", "private any all staff keep", "tunnel-access"),
        ("an admin page on our server", "server any all staff keep", "tunnel-access"),
        ("what staff open on the Internet", "outside any any egress keep", "secure-egress"),
        ("VPN, proxy and branches together", "private any any staff company", "sase-enterprise"),
        ("extensions that customers write", "edge tables all tenants new", "multi-tenant-platform"),
        ("questions to our manuals", "edge meaning later public new", "edge-ai-rag"),
        ("the same, for staff", "edge meaning all staff new", "edge-ai-rag"),
        ("a public site on a server without an open port", "private any all public keep", "proxy-website"),
    ],
)
def test_a_known_situation_gets_the_pattern_that_its_page_describes(situation: str, answers: str, first: str):
    result = evaluate(LOADED, dict(zip(QUESTIONS, answers.split(), strict=True)))
    assert (result["first"], result["against"]) == (first, []), situation


def test_a_recommendation_agrees_with_the_front_matter_of_the_page():
    exposures = {
        "public": {"public"},
        "machines": {"private", "public"},
        "staff": {"private", "public"},
        "egress": {"egress", "private"},
    }
    states = {
        "none": {"none"},
        "lookup": {"read-heavy"},
        "tables": {"relational"},
        "database": {"relational"},
        "shared": {"coordinated"},
        "files": {"objects"},
        "pictures": {"objects"},
        "meaning": {"vectors"},
    }
    seen = 0
    for answers, result in zip(COMBINATIONS, RESULTS, strict=True):
        if result["against"]:
            continue
        page = PAGES[result["first"]]
        if answers["who"] in exposures and answers["end"] != "outside":
            assert page.exposure in exposures[answers["who"]], (answers, page.slug)
        if (answers["end"], answers["who"], answers["wait"]) == ("edge", "public", "all") and answers[
            "state"
        ] in states:
            assert page.state in states[answers["state"]], (answers, page.slug)
            seen += 1
    assert seen == len(states) * len(LOADED["questions"][QUESTIONS.index("steps")]["answers"])


def test_contradicting_answers_still_get_the_nearest_pattern_and_hear_what_speaks_against_it():
    result = evaluate(LOADED, {"end": "outside", "state": "none", "wait": "all", "who": "public", "steps": "new"})
    assert result["against"] and all(entry["against"] for entry in result["rest"])


def test_every_reason_and_every_meaning_is_a_sentence():
    for question in LOADED["questions"]:
        assert question["ask"].endswith("?") and question["hint"].endswith(".")
        for answer in question["answers"]:
            texts = [answer["means"], *(why for why, _ in answer["out"])]
            assert all(re.fullmatch(r"[A-Z][^|<>]+\.", text) for text in texts), answer["id"]
            assert len({why for why, _ in answer["out"]}) == len(answer["out"]), answer["id"]


def test_the_short_names_are_those_of_the_navigation():
    nav = dict(re.findall(r"- (\S+ · .+): patterns/([a-z0-9-]+)\.md", (ROOT / "mkdocs.yml").read_text()))
    assert {f"{page.number} · {RAW['order'][page.slug]}": page.slug for page in patterns()} == nav


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw["order"].pop("fullstack-d1"), "order must name each pattern once; look at fullstack-d1"),
        (lambda raw: raw["order"].update({"new-one": "New"}), "look at new-one"),
        (
            lambda raw: raw["questions"][0]["answers"][0]["fits"].append("gone"),
            "question end, answer edge: unknown pattern gone",
        ),
        (lambda raw: raw["questions"][0]["answers"][0]["fits"].append("hybrid-origins"), "names hybrid-origins twice"),
        (
            lambda raw: raw["questions"][1]["answers"][0]["out"][0]["patterns"].append("typo"),
            "question state, answer none: unknown",
        ),
    ],
    ids=[
        "a pattern is missing",
        "a pattern is unknown",
        "a misspelt pattern",
        "for and against at once",
        "a misspelt objection",
    ],
)
def test_broken_rules_stop_the_build_with_their_place(change, message: str):
    raw = copy.deepcopy(RAW)
    change(raw)
    with pytest.raises(PluginError, match=message):
        resolve(raw, patterns())


def test_a_draft_has_its_place_in_the_rules_and_is_recommended_to_nobody():
    draft = "global-api-kv"
    pages = [
        replace(page, draft="The failures are still to be written.") if page.slug == draft else page
        for page in patterns()
    ]
    rules = resolve(RAW, pages)
    assert draft not in str(rules) and draft in str(LOADED)
    assert evaluate(rules, {"state": "lookup"})["first"] != draft


def test_the_form_cannot_be_left_by_a_text_in_the_rules():
    rules = copy.deepcopy(LOADED)
    rules["questions"][0]["answers"][0]["means"] = "</template><script>1</script><b>x</b>"
    page = form(rules, dict.fromkeys(PAGES, "/"))
    assert (
        page.count("<template>") == page.count("</template>") == 1 and "<script" not in page and "<b>x</b>" not in page
    )
