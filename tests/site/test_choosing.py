"""The chooser, the overview and the pages of services, as a reader uses them in real Chromium and without JavaScript."""

import itertools
import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, expect

from model.chooser import ANY, load
from model.products import products
from runtime.browser import MOBILE, Visit
from runtime.site import Site
from tests.support.eyes import WATCH_SHIFTS, axe
from tests.support.pages import SLUGS, pattern_pages, service_ids
from tests.support.scripts import Scripts

RULES = load()
QUESTIONS = {q["id"]: [a["id"] for a in q["answers"]] for q in RULES["questions"]}
NAMES = {p["slug"]: p["name"] for p in RULES["patterns"]}
DECIDE = "guide/decide/"
SHARED = {"end": "edge", "state": "tables", "wait": "later", "who": "public", "steps": "new"}
OVERVIEW = "patterns/"


def soup(site: Site, place: str) -> BeautifulSoup:
    return BeautifulSoup((site.folder / place / "index.html").read_text(encoding="utf-8"), "html.parser")


def first(visit: Visit) -> str:
    return visit.page.locator(".chooser__first").inner_text()


def answered(visit: Visit) -> dict[str, str]:
    return visit.page.evaluate("Object.fromEntries(new FormData(document.querySelector('.chooser form')))")


def address(visit: Visit) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(visit.page.url).query).items()}


# The tables


def numbers(text: str) -> list[str]:
    """Return the slugs behind "2, 3b, 14"."""
    by_number = {name.partition(" ")[0]: slug for slug, name in NAMES.items()}
    return [by_number[number] for number in re.findall(r"\d+b?", text)]


def read_row(row: Tag) -> tuple[set[str], set[str], list[str]]:
    """Return what a row of a table gives two points, one point, and strikes."""
    _, speaks, puts_out = row.find_all("td")
    slug = lambda a: a["href"].rstrip("/").rpartition("/")[2]
    strong = {slug(a) for a in speaks.select("strong a")}
    struck = [s for line in puts_out.get_text("\n").split("\n") if ":" in line for s in numbers(line.partition(":")[0])]
    return strong, {slug(a) for a in speaks.find_all("a")} - strong, struck


def test_whoever_counts_points_in_the_tables_gets_what_the_chooser_recommends(site: Site, scripts: Scripts):
    page = soup(site, DECIDE)
    tables = [page.select(f"h3[id^='{number}-'] ~ div table, h3[id^='{number}-'] ~ table")[0] for number in range(1, 6)]
    rows = {
        q: dict(zip(answers[:-1], map(read_row, table.select("tbody tr")), strict=True))
        for (q, answers), table in zip(QUESTIONS.items(), tables, strict=True)
    }
    assert [r.find("strong").get_text() for t in tables for r in t.select("tbody td:first-child")] == [
        a["label"] for q in RULES["questions"] for a in q["answers"] if a["id"] != ANY
    ]
    for card in page.select(".fact__card"):
        card.decompose()
    [order] = [p.get_text() for p in page.find_all("p") if "stands first in this list" in p.get_text()]
    places = {slug: order.index(name.partition(" · ")[2]) for slug, name in NAMES.items()}
    combinations = [dict(zip(QUESTIONS, c, strict=True)) for c in itertools.product(*QUESTIONS.values())]
    assert len(combinations) == 5184
    recommended = scripts.each("decide.js", "evaluate", RULES, *((answers,) for answers in combinations))
    for answers, result in zip(combinations, recommended, strict=True):
        given = [rows[q][a] for q, a in answers.items() if a != ANY]
        best = min(
            places,
            key=lambda s: (
                sum(struck.count(s) for _, _, struck in given),
                -sum(2 * (s in two) + (s in one) for two, one, _ in given),
                places[s],
            ),
        )
        assert best == result["first"], answers


def test_the_form_and_its_rules_need_no_inline_script_or_style(site: Site):
    chooser = soup(site, DECIDE).select_one(".chooser")
    assert chooser.find_all("script") == []
    assert json.loads(chooser.find("template").get_text())["questions"] == json.loads(json.dumps(RULES["questions"]))
    for element in [chooser, *chooser.find_all(True)]:
        assert element.name != "style" and not [
            name for name in element.attrs if name == "style" or name.startswith("on")
        ]


