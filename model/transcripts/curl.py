"""Read a ``curl`` line of a transcript as the requests it sends, so that a page can send them again.

Understood are the options that the pages use, pipes through ``sed`` into a file or a second ``curl``, and cookie jars.
A command substitution stays as text, ``$(…)``: only a runtime beside the repository can compute it.
"""

import re
import shlex
from typing import NotRequired, TypedDict
from urllib.parse import quote

ADDRESS = "http://localhost:8787"
SUBSTITUTION = re.compile(r"\$\([^()]*\)|\$\(printf [^)]*\)")
IGNORED = {"-s", "-S", "-i", "-N"}
IGNORED_WITH_VALUE = {"-o", "-w", "-D"}
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Unsendable(ValueError):
    """A command that no page can send; the message is the reason, in words for the list of such commands."""


class Capture(TypedDict):
    """What a reply hands on: the match of ``pattern`` put into ``template`` for ``\\1``, kept under ``name``."""

    name: str
    pattern: str
    template: str


class Request(TypedDict):
    """One request.

    Attributes:
        url: path and query, or a text that starts with a substitution.
        headers: pairs; an empty name means that the value is a whole header line.
        body: text; ``{{name}}`` in it or in a header stands for what an earlier reply handed on.
        file: a file of the repository that is the body.
        jar: whether it keeps and sends cookies.
        follow: whether it follows redirects.
        wait_s: how long to wait before it.
        capture: what its reply hands on.
    """

    method: str
    url: str
    headers: list[list[str]]
    body: str
    file: NotRequired[str]
    jar: NotRequired[bool]
    follow: NotRequired[bool]
    wait_s: NotRequired[int]
    capture: NotRequired[Capture]


def one_line(text: str) -> str:
    """Return a command without its line breaks, as bash sees it; spaces that only indent are dropped."""
    return re.sub(r" {2,}", " ", text.replace("\\\n", "")).strip()


def substitutions(text: str) -> list[str]:
    """Return the command substitutions of a command."""
    return SUBSTITUTION.findall(one_line(text))


def requests(text: str) -> list[Request]:
    """Return the requests of one command, in the order in which they are sent.

    Raises:
        Unsendable: it does something that a page cannot do; the message says what.
    """
    lexer = shlex.shlex(one_line(text), posix=True, punctuation_chars="|>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[Request] = []
    wait_s = 0
    for stage in _stages(list(lexer)):
        match stage:
            case ["curl", *options]:
                found.append(_request(options, piped=bool(found)))
                if wait_s:
                    found[-1]["wait_s"] = wait_s
            case ["sed", *script] if found:
                found[-1]["capture"] = _capture(script)
            case ["(", "sleep", seconds, "cat", ")"] if seconds.rstrip(";").isdigit():
                wait_s = int(seconds.rstrip(";"))
            case _:
                raise Unsendable(f"pipes through {stage[0]}")
    return found


def _stages(tokens: list[str]) -> list[list[str]]:
    stages: list[list[str]] = [[]]
    for token in tokens:
        if token == "|":
            stages.append([])
        else:
            stages[-1].append(token)
    return stages


def _capture(script: list[str]) -> Capture:
    """Return what a ``sed 's/…/…/'`` takes out of a reply, and where it goes: a file, or the next command."""
    target = script[script.index(">") + 1] if ">" in script else "-"
    found = re.fullmatch(r"s/((?:[^/\\]|\\.)+)/((?:[^/\\]|\\.)+)/p?", next(s for s in script if s.startswith("s/")))
    if not found:
        raise Unsendable("uses more of sed than one replacement")
    # In sed's basic patterns a bare bracket is a letter and one with a backslash makes a group: JavaScript has it the other way round.
    pattern = re.sub(r"\\([()])|([(){}+?|])", lambda m: m[1] or f"\\{m[2]}", found[1])
    return {"name": target, "pattern": pattern.removeprefix(".*").removesuffix(".*"), "template": found[2]}


def _request(options: list[str], piped: bool) -> Request:
    made: Request = {"method": "", "url": "", "headers": [], "body": ""}
    data: list[str] = []
    query: list[str] = []
    default = ""
    left = iter(_separated(options))
    for option in left:
        if option in IGNORED:
            continue
        if option in IGNORED_WITH_VALUE:
            next(left)
        elif option == "-X":
            made["method"] = next(left)
        elif option == "-H":
            made["headers"].append(_header(next(left)))
        elif option == "--json":
            data.append(next(left))
            made["headers"] += [["Content-Type", JSON], ["Accept", JSON]]
        elif option == "-d":
            value = next(left)
            if value == "@-" and not piped:
                raise Unsendable("sends what a program before it prints")
            data.append("{{-}}" if value == "@-" else value)
            default = FORM
        elif option == "--data-urlencode":
            name, _, value = next(left).partition("=")
            query.append(f"{name}={quote(value, safe='')}")
        elif option == "-T":
            made["file"], made["method"] = next(left), "PUT"
        elif option == "-F":
            raise Unsendable("sends a file of the repository as a form")
        elif option == "-r":
            made["headers"].append(["Range", f"bytes={next(left)}"])
        elif option in ("-b", "-c"):
            next(left)
            made["jar"] = True
        elif option == "-L":
            made["follow"] = True
        elif option == "-I":
            made["method"] = "HEAD"
        elif option == "-G":
            pass
        elif option.startswith("-") or made["url"]:
            raise Unsendable(f"uses curl's {option}")
        else:
            made["url"] = option.removeprefix(ADDRESS)
    if not made["url"].startswith(("/", "$(")):
        raise Unsendable("calls another address than the example's")
    if default and not any(name == "Content-Type" for name, _ in made["headers"]):
        made["headers"].append(["Content-Type", default])
    made["body"] = "&".join(data)
    made["method"] = made["method"] or ("POST" if data else "GET")
    made["url"] += f"?{'&'.join(query)}" if query else ""
    return made


def _separated(options: list[str]) -> list[str]:
    """Take short options apart that stand together, such as ``-si``."""
    found: list[str] = []
    for option in options:
        together = re.fullmatch(r"-[a-zA-Z]{2,}", option)
        found += [f"-{letter}" for letter in option[1:]] if together else [option]
    return found


def _header(text: str) -> list[str]:
    if text.startswith("@"):
        return ["", f"{{{{{text[1:]}}}}}"]
    if text.startswith("$("):
        return ["", text]
    name, _, value = text.partition(":")
    return [name, value.strip()]
