"""The built site on Workers Static Assets, in workerd: headers, caching, compression, redirects, the page for a wrong address.

The same files on a plain static server: they work too, without the headers.
"""

import datetime
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from hooks.publish.assets import Renaming, names
from hooks.publish.headers import (
    FIXED,
    HASHED,
    IMMUTABLE,
    LINE,
    RULES,
    digest,
    inline,
    parse,
    policy,
    rules,
    text,
)
from hooks.publish.moved import redirects, write
from model.facts import ROOT, load
from model.files import GuideError
from model.moved import load as moved_pages
from model.moved import parse as moves
from runtime.browser import Visit
from runtime.site import Site, serve
from runtime.workers import Example, Runtime, dry_run
from tools.hosting import __main__ as host
from tools.hosting.__main__ import public_address

MOVED = {
    "patterns/kv-at-the-edge/": "patterns/global-api-kv/",
    "guide/traps/": "guide/mistakes/#16-a-health-check-that-cannot-fail",
}
KINDS = (
    "",
    "patterns/",
    "patterns/global-api-kv/",
    "guide/decide/",
    "guide/mistakes/",
    "guide/choose-data-product/",
    "reference/limits/",
    "services/kv/",
)
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`));
"""

# Waits for what a page loads after itself, and says how much that is.
MODULES = """(async () => {
  const wanted = new Set([...document.querySelectorAll("[data-module]")].map((e) => e.dataset.module)).size;
  while (Object.keys(window.modules ?? {}).length < wanted) await new Promise((done) => setTimeout(done));
  return new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(wanted))));
})()"""


@pytest.fixture(scope="module")
def folder(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real configuration beside the real build, to which two pages that moved are added."""
    folder = tmp_path_factory.mktemp("hosted")
    shutil.copytree(ROOT / "hosting", folder / "hosting", ignore=lambda *_: {"live", ".wrangler"})
    shutil.copytree(site.folder, folder / "site")
    write(folder / "site", {**moved_pages(), **MOVED}, site.url)
    return folder


@pytest.fixture(scope="module")
def hosted(folder: Path, runtime: Runtime) -> Iterator[Example]:
    with runtime.example(folder / "hosting") as example:
        yield example


@pytest.fixture
def reader(browser: Browser) -> Iterator[Visit]:
    """A reader of the hosted site, whose browser reports each breach of the Content-Security-Policy."""
    with Visit(browser) as visit:
        visit.context.add_init_script(WATCH)
        yield visit


def search(visit: Visit, words: str) -> Locator:
    """Search as a reader does and return what is found, once it is there."""
    visit.page.get_by_role("button", name="Search").click()
    visit.page.get_by_role("combobox", name="Search").fill(words)
    found = visit.page.get_by_role("dialog").get_by_role("option")
    found.first.wait_for()
    return found


def built(site: Site) -> list[str]:
    return sorted(p.relative_to(site.folder).as_posix() for p in site.folder.rglob("*") if p.is_file())


# Headers


def test_every_page_comes_with_the_headers(hosted: Example, site: Site):
    assert len(site.pages()) > 70
    for place in site.pages():
        answer = hosted.http.get(f"/{place}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), place
        assert {name: answer.headers[name] for name in FIXED} == FIXED, place
        assert answer.headers["cache-control"] == "public, max-age=0, must-revalidate", place


def test_scripts_need_a_hash_and_nothing_is_unsafe(hosted: Example):
    directives = dict(d.split(" ", 1) for d in hosted.http.get("/").headers["content-security-policy"].split("; "))
    assert "unsafe" not in str(directives)
    assert len(re.findall(r"'sha256-[A-Za-z0-9+/]{43}='", directives["script-src"])) >= 4
    assert directives["default-src"] == directives["connect-src"] == "'self'"
    assert {d for d in directives if directives[d] == "'none'"} == {"base-uri", "frame-ancestors", "object-src"}
    assert directives["form-action"] == "'self'"


def test_every_inline_script_of_every_page_is_in_the_policy(site: Site):
    rule = parse((site.folder / "_headers").read_text())["/*"]["Content-Security-Policy"]
    for path in site.folder.rglob("*.html"):
        html = path.read_text()
        scripts = inline(html)
        assert scripts or "This page moved" in html, path
        assert all(digest(script) in rule for script in scripts) and "<style" not in html, path
        assert not re.findall(
            r"<[^>]+\s(?:style|on[a-z]+)=", re.sub(r"<(script|pre)\b.*?</\1>", "", html, flags=re.S)
        ), path


def test_only_scripts_that_run_are_in_the_policy():
    page = "<script>a()</script><script src=x.js></script><script type=application/json>{}</script>"
    assert inline(page) == {"a()"}
    assert digest("a() ") not in policy(inline(page)), "one more space is another script"
    assert "'unsafe" not in policy(inline(page))


@pytest.mark.parametrize(
    "script", ["alert(1)", '__md_scope=new URL("..",location),alert(1)', 'mermaid.initialize({});alert("")', ""]
)
def test_an_inline_script_that_nobody_listed_stops_the_build(tmp_path: Path, script: str):
    (tmp_path / "a.html").write_text(f"<p>x</p><script>{script}</script>")
    with pytest.raises(GuideError, match=r"a\.html: the inline script .* may not run\. Remove it; or, if the theme"):
        rules(tmp_path)


def test_rules_that_the_platform_would_not_read_stop_the_build():
    assert (load()["assets-headers-rules"].value, load()["assets-headers-line"].value) == (RULES, LINE)
    many = {f"/{n}": {"A": "b"} for n in range(RULES)}
    assert parse(text(many)) == many
    with pytest.raises(GuideError, match="101 rules"):
        text({**many, "/x": {"A": "b"}})
    with pytest.raises(GuideError, match="2001 characters"):
        text({"/*": {"A": "b" * (LINE - len("  A: ") + 1)}})


# Caching


def test_a_file_with_a_hash_in_its_name_is_kept_for_ever_and_no_other(hosted: Example, site: Site):
    lasting = 0
    for file in built(site):
        if file.startswith("_") or file.endswith((".html", ".map")) or "/lunr/" in file:
            continue
        answer = hosted.http.get(f"/{file}")
        assert answer.status_code == 200, file
        assert (answer.headers["cache-control"] == IMMUTABLE) is bool(HASHED.search(file)), file
        lasting += answer.headers["cache-control"] == IMMUTABLE
    assert lasting >= 10


def test_a_browser_that_asks_again_gets_304(hosted: Example):
    first = hosted.http.get("/patterns/")
    again = hosted.http.get("/patterns/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_that_is_not_there_yet_is_not_kept_for_ever(hosted: Example):
    answer = hosted.http.get("/assets/site.00000000.css")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers["cache-control"]


def test_the_sites_own_files_are_named_after_their_content(site: Site):
    own = [f for f in built(site) if re.fullmatch(r"assets/(?:fonts/)?[^/]+\.(?:css|js|woff2)", f)]
    assert len(own) >= 7
    for file in own:
        assert hashlib.sha256((site.folder / file).read_bytes()).hexdigest()[:8] == file.split(".")[-2], file
    styles = next((site.folder / "assets").glob("site.*.css")).read_text()
    assert (site.folder / "assets" / re.search(r'url\("(fonts/[^"]+)"\)', styles)[1]).is_file()


def test_a_change_renames_the_file_and_all_that_name_it():
    def made(font: bytes) -> dict[str, tuple[str, bytes]]:
        return names(
            {
                "assets/a.css": b'@font-face{src:url("fonts/f.woff2")}',
                "assets/fonts/f.woff2": font,
                "assets/b.js": b'import "./c.js"; new Worker(new URL("c.js", here)); const s = `x/c.js`;',
                "assets/c.js": b"1;",
            }
        )

    one, two = made(b"1"), made(b"2")
    assert one["assets/a.css"][0] != two["assets/a.css"][0] and one["assets/b.js"] == two["assets/b.js"]
    font, script = one["assets/fonts/f.woff2"][0].rpartition("/")[2], one["assets/c.js"][0].rpartition("/")[2]
    assert re.fullmatch(r"f\.[0-9a-f]{8}\.woff2", font)
    assert one["assets/a.css"][1].decode() == f'@font-face{{src:url("fonts/{font}")}}'
    assert (
        one["assets/b.js"][1].decode()
        == f'import "./{script}"; new Worker(new URL("{script}", here)); const s = `x/c.js`;'
    )


def test_files_that_name_each_other_are_refused():
    with pytest.raises(GuideError, match=r"assets/a\.js → assets/b\.js → assets/a\.js"):
        names({"assets/a.js": b'import "./b.js"', "assets/b.js": b'import "./a.js"'})


def test_only_the_addresses_of_own_files_change_in_a_page():
    page = Renaming({"assets/site.js": "assets/site.1a.js", "assets/fonts/f.woff2": "assets/fonts/f.2b.woff2"}).page
    assert page('<script src="../assets/site.js">') == '<script src="../assets/site.1a.js">'
    assert page('<i data-module="site" data-x="site">') == '<i data-module="site.1a" data-x="site">'
    for other in ('"my-assets/site.js"', '"assets/site.js.map"', "assets/site.js is a file", 'data-module="sites"'):
        assert page(other) == other


def test_other_sites_may_show_the_picture_of_a_page_and_nothing_else(hosted: Example, site: Site):
    picture = next((site.folder / "assets" / "social").rglob("*.png")).relative_to(site.folder)
    assert hosted.http.get(f"/{picture}").headers["cross-origin-resource-policy"] == "cross-origin"
    assert hosted.http.get("/facts.json").headers["cross-origin-resource-policy"] == "same-origin"


# Compression


@pytest.mark.parametrize("suffix", ["html", "css", "js", "json", "xml"])
def test_text_travels_compressed(hosted: Example, site: Site, suffix: str):
    file = max((f for f in built(site) if f.endswith(f".{suffix}")), key=lambda f: (site.folder / f).stat().st_size)
    path = f"/{file}".removesuffix("index.html")
    for accepted, sent in (("br", "br"), ("gzip", "gzip"), ("identity", None)):
        with hosted.http.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
            size = sum(map(len, answer.iter_raw()))
        assert (answer.status_code, answer.headers.get("content-encoding")) == (200, sent), path
        whole = (site.folder / file).stat().st_size
        assert size == whole if sent is None else size < whole / 2, path


# A wrong address


@pytest.mark.parametrize(
    "path", ["/nope", "/nope/", "/patterns/nope/", "/a/b/c/d.html", "/patterns/global-api-kv/nope.js", "/_headers"]
)
def test_a_wrong_address_gets_404_and_the_page_for_it(hosted: Example, path: str):
    answer = hosted.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "This page is not here" in answer.text


def test_the_page_for_a_wrong_address_works_at_any_depth(reader: Visit, hosted: Example):
    reader.page.goto(f"{hosted.url}/a/b/c/nope")
    assert [c for c in reader.complaints if "404" not in c] == []
    assert reader.page.evaluate("getComputedStyle(document.body).fontFamily").startswith('"Public Sans"')
    search(reader, "queues").get_by_text("Background work with Queues").first.wait_for()
    reader.page.keyboard.press("Escape")
    reader.page.get_by_role("article").get_by_role("link", name="All patterns").click()
    reader.page.wait_for_url(f"{hosted.url}/patterns/")
    assert reader.page.evaluate("violations") == []


# The policy in a browser


def test_no_kind_of_page_breaks_the_policy(reader: Visit, hosted: Example):
    for place in KINDS:
        reader.page.goto(f"{hosted.url}/{place}")
        modules = reader.page.evaluate(MODULES)
        assert reader.page.evaluate("violations") == [], place
        assert modules or place not in ("patterns/", "guide/decide/", "reference/limits/")
    assert reader.complaints == []


def test_no_use_of_a_page_breaks_the_policy(reader: Visit, hosted: Example):
    page = reader.page
    page.goto(f"{hosted.url}/")
    page.locator(
        "label[for='__palette_1']:visible, label[for='__palette_2']:visible, label[for='__palette_0']:visible"
    ).first.click()
    page.get_by_role("link", name="All patterns").first.click()
    page.wait_for_url(f"{hosted.url}/patterns/**")
    page.locator("form.filter select").first.select_option(index=1)
    page.locator("form.filter [role=status]").get_by_text("pattern").wait_for()
    page.evaluate("document.querySelector(\"a[href$='global-api-kv/']\").click()")
    page.wait_for_url(f"{hosted.url}/patterns/global-api-kv/")
    page.get_by_role("button", name="Enlarge").first.click()
    page.get_by_role("button", name="Close").click()
    page.locator(".fact button, .term button").first.click()
    page.locator("form.costs input").first.fill("12345")
    search(reader, "durable objects")
    assert page.evaluate("violations") == []
    # A breach on any of these pages is an error in the console.
    assert reader.complaints == []


@pytest.mark.parametrize("query", ["", "?requests=5"])
def test_a_page_is_fetched_ahead_while_the_pointer_rests_on_its_link(reader: Visit, hosted: Example, query: str):
    page, place = reader.page, f"{hosted.url}/patterns/global-api-kv/{query}"
    page.goto(f"{hosted.url}/", wait_until="networkidle")
    page.evaluate(
        "hrefs => document.querySelector('article').prepend(...hrefs.map((href) => Object.assign(document.createElement('a'), { href, textContent: href })))",
        ["examples/global-api-kv.zip", "https://example.com/", place],
    )
    for name in ("examples/global-api-kv.zip", "https://example.com/"):
        page.get_by_role("link", name=name, exact=True).hover()
    with page.expect_response(place) as ahead:
        page.get_by_role("link", name=place, exact=True).hover()
    assert ahead.value.request.all_headers()["sec-purpose"] == "prefetch"
    assert not [url for url in reader.requests if url.endswith(".zip") or "example.com" in url]
    page.get_by_role("link", name=place, exact=True).click()
    page.wait_for_url(place)
    assert page.evaluate("performance.getEntriesByType('navigation')[0].deliveryType") == "navigational-prefetch"
    assert page.evaluate("violations") == []
    assert reader.complaints == []


ATTACKS = {
    "an inline script": (
        "e = document.createElement('script'); e.textContent = 'window.hit = 1'",
        "script-src-elem inline",
    ),
    "an event handler": (
        "e = document.createElement('img'); e.setAttribute('onerror', 'window.hit = 1'); e.src = 'data:,'",
        "script-src-attr inline",
    ),
    "a script from elsewhere": (
        "e = document.createElement('script'); e.src = 'http://localhost:9/x.js'",
        "script-src-elem http://localhost",
    ),
    "a javascript: link": (
        "e = document.createElement('a'); e.href = 'javascript:window.hit=1'",
        "script-src-elem inline",
    ),
    "an inline style": ("e = document.createElement('style'); e.textContent = '*{color:red}'", "style-src-elem inline"),
    "another base": ("e = document.createElement('base'); e.href = 'http://localhost:9/'", "base-uri http://localhost"),
    "a frame": ("e = document.createElement('iframe'); e.src = 'http://localhost:9/'", "frame-src http://localhost"),
    "a plug-in": ("e = document.createElement('object'); e.data = '/facts.json'", "object-src"),
    "a picture that carries data away": (
        "e = new Image(); e.src = 'http://localhost:9/?secret'",
        "img-src http://localhost",
    ),
}


def until_breach(reader: Visit) -> str:
    """Return the first breach that the browser reports; Playwright's own waiting would need ``unsafe-eval``."""
    return reader.page.evaluate(
        "new Promise((done) => { const look = () => violations[0] ? done(violations[0]) : setTimeout(look, 5); look(); })"
    )


def test_what_an_attacker_puts_into_a_page_is_refused(reader: Visit, hosted: Example):
    reader.page.goto(f"{hosted.url}/")
    for name, (script, breach) in ATTACKS.items():
        reader.page.evaluate(
            f"() => {{ violations.length = 0; let {script}; document.body.append(e); e.tagName === 'A' && e.click(); }}"
        )
        assert until_breach(reader).startswith(breach), name
        assert reader.page.evaluate("window.hit") is None, name
    reader.page.evaluate("() => { violations.length = 0; fetch('http://localhost:9/').catch(() => {}); }")
    assert until_breach(reader).startswith("connect-src http://localhost")
    assert reader.page.evaluate("fetch('/live/none').then((r) => r.status)") == 404, "the own origin may be asked"


def test_no_other_site_may_frame_a_page(reader: Visit, hosted: Example):
    reader.page.set_content(f"<iframe src='{hosted.url}/'></iframe>")
    frame = reader.page.frames[1]
    frame.wait_for_load_state()
    assert frame.title() != "Cloudflare Architecture Examples"


# Pages that moved


@pytest.mark.parametrize("old", MOVED)
@pytest.mark.parametrize("query", ["", "?from=mail"])
def test_a_page_that_moved_is_found_with_and_without_its_slash(hosted: Example, old: str, query: str):
    for path in (f"/{old}", f"/{old.rstrip('/')}"):
        answer = hosted.http.get(path + query)
        assert answer.status_code == 301
        page, hash_mark, anchor = MOVED[old].partition("#")
        assert answer.headers["location"] == f"/{page}{query}{hash_mark}{anchor}"


def test_a_page_that_moved_is_found_on_a_host_that_knows_no_redirects(folder: Path, visit: Visit):
    with serve(folder) as url:
        visit.page.goto(f"{url}site/guide/traps/")
        visit.page.wait_for_url(f"{url}site/guide/mistakes/#16-a-health-check-that-cannot-fail")
    head = (folder / "site/guide/traps/index.html").read_text()
    assert 'name="robots" content="noindex"' in head and re.search(
        r'rel="canonical" href="http://[^"]+/guide/mistakes/"', head
    )


def test_every_page_that_ever_was_is_still_found(site: Site):
    shallow = subprocess.run(
        ["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false":
        pytest.skip("the history of the pages is not here: this is no full clone")
    log = subprocess.run(
        ["git", "log", "--name-only", "--format=", "--", "docs/*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ever = {
        f.removeprefix("docs/").removesuffix(".md").removesuffix("index").rstrip("/") + "/" for f in log.stdout.split()
    }
    assert len(ever) > 30
    gone = {old.lstrip("/") for old in ever} - {*site.pages(), *moved_pages()}
    assert gone == set(), "say in docs/data/moved.yml where these pages are now"


DAY = datetime.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"old": "/a/", "new": "b/", "date": DAY}], "write '/a/' as it stands below the site"),
        ([{"old": "a/", "new": "b", "date": DAY}], "write 'b' as it stands below the site"),
        ([{"old": "", "new": "b/", "date": DAY}], "the home page cannot move"),
        (
            [{"old": "a/", "new": "b/", "date": DAY}, {"old": "a/", "new": "c/", "date": DAY}],
            "entry 2: a/ cannot move twice",
        ),
        (
            [{"old": "a/", "new": "b/", "date": DAY}, {"old": "b/", "new": "a/", "date": DAY}],
            "a/ → b/ → a/ goes round in a circle",
        ),
        ([{"old": "a/", "new": "a/#x", "date": DAY}], "a/ → a/ goes round in a circle"),
    ],
)
def test_a_bad_entry_is_named(entries: list[object], message: str):
    with pytest.raises(GuideError, match=re.escape(message)):
        moves(entries)


def test_a_page_that_moved_twice_leads_straight_to_its_last_place():
    assert moves([{"old": "a/", "new": "b/#x", "date": DAY}, {"old": "b/", "new": "c/#y", "date": DAY}]) == {
        "a/": "c/#y",
        "b/": "c/#y",
    }
    assert redirects({"a/": "c/#y"}) == "/a/ /c/#y 301\n/a /c/#y 301\n"


def test_a_move_that_contradicts_the_pages_is_refused(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").touch()
    with pytest.raises(GuideError, match="a/ has moved, but a page stands there"):
        write(tmp_path, {"a/": "a/"}, "/")
    with pytest.raises(GuideError, match="b/ leads to c/, where no page stands"):
        write(tmp_path, {"b/": "c/"}, "/")


# Other hosts, and the commands


def test_a_plain_static_server_under_a_sub_path_works_too(site: Site, visit: Visit, tmp_path: Path):
    (tmp_path / "guide").symlink_to(site.folder)
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = re.search(r"port (\d+)", server.stdout.readline())[1]
        visit.page.goto(f"http://127.0.0.1:{port}/guide/patterns/")
        visit.page.locator("form.filter select").first.select_option(index=1)
        visit.page.locator("form.filter [role=status]").get_by_text("pattern").wait_for()
        search(visit, "queues")
        assert visit.complaints == []
        assert all(f":{port}/guide/" in request for request in visit.requests)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def test_wrangler_takes_the_configuration_without_a_warning(folder: Path, runtime: Runtime, tmp_path: Path):
    dry_run(folder / "hosting" / "wrangler.toml", tmp_path)


@pytest.mark.parametrize(
    "address",
    [None, "", "guide.example.com", "http://guide.example.com/", "https://example.com/guide/", "https://a.example/?b"],
)
def test_nothing_is_deployed_before_the_address_is_known(monkeypatch: pytest.MonkeyPatch, address: str | None):
    monkeypatch.delenv("SITE_URL", raising=False)
    if address is not None:
        monkeypatch.setenv("SITE_URL", address)
    with pytest.raises(GuideError, match=r"SITE_URL=https://guide\.example\.com/"):
        public_address()
    monkeypatch.setenv("SITE_URL", "https://guide.example.com")
    assert public_address() == "https://guide.example.com"


def test_looking_at_the_hosted_site_asks_no_network(monkeypatch: pytest.MonkeyPatch):
    said: list[dict[str, str]] = []

    def wrangler(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        said.append(environment)
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(host, "editions_branch", lambda: None)
    monkeypatch.setattr(host, "build", lambda site: None)
    monkeypatch.setattr(host.toolchain, "wrangler", wrangler)
    assert (host.main(["serve"]), said) == (0, [{"CLOUDFLARE_CF_FETCH_ENABLED": "false"}])
