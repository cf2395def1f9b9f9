"""Sybil over every page: each fence has an evaluator for its language, and a language without one is an error."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from sybil import Document, Region, Sybil
from sybil import Example as Snippet

from model.diagrams import COMMAND, DRAWN, key
from model.files import GuideError
from model.transcripts.arrows import Rule, load
from model.transcripts.commands import NAMED, Command
from model.transcripts.curl import requests
from runtime.setups import EXAMPLES
from tests.documents.fences import INCLUDE, ROOT, Fence, fences, included
from tests.documents.transcripts import answered, check, commands
from tests.support.scripts import Scripts

RULES = load()
RUNNING = "the example of this page"


def place(snippet: Snippet) -> str:
    return str(Path(snippet.path).relative_to(ROOT))


def of_files(snippet: Snippet) -> None:
    """Code that readers copy stands in tested files; the fence only names it."""
    included(snippet.parsed, place(snippet))


def python(snippet: Snippet) -> None:
    """Run the block, sharing names with the blocks above it on the page; or check what it includes."""
    fence: Fence = snippet.parsed
    if any(INCLUDE.match(line) for line in fence.body.splitlines()):
        of_files(snippet)
        return
    exec(compile("\n" * fence.line + fence.body, snippet.path, "exec", dont_inherit=True), snippet.namespace)


def data(parse: Callable[[str], object]) -> Callable[[Snippet], None]:
    def evaluate(snippet: Snippet) -> None:
        fence: Fence = snippet.parsed
        text = included(fence, place(snippet)) if "--8<--" in fence.body else fence.body
        try:
            parse(text)
        except (ValueError, yaml.YAMLError) as error:
            raise GuideError(f"{place(snippet)}:{fence.line}: {error}") from None

    return evaluate


def picture(snippet: Snippet) -> None:
    """The layout picture of the README: every path in it exists."""
    for name in re.findall(r"(?<![\w/.])(?:docs|snippets|hooks|tests)/[\w/.-]*", snippet.parsed.body):
        if not (ROOT / name.rstrip("/")).parent.is_dir():
            raise GuideError(f"{place(snippet)}:{snippet.parsed.line}: {name} does not exist")


def mermaid(snippet: Snippet) -> None:
    if not (DRAWN / f"{key(snippet.parsed.body)}.svg").is_file():
        raise GuideError(f"{place(snippet)}:{snippet.parsed.line}: not drawn yet. Run `{COMMAND}`.")


def console(snippet: Snippet) -> None:
    """Run a transcript in the page's order against one running example; setup commands must be the README's."""
    where, fence = place(snippet), snippet.parsed
    update = snippet.namespace["pytestconfig"].getoption("--update")
    for command in commands(fence, where):
        if command.text == _server(snippet):
            continue
        if command.runs:
            url = _running(snippet)
            try:
                with TemporaryDirectory() as folder:
                    headers = Path(folder, "headers")
                    printed = check(command, url, where, headers)
                    # A README has no buttons, so its requests need no path.
                    if Path(snippet.path).name != "README.md":
                        path_taken(snippet.namespace["scripts"], slug_of(snippet), command, printed, headers, where)
            except GuideError as error:
                if not update:
                    raise
                actual = str(error).partition("--- the example answers\n")[2].rstrip() + "\n"
                text = Path(snippet.path).read_text(encoding="utf-8")
                Path(snippet.path).write_text(
                    text.replace(f"$ {command.text}\n{command.expected}", f"$ {command.text}\n{actual}", 1)
                )
        elif command.expected or command.text not in _setup_commands(slug_of(snippet), where):
            raise GuideError(f"{where}:{command.line}: no test runs `{command.text}`")


def path_taken(scripts: Scripts, slug: str, command: Command, printed: str, headers: Path, where: str) -> Rule | None:
    """Return the rule that names the arrows which a request took, by its real answer.

    Raises:
        GuideError: no rule fits.
    """
    if slug not in RULES or not command.text.startswith("curl ") or command.text.count("curl ") > 1:
        return None
    sent = requests(command.text)[-1] if "-F " not in command.text else {"method": "POST", "url": "/api/contact"}
    status, found, body = answered(printed, headers)
    path = re.sub(r"^\$\(.*\)", "/v1/files/computed" if "newest" in sent["url"] else "/images/computed?", sent["url"])
    reply = {"status": status, "headers": list(found.items()), "body": body}
    [rule] = scripts.each("live.js", "find", RULES[slug], ({"method": sent["method"], "url": path}, reply))
    if rule is None:
        raise GuideError(
            f"{where}:{command.line}: no rule of docs/data/live/paths.yml tells the path of {sent['method']} {path}, status {status}"
        )
    return rule


def slug_of(snippet: Snippet) -> str:
    """Return the example that a transcript belongs to: the one named above it, else the page's own."""
    named = NAMED.findall(snippet.document.text[: snippet.start])
    path = Path(snippet.path)
    slug = named[-1] if named else path.parent.name if path.name == "README.md" else path.stem
    if named and slug not in EXAMPLES:
        raise GuideError(f"{place(snippet)}:{snippet.parsed.line}: there is no example '{slug}'")
    return slug


