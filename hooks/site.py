"""The only file that knows MkDocs: what happens at each of its events. ``Build`` holds all that one build knows."""

import functools
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urljoin, urlsplit

from mkdocs.config import config_options
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

if TYPE_CHECKING:
    from mkdocs.livereload import LiveReloadServer

ROOT = Path(__file__).resolve().parent.parent

try:
    import model.files

    if model.files.ROOT != ROOT:
        raise PluginError(
            f"This is the guide in {ROOT}, but its packages are those of {model.files.ROOT}. "
            "Run `uv run mkdocs …` or `python -m mkdocs …` in this folder, or install it here: `pip install -e .`."
        )
    from hooks import guide, markers
    from hooks.blocks import offers, services
    from hooks.live import buttons, reload
    from hooks.live.server import Guarded
    from hooks.page import figures, passes, search, template, tree, twin
    from hooks.page.sheet import Sheet
    from hooks.publish import assets, edition, facts_json, feed, headers, llms, moved, patterns_json, social, zips
    from model import address, examples, facts
    from model import moved as moves
    from runtime import remedies
except ImportError as error:
    raise PluginError(
        f"{error}. The guide's packages are not installed, or older than its files: run `uv sync`, or `pip install -e .`."
    ) from error

log = logging.getLogger("mkdocs.hooks.site")
P = ParamSpec("P")
T = TypeVar("T")
STYLE = "assets/site.css"
FILLED_LATER = (patterns_json.ADDRESS, llms.INDEX, llms.FULL, feed.NAME)
Twin = twin.Twin


