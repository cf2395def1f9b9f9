"""Write beside every page its Markdown twin, so that programs and people can take a page away without reading HTML.

The twin says what the page says: code included, figures with their sources as footnotes, generated tables filled in.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath
from posixpath import join, normpath
from typing import Any
from urllib.parse import urljoin, urlsplit

import markdown as python_markdown
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

import decide
import overview
from catalogue import patterns
from facts import EVIDENCE, MARKDOWN_LINK, Fact, load, products, remarks, used
from strip import services, versions

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(?P<indent>[ >]*)(?P<ticks>`{3,}|~{3,})[^\n]*\n.*?^(?P=indent)(?P=ticks)[`~]* *$", re.M | re.S)
LINK = re.compile(r"\]\((?P<url>[^()\s]+)(?P<title> +\"[^\"]*\")?\)")
CODE_SPAN = re.compile(r"(`+[^`\n]+`+)")
ADMONITION = re.compile(
    r'^(?P<indent> *)!!! (?P<kind>\w+)(?: "(?P<title>[^"]*)")?\n(?P<body>(?:(?P=indent) {4}.*\n?|\n)+)', re.M
)
ON_THE_PAGE = "The form stands on the page itself. The tables below say the same."
# What is there for the eye, for a script or for the style sheet only.
DROPPED = (
    re.compile(r'<figure class="chart".*?</figure>\n?', re.S),
    re.compile(r'<div class="finder".*?</div>\n?', re.S),
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"^ *</?(?:div|details|ul)\b[^>\n]*>\n?", re.M),
    re.compile(r"^\{ [.#:].*\}\n?", re.M),
    re.compile(r"(?<=\S) +\{ ?#[\w-]+ \}$", re.M),
    re.compile(r"(?<=\))\{ [.#][^{}\n]*\}"),
    re.compile(r"</?span[^>\n]*>"),
)
REWRITTEN = (
    (re.compile(r"<details[^>\n]*><summary>(.*?)</summary>"), r"**\1**\n"),
    (re.compile(r"^<li markdown>(.*)</li>$", re.M), r"- \1"),
    (re.compile(r" *<br> *"), " — "),
)


@dataclass
class Twin:
    """A page as Markdown.

    Attributes:
        title: the page's title.
        description: its one sentence.
        address: where it stands, below the site's root.
        body: the text, without front matter and footnotes.
        facts: the facts behind its footnotes, in order.
        head: the front matter's fields.
    """

    title: str
    description: str
    address: str
    body: str
    facts: list[Fact] = field(default_factory=list)
    head: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole document."""
        head = yaml.safe_dump(self.head, sort_keys=False, allow_unicode=True, width=1000)
        notes = "\n" + footnotes(self.facts) if self.facts else ""
        return f"---\n{head}---\n\n{self.body}{notes}"


def address(file: File) -> str:
    """Return where a page's twin stands: beside the page, ``index.md`` for ``index.html``."""
    return str(PurePosixPath(file.dest_uri).with_suffix(".md"))


@cache
def _snippets() -> Any:
    options = {"base_path": [str(ROOT)], "check_paths": True, "dedent_subsections": True}
    return python_markdown.Markdown(
        extensions=["pymdownx.snippets"], extension_configs={"pymdownx.snippets": options}
    ).preprocessors["snippet"]


def included(text: str) -> str:
    """Return the text with every ``--8<--`` line replaced by the code that it names, as the page shows it."""
    return "\n".join(_snippets().run(text.split("\n")))


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply a change to everything but fences."""
    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(text[at:])])


def quoted(match: re.Match[str]) -> str:
    """Return an admonition as a block quote, which every Markdown reader knows."""
    start = len(match["indent"]) + 4
    lines = [
        f"**{match['title'] or match['kind'].capitalize()}**",
        "",
        *(x[start:] for x in match["body"].rstrip().split("\n")),
    ]
    return "".join(f"{match['indent']}> {line}".rstrip() + "\n" for line in lines) + "\n"


def plain(text: str) -> str:
    """Return Markdown without what only this site's build understands."""
    for pattern, by in REWRITTEN:
        text = pattern.sub(by, text)
    for pattern in DROPPED:
        text = pattern.sub("", text)
    return text


def cited(text: str, facts: dict[str, Fact], seen: dict[str, Fact]) -> str:
    """Return the text with each fact's value and a footnote after it, and ``#source`` links led to the vendor.

    Args:
        text: Markdown.
        facts: every fact by id.
        seen: takes the facts that need a footnote, in order.
    """

    def replace(match: re.Match[str]) -> str:
        fact = facts[match["id"]]
        if match["part"]:
            return f"[{match['text']}]({fact.source})"
        seen[fact.id] = fact
        return f"{match['text']}[^{fact.id}]"

    return MARKDOWN_LINK.sub(replace, text)