def test_without_javascript_the_tables_stand_there_and_no_form_pretends_to_work(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(site.url + DECIDE)
        assert not visit.page.locator(".chooser").is_visible()
        assert visit.page.get_by_text("The form needs JavaScript.").is_visible()
        assert (
            visit.page.locator("article table").count() >= 6 and visit.page.locator("article table").first.is_visible()
        )
        visit.page.goto(site.url + OVERVIEW)
        assert not visit.page.locator(".filter").is_visible()
        assert visit.page.locator(".overview tbody tr").count() == len(SLUGS)


# The chooser


def test_the_chooser_is_answered_by_keyboard_alone_and_says_the_result_aloud(site: Site, visit: Visit):
    visit.page.goto(site.url + DECIDE)
    press, status = visit.page.keyboard.press, visit.page.locator(".chooser [role=status]")
    expect(status).to_have_text("Answer one question, and the result stands below.")
    visit.page.locator("input[name=end]").first.focus()
    press("Space")
    expect(status).to_contain_text("1 of 5 answered. First choice: 2 · Static site and API, 3 runners-up.")
    for question, steps in (("state", 2), ("wait", 1), ("who", 0), ("steps", 1)):
        press("Tab")
        press("Space")
        for _ in range(steps):
            press("ArrowDown")
        focused = "document.activeElement.name === '%s' && document.activeElement.checked"
        assert visit.page.evaluate(focused % question), question
        assert visit.page.evaluate("getComputedStyle(document.activeElement.closest('label')).outlineStyle") == "solid"
    assert answered(visit) == address(visit) == SHARED
    expect(status).to_contain_text("5 of 5 answered. First choice: 8 · Full-stack app with D1, 3 runners-up.")
    press("Tab")
    press("Enter")
    assert visit.page.evaluate("document.activeElement.classList.contains('chooser__result')")
    press("Tab")
    assert visit.page.evaluate("document.activeElement.href").endswith("/patterns/fullstack-d1/")
    assert visit.complaints == []


@pytest.mark.parametrize(
    "answers",
    [SHARED, {"who": "staff"}, {"end": "outside", "state": "none", "who": "public"}, {"end": "any", "steps": "any"}],
    ids=["five answers", "one answer", "answers that contradict each other", "only open answers"],
)
def test_a_shared_address_shows_the_result_with_runners_up_and_why_the_others_fell_out(
    site: Site, visit: Visit, scripts: Scripts, answers: dict
):
    visit.page.add_init_script(WATCH_SHIFTS)
    visit.page.goto(f"{site.url}{DECIDE}?{urlencode(answers)}", wait_until="networkidle")
    wanted = scripts.recommendation(RULES, answers)
    assert first(visit) == NAMES[wanted["first"]]
    result = visit.page.locator(".chooser__result")
    expect(result).to_contain_text(next(p["description"] for p in RULES["patterns"] if p["slug"] == wanted["first"]))
    assert result.locator("h3 + ul a").all_inner_texts() == [NAMES[slug] for slug in wanted["next"]]
    assert result.locator("dt").all_inner_texts() == [NAMES[entry["slug"]] for entry in wanted["rest"]]
    for _, why in [w for entry in wanted["rest"] for w in entry["against"]] + wanted["against"]:
        expect(result).to_contain_text(why)
    assert (result.locator("h3").first.inner_text() == "First choice") == (not wanted["against"])
    expect(visit.page.locator(".chooser__notice")).to_be_hidden()
    assert visit.page.evaluate("window.shift") == 0
    assert visit.complaints == []


def test_the_answers_survive_reload_a_visit_to_the_pattern_and_the_way_back(site: Site, visit: Visit):
    shared = f"{site.url}{DECIDE}?{urlencode(SHARED)}"
    visit.page.goto(shared, wait_until="networkidle")
    visit.page.reload(wait_until="networkidle")
    assert (first(visit), answered(visit)) == ("8 · Full-stack app with D1", SHARED)
    for _ in range(2):
        visit.page.locator(".chooser__first a").click()
        visit.page.wait_for_url(f"{site.url}patterns/fullstack-d1/")
        visit.page.evaluate("void setTimeout(() => history.back())")
        visit.page.wait_for_url(shared)
        visit.page.locator(".chooser__first").wait_for()
        assert visit.page.url == shared and answered(visit) == SHARED
        assert first(visit) == "8 · Full-stack app with D1"
    visit.page.get_by_role("button", name="Start again").click()
    assert (address(visit), answered(visit)) == ({}, {})
    assert visit.page.locator(".chooser__result").inner_text() == ""
    assert visit.complaints == []


def test_what_is_no_answer_in_an_address_is_named_and_ignored(site: Site, visit: Visit):
    visit.page.goto(f"{site.url}{DECIDE}?end=%3Cimg%20src%3Dx%3E&state=tables&wait=all&wait=later&utm_source=mail")
    notice = visit.page.locator(".chooser__notice")
    expect(notice).to_be_visible()
    expect(notice).to_have_text(
        "The address holds what is no answer here, and it is ignored: end=<img src=x>, wait=all, wait=later."
    )
    assert answered(visit) == {"state": "tables"} and first(visit) == "8 · Full-stack app with D1"
    visit.page.locator("input[name=who][value=public]").check()
    expect(notice).to_be_hidden()
    assert address(visit) == {"state": "tables", "who": "public", "utm_source": "mail"}
    assert visit.complaints == []


def test_the_result_can_be_copied_as_an_address(site: Site, browser: Browser):
    with Visit(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.goto(f"{site.url}{DECIDE}?{urlencode(SHARED)}")
        visit.page.get_by_role("button", name="Copy the address").click()
        expect(visit.page.locator(".chooser [role=status]")).to_have_text("The address is copied.")
        assert visit.page.evaluate("navigator.clipboard.readText()") == visit.page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_result_is_accessible_and_fits_a_telephone(site: Site, browser: Browser, scheme: str):
    with Visit(browser, viewport=MOBILE, color_scheme=scheme, reduced_motion="reduce") as visit:
        visit.page.goto(f"{site.url}{DECIDE}?{urlencode(SHARED)}&end=wrong")
        visit.page.locator(".chooser__first").wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth") == MOBILE["width"]
        assert axe(visit) == []
        assert visit.page.locator(".chooser [style], .filter [style]").count() == 0
        visit.page.goto(f"{site.url}{OVERVIEW}?service=kv&need=free")
        assert visit.page.evaluate("document.documentElement.scrollWidth") == MOBILE["width"]
        assert axe(visit) == []


def test_a_focused_answer_is_not_hidden_by_the_bar_with_the_result(site: Site, browser: Browser):
    with Visit(browser, viewport=MOBILE) as visit:
        visit.page.goto(f"{site.url}{DECIDE}?{urlencode(SHARED)}")
        visit.page.locator("input[name=end]").first.focus()
        for _ in range(8):
            visit.page.keyboard.press("ArrowDown")
            assert visit.page.evaluate(
                "(() => { const box = document.activeElement.getBoundingClientRect();"
                " return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === document.activeElement; })()"
            )


def test_only_the_page_of_a_helper_loads_its_script(site: Site, visit: Visit):
    for place, wanted in (("", set()), (DECIDE, {"decide.js"}), (OVERVIEW, {"overview.js"}), ("services/kv/", set())):
        visit.requests.clear()
        visit.page.goto(site.url + place, wait_until="networkidle")
        loaded = {
            re.sub(r"\.[0-9a-f]{8}(?=\.js$)", "", u.rpartition("/")[2]) for u in visit.requests if u.endswith(".js")
        }
        assert loaded & {"decide.js", "overview.js"} == wanted, place


# All patterns, and the pages of services


def test_the_overview_says_what_the_front_matter_says(site: Site):
    rows = soup(site, OVERVIEW).select(".overview tbody tr")
    assert [row["id"] for row in rows] == list(SLUGS)
    states = {}
    for row in rows:
        page = next(p for p in pattern_pages() if p.slug == row["id"])
        head, [state, exposure, plan, services] = row.find("th"), row.find_all("td")
        assert (
            head.a["href"].endswith(f"{page.slug}/")
            and head.a.get_text() == f"{page.meta['pattern']} · {page.meta['title']}"
        )
        assert head.span.get_text() == page.meta["description"]
        assert states.setdefault(page.meta["state"], state.get_text()) == state.get_text()
        assert (
            exposure.get_text()
            == {"public": "Public", "private": "Private", "egress": "Way out"}[page.meta["exposure"]]
        )
        assert plan.get_text() == page.meta["plan"]
        assert [a.get_text() for a in services.find_all("a")] == [products()[s]["name"] for s in page.meta["services"]]
        assert [a["href"].rstrip("/").rpartition("/")[2] for a in services.find_all("a")] == page.meta["services"]
    assert len(set(states.values())) == len(states)


def test_the_overview_is_filtered_by_service_and_need_and_the_choice_can_be_sent(
    site: Site, browser: Browser, visit: Visit
):
    visit.page.goto(site.url + OVERVIEW)
    shown = lambda v: v.page.evaluate(
        "[...document.querySelectorAll('.overview tbody tr')].filter((r) => r.checkVisibility()).map((r) => r.id)"
    )
    meta = {p.slug: p.meta for p in pattern_pages()}
    service, need = visit.page.get_by_label("Service"), visit.page.get_by_label("Need")
    assert service.locator("option").count() == len(service_ids()) + 1
    service.select_option(label="Workers KV")
    assert shown(visit) == [slug for slug in SLUGS if "kv" in meta[slug]["services"]]
    need.select_option(label="Tables")
    assert shown(visit) == [
        slug for slug in SLUGS if "kv" in meta[slug]["services"] and meta[slug]["state"] == "relational"
    ]
    assert address(visit) == {"service": "kv", "need": "relational"}
    with Visit(browser) as colleague:
        colleague.page.goto(visit.page.url, wait_until="networkidle")
        assert shown(colleague) == shown(visit) != []
    need.select_option(label="Way out")
    assert shown(visit) == []
    expect(visit.page.locator(".filter [role=status]")).to_have_text("No pattern has both. Take one choice back.")
    service.select_option(label="any")
    assert shown(visit) == [slug for slug in SLUGS if meta[slug]["exposure"] == "egress"]
    visit.page.goto(f"{site.url}{OVERVIEW}?service=gone&need=%3Cb%3E", wait_until="networkidle")
    assert shown(visit) == list(SLUGS)
    assert visit.complaints == []


def test_every_service_that_a_pattern_uses_has_a_page_and_the_list_leads_there(soups: dict[str, BeautifulSoup]):
    page = soups["services/"]
    patterns = sorted(pattern_pages(), key=lambda p: SLUGS.index(p.slug))
    rows = {row.find("a")["href"].strip("/").rpartition("/")[2]: row for row in page.select("article tbody tr")}
    assert sorted(rows) == service_ids()
    for name, row in rows.items():
        wanted = [p.slug for p in patterns if name in p.meta["services"]]
        links = row.find_all("td")[2].find_all("a")
        assert [a["href"].rstrip("/").rpartition("/")[2] for a in links] == wanted, name


def test_a_service_page_names_job_patterns_limits_and_the_former_name(soups: dict[str, BeautifulSoup]):
    patterns = pattern_pages()
    for name in service_ids():
        page, entry = soups[f"services/{name}/"], products()[name]
        text = page.select_one("article").get_text(" ", strip=True)
        assert page.h1.find(string=True).strip() == entry["name"]
        assert entry["job"] in text and entry.get("formerly", "") in text
        links = [a.get("href", "") for a in page.select("article a")]
        assert any(link.endswith(f"reference/limits/#{name}") for link in links) or "no figure of it" in text, name
        assert entry["url"] in links
        for pattern in patterns:
            in_table = any(
                a["href"].endswith(f"/patterns/{pattern.slug}/") for a in page.select("tbody td:first-child a")
            )
            assert in_table == (name in pattern.meta["services"]), f"{name}: {pattern.slug}"


def test_the_home_page_leads_to_the_chooser_and_to_all_patterns_before_its_table(site: Site):
    home = soup(site, "").select_one("article")
    table = home.find("table")
    for target in ("guide/decide/", "patterns/"):
        assert any(a["href"] == target for a in table.find_all_previous("a") if a in home.find_all("a")), target