class Build:
    """What one build knows.

    Attributes:
        guide: the data.
        sheets: every page by its file below ``docs/``, in the order in which they are made.
        twins: their Markdown twins, likewise.
        index: the entries of the search, by address.
        drafts: the pages with a diagram that is still to be drawn.
        names: old name to new name of each file that carries a hash.
        previous: the edition before, where there is one.
    """

    def __init__(self, config: MkDocsConfig, serving: bool) -> None:
        self.config, self.serving = config, serving
        self.site_url = config.site_url or ""
        self.packed = {p.slug: zips.packed(p.slug) for p in guide.patterns() if (ROOT / "snippets" / p.slug).is_dir()}
        self.guide = guide.read(
            live=os.environ.get(buttons.FLAG) == "1",
            zips={s: (len(z), len(examples.listed(ROOT / "snippets" / s))) for s, z in self.packed.items()},
            deploy={
                s: examples.deploy_address(s, config.repo_url or "", config.edit_uri or "")
                for s in self.packed
                if examples.one_click(ROOT / "snippets" / s)
            },
            offline=offers.given(),
        )
        self.sheets: dict[str, Sheet] = {}
        self.twins: dict[str, Twin] = {}
        self.index: dict[str, list[Any]] = {}
        self.addresses: dict[str, str] = {}
        self.nav: Navigation | None = None
        self.names = assets.Renaming({})
        date, _, commit = os.environ.get(edition.PREVIOUS, "").partition(" ")
        self.previous = edition.read(date, commit) if date else None

    def generate(self, files: Files, uri: str, content: str | bytes | None = None, source: Path | None = None) -> None:
        if source:
            files.append(File.generated(self.config, uri, abs_src_path=str(source)))
        else:
            files.append(File.generated(self.config, uri, content=content or ""))

    def add_files(self, files: Files) -> None:
        """Add what no file in ``docs/`` holds, and take away what no page loads."""
        theme = set(self.config.theme.dirs)
        for file in [f for f in files if f.src_dir in theme and assets.UNUSED.match(f.src_uri)]:
            files.remove(file)
        for uri, text in services.documents(self.guide.written).items():
            self.generate(files, uri, text)
        for slug, packed in self.packed.items():
            self.generate(files, offers.zip_address(slug), packed)
        self.generate(files, facts_json.ADDRESS, facts_json.document(self.guide.facts.values(), self.guide.products))
        self.generate(files, patterns_json.SCHEMA, source=ROOT / "docs" / "data" / patterns_json.SCHEMA)
        for uri in FILLED_LATER:  # known from the start, so that pages may link them
            self.generate(files, uri, "")
        if self.guide.offline:
            self.generate(files, f"{offers.OFFLINE}/{self.guide.offline.name}", source=self.guide.offline)
        if self.serving and figures.DRAFT_SCRIPT.is_file():
            self.generate(files, figures.DRAFT_URI, source=figures.DRAFT_SCRIPT)
        self.rename(files, theme)
        pages = files.documentation_pages()
        self.addresses = {
            f.url.removeprefix("./"): PurePosixPath(f.dest_uri).with_suffix(".md").as_posix() for f in pages
        }

    def rename(self, files: Files, theme: set[str]) -> None:
        """Give the site's own scripts, styles and fonts a hash of their content in their names."""
        own = {
            f.src_uri: f
            for f in files
            if f.src_dir not in theme and f.inclusion.is_included() and assets.hashed(f.src_uri)
        }
        contents = {uri: file.content_bytes for uri, file in own.items()}
        contents[STYLE] += figures.sizes(figures.widths()).encode()
        new = assets.names(contents)
        for uri, (name, content) in new.items():
            files.remove(own[uri])
            renamed = File.generated(self.config, uri, content=content)
            renamed.dest_uri = name
            files.append(renamed)
        self.names = assets.Renaming({uri: name for uri, (name, _) in new.items()})

    def begin(self, markdown: str, page: Page, files: Files) -> str:
        """Take a page up and return its Markdown with markers, offers and diagrams filled in."""

        def lead_to(uri: str) -> str:
            if found := files.get_file_from_path(uri):
                return found.url_relative_to(page.file)
            raise model.files.GuideError(f"docs/{uri} is missing: write it, or take away what leads to it.")

        sheet = self.sheets[page.file.src_uri] = Sheet(
            uri=page.file.src_uri,
            dest=page.file.dest_uri,
            url=page.url.removeprefix("./"),
            source=page.file.content_string,
            markdown=markdown,
            meta=dict(page.meta),
            title=str(page.title),
            generated=page.file.generated_by is not None,
            home=page.is_homepage,
            lead_to=lead_to,
        )
        template.check(sheet, self.guide)
        facts.check_links(sheet.markdown, self.guide.facts, sheet.wrong)
        for match, said in () if sheet.generated else facts.differing(sheet.markdown, self.guide.facts):
            place, text, name = sheet.at(match.start()), match["text"], match["id"]
            log.warning("%s: says %r, but the fact %s says %r. Run `%s`.", place, text, name, said, facts.UPDATE)
        # These two leave every line in its place, so that an error of the next step still names the line of the file.
        sheet.markdown = offers.linked(sheet)
        sheet.markdown = figures.taken_out(sheet)
        sheet.markdown = markers.fill(sheet, self.guide)
        sheet.markdown = offers.offered(sheet, self.guide)
        return sheet.markdown

    def finish(self, markup: str, page: Page) -> str:
        """Take a page's HTML through all passes and print it three times: page, twin, search."""
        sheet = self.sheets[page.file.src_uri]
        body = tree.parse(markup)
        passes.run(body, sheet, self.guide)
        page.meta["twin"] = made = twin.twin(body, sheet, self.guide.facts, self.addresses)
        self.twins[sheet.uri] = made
        if self.site_url:
            page.meta["picture"] = social.address(sheet.uri)
        printed = tree.printed(body)
        if self.previous:
            printed += edition.noted(self.previous, sheet, self.guide.facts)
        title = self.config.site_name if sheet.home else sheet.title
        self.index[page.url] = search.entry(body, title, sheet, self.guide)
        return printed

    def complete(self, files: Files) -> None:
        """Write what lists all pages, once they are made."""
        for sheet in self.sheets.values() if self.site_url else ():
            number = str(sheet.meta.get("pattern", ""))
            words = number, sheet.meta.get("title", sheet.title), sheet.description, self.config.site_name
            self.generate(files, social.address(sheet.uri), social.picture(*words))
        known = feed.dates() if self.site_url else {}
        for file in files.documentation_pages():
            if file.page:
                file.page.update_date = feed.changed(file.src_uri, known) or feed.UNKNOWN
        changed = self.sheets[feed.SOURCE]
        written = {
            patterns_json.ADDRESS: patterns_json.document(
                [
                    patterns_json.entry(p, self.guide.facts, self.sheets[f"patterns/{p.slug}.md"])
                    for p in self.guide.patterns
                ]
            ),
            feed.NAME: feed.feed(feed.changes(changed.source), self.config.site_name, changed, self.site_url),
            **llms.documents(
                self.config.site_name,
                self.config.site_description or "",
                self.listed(),
                list(self.twins.values()),
                self.site_url,
            ),
        }
        for uri, text in written.items():
            if file := files.get_file_from_path(uri):
                file.content_string = text

    def listed(self) -> dict[str, list[Twin]]:
        """Return the twins of the pages in the navigation, by the title of their section; single pages come first."""
        items = self.nav.items if self.nav else []
        sections = {s.title: self.twins_of(s.children) for s in items if isinstance(s, Section)}
        first = next(iter(sections))
        return {**sections, first: self.twins_of(items) + sections[first]}

    def twins_of(self, items: Iterable[object]) -> list[Twin]:
        return [self.twins[item.file.src_uri] for item in items if isinstance(item, Page)]

    def write(self, site: Path) -> None:
        """Put beside the built pages what is no page."""
        for made in self.twins.values():
            path = site / made.address
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made.text(self.site_url), encoding="utf-8")
        if self.config.use_directory_urls:  # without them the guide is read from files, which nothing redirects
            moved.write(site, moves.load(), self.site_url)
        path = site / search.NAME
        path.parent.mkdir(exist_ok=True)
        path.write_text(search.document(self.index), encoding="utf-8")
        (site / headers.NAME).write_text(headers.text(headers.rules(site)), encoding="utf-8")