def footnotes(facts: list[Fact]) -> str:
    """Return a footnote for each fact: what it says, where, and since when."""
    return "".join(
        f"[^{f.id}]: {' '.join([f.claim, *remarks(f)])} Source: {f.source} ({EVIDENCE[f.evidence]}, {f.as_of},"
        f" confidence {f.confidence}).\n"
        for f in facts
    )


def relinked(text: str, target: Callable[[str], str]) -> str:
    """Return the text with the address of every link outside code replaced."""
    parts = CODE_SPAN.split(text)
    for i in range(0, len(parts), 2):
        parts[i] = LINK.sub(lambda m: f"]({target(m['url'])}{m['title'] or ''})", parts[i])
    return "".join(parts)


def target(url: str, page: File, files: Files, site_url: str) -> str:
    """Return where a link of a twin leads: to another twin, to a file, or away.

    Args:
        url: as the page's Markdown writes it.
        page: the page.
        files: all files of the site.
        site_url: the site's address; when empty, links are relative to the twin.
    """
    parts = urlsplit(url)
    if parts.scheme or not parts.path:
        return url
    file = files.get_file_from_path(normpath(join(str(PurePosixPath(page.src_uri).parent), parts.path)))
    if file is None:
        return url
    # A query chooses a row of an interactive page, which a twin is not.
    place = address(file) if file.is_documentation_page() and not parts.query else file.url
    rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return (urljoin(site_url, place) if site_url else get_relative_url(place, address(page))) + rest


def at_a_glance() -> str:
    """Return the overview of all patterns as a Markdown table."""
    names = products()
    rows = [
        f"| [{p.number} · {p.title}]({p.slug}.md): {p.description} | {overview.STATES[p.state]} | {overview.EXPOSURES[p.exposure]} "
        f"| {p.plan} | {', '.join(names[s]['name'] for s in p.services)} |"
        for p in patterns()
    ]
    return "\n".join([f"| {' | '.join(overview.COLUMNS)} |", "|---" * len(overview.COLUMNS) + "|", *rows])


def strip_list(meta: Mapping[str, Any], text: str, page: File, facts: dict[str, Fact]) -> str:
    """Return the strip of a pattern as a list."""
    example = ROOT / "snippets" / page.name
    oldest = min((facts[name].as_of for name in used(text)), default=None)
    rows = {
        "Services": ", ".join(f"[{name}]({url})" for name, url in services(meta["services"], f"docs/{page.src_uri}")),
        "Lowest plan": meta["plan"],
        "Tested with": "Wrangler {}, workerd {}".format(*versions()) if any(example.rglob("wrangler.toml")) else "",
        "Facts as of": f"{oldest} or later" if oldest else "",
    }
    return "".join(f"- {name}: {value}\n" for name, value in rows.items() if value)


def twin(markdown: str, page: Page, files: Files, facts: dict[str, Fact], site_url: str) -> Twin:
    """Return the twin of a page.

    Args:
        markdown: its Markdown after all other hooks, includes and fact links still in it.
        page: the page.
        files: all files of the site.
        facts: every fact by id.
        site_url: the site's address, or the empty text.
    """
    text = markdown.replace(overview.TABLE, at_a_glance()).replace(decide.FORM, ON_THE_PAGE)
    if "pattern" in page.meta:
        title, lead, rest = text.strip().split("\n\n", 2)
        text = f"{title}\n\n{lead}\n\n{strip_list(page.meta, text, page.file, facts)}\n{rest}"
    seen: dict[str, Fact] = {}
    lead_to = partial(target, page=page.file, files=files, site_url=site_url)
    text = ADMONITION.sub(quoted, included(text))
    text = outside_code(text, lambda part: relinked(cited(plain(part), facts, seen), lead_to))
    text = outside_code(text, lambda part: re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", part)).strip() + "\n"
    name, description = page.meta.get("title", page.title), page.meta.get("description", "")
    name = f"{page.meta['pattern']} · {name}" if "pattern" in page.meta else name
    head = {"title": name, "description": description, "page": page.canonical_url}
    return Twin(name, description, address(page.file), text, list(seen.values()), {k: v for k, v in head.items() if v})


_facts: dict[str, Fact] = {}
_twins: list[Twin] = []


def on_pre_build(config: MkDocsConfig) -> None:
    _facts.clear()
    _facts.update(load())
    _twins.clear()


@event_priority(-100)  # after every hook that writes into the Markdown
def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    made = twin(markdown, page, files, _facts, config.site_url or "")
    page.meta["twin"] = made
    _twins.append(made)
    return markdown


def on_post_build(config: MkDocsConfig) -> None:
    for made in _twins:
        path = Path(config.site_dir, made.address)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made.text, encoding="utf-8")