def _server(snippet: Snippet) -> str:
    """The command that starts this page's example, which the harness runs in its own way."""
    slug = slug_of(snippet)
    return EXAMPLES[slug].server if slug in EXAMPLES else ""


def _setup_commands(slug: str, where: str) -> str:
    """The README whose commands a test runs: the example's own, or the one at the root."""
    readme = ROOT / where if where.endswith("README.md") else ROOT / "snippets" / slug / "README.md"
    return readme.read_text(encoding="utf-8") if readme.is_file() else ""


def _running(snippet: Snippet) -> str:
    """Return the address of the page's example, started at its first transcript; the key cannot clash with a name in page code."""
    namespace, slug = snippet.namespace, slug_of(snippet)
    stack, started = namespace.setdefault(RUNNING, (ExitStack(), {}))
    if slug not in started:
        started[slug] = stack.enter_context(EXAMPLES[slug].address(namespace["runtime"]))
    return started[slug]


def stop(namespace: dict) -> None:
    if RUNNING in namespace:
        namespace[RUNNING][0].close()


EVALUATORS: dict[str, Callable[[Snippet], None]] = {
    "console": console,
    "javascript": of_files,
    "json": data(json.loads),
    "mermaid": mermaid,
    "nginx": of_files,
    "python": python,
    "sql": of_files,
    "terraform": of_files,
    "text": picture,
    "toml": data(tomllib.loads),
    "typescript": of_files,
    "yaml": data(yaml.safe_load),
}


def parse(document: Document) -> Iterable[Region]:
    """Yield a region for each fence.

    Raises:
        GuideError: a fence has a language that nothing runs, or none.
    """
    where = str(Path(document.path).relative_to(ROOT))
    for fence in fences(document.text, where):
        evaluator = EVALUATORS.get(fence.language)
        if evaluator is None:
            known = ", ".join(EVALUATORS)
            raise GuideError(f"{where}:{fence.line}: no test runs the language '{fence.language}'; known are {known}")
        yield Region(fence.start, fence.end, fence, evaluator)


def _sybil(path: str, *patterns: str, excludes: tuple[str, ...] = ()) -> Sybil:
    return Sybil(
        parsers=[parse],
        path=str(ROOT / path),
        patterns=patterns,
        excludes=excludes,
        fixtures=["runtime", "pytestconfig", "scripts"],
        teardown=stop,
    )


# "**/*.md" would skip docs/index.md on Python 3.11; "*.md" matches at every depth.
SYBILS = (
    _sybil("docs", "*.md"),
    _sybil("snippets", "README.md"),
    _sybil("", "README.md", excludes=("**/README.md", ".venv/*", "node_modules/*")),
)