class State:
    """The present build, which is new each time."""

    def __init__(self) -> None:
        self.build: Build | None = None

    @property
    def now(self) -> Build:
        """The present build."""
        if self.build is None:
            raise PluginError("No build has begun.")
        return self.build


state = State()


def told(event: Callable[P, T]) -> Callable[P, T]:
    """Let MkDocs print an error of the guide, and what this machine lacks, as one line without a traceback."""

    @functools.wraps(event)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return event(*args, **kwargs)
        except Exception as error:
            if line := remedies.remedy(error):
                raise PluginError(line) from error
            raise

    return wrapped


def on_startup(command: str, dirty: bool) -> None:
    if command == "serve":
        reload.serving.set()
        buttons.decide()


@told
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    address.check(config.site_url or "")
    if reload.serving.is_set():
        reload.free(config.dev_addr.host, config.dev_addr.port)
    if name := os.environ.get(edition.VARIABLE):
        # mike's own plugin, where it runs, has put the edition's name behind the last slash.
        config.site_url = config.site_url and urljoin(config.site_url, f"{edition.LATEST}/")
        config.extra["edition"] = name
    config.extra["offline"] = bool(os.environ.get("OFFLINE"))
    mermaid2: Any = config.plugins["mermaid2"]
    mermaid2._javascript = figures.DRAFT_URI
    # It rewrites every page that holds its name; `on_post_page` below calls it for drafts.
    events = config.plugins.events["post_page"]
    events[:] = [method for method in events if getattr(method, "__self__", None) is not mermaid2]
    return config


@told
def on_files(files: Files, config: MkDocsConfig) -> Files:
    state.build = Build(config, reload.serving.is_set())
    state.now.add_files(files)
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    state.now.nav = nav
    return nav


@told
def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return state.now.begin(markdown, page, files)


@told
def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return state.now.finish(html, page)


@told
def on_env(env: Any, config: MkDocsConfig, files: Files) -> Any:
    state.now.complete(files)
    return env


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    build = state.now
    if build.serving and build.sheets[page.file.src_uri].draft and figures.DRAFT_SCRIPT.is_file():
        mermaid2: Any = config.plugins["mermaid2"]
        output = mermaid2.on_post_page(output, page=page, config=config)
    return build.names.page(output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    if template_name == "sitemap.xml":
        return feed.LASTMOD.sub("", output_content) if config.site_url else ""  # an empty file is not written
    return state.now.names.page(output_content) if template_name.endswith(".html") else output_content


@told
def on_post_build(config: MkDocsConfig) -> None:
    state.now.write(Path(config.site_dir))


def on_serve(server: "LiveReloadServer", config: MkDocsConfig, builder: Callable[..., None]) -> "LiveReloadServer":
    reload.quiet(server.observer)
    server.builder = reload.renewed(server.builder, config_options.Hooks._load_hook.cache_clear)
    buttons.attach(server, config.dev_addr.host, config.dev_addr.port, urlsplit(config.site_url or "/").path)
    app = server.get_app() or server.serve_request
    parts = re.split(r"\$\{\w+\}", sys.modules[type(server).__module__].__dict__["_SCRIPT_TEMPLATE"].template)
    server.set_app(Guarded(app, Path(server.root), re.compile(r"\d+".join(map(re.escape, parts)))))
    return server


def on_shutdown() -> None:
    buttons.detach()
