"""Evaluate the part of Gateway's expression language that these policies use, so that a policy can be tried offline.

Fields, operators and any() as in https://developers.cloudflare.com/cloudflare-one/traffic-policies/expression-syntax/. What is
outside this part raises an error: a policy that cannot be tried is not shown as tried.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Value = str | int | list[str] | list[int]
# dns.fqdn, http.request.host, net.sni.host, http.request.domains
NAMES = re.compile(r".*\.(?:domains|fqdn|host|hostname)")
# net.dst.ip, net.src.internal_src_ip, dns.resolved_ips
ADDRESSES = re.compile(r".*[._]ips?")
TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<list>\$[\w-]+)|(?P<word>[\w.:/]+(?:\[\*\])?)|(?P<sign>==|!=|[(){}]))'
)


class ExpressionError(ValueError):
    """An expression is wrong, or outside the part of the language that is known here."""


# --8<-- [start:evaluate]
class Evaluator:
    """One expression over one request.

    Args:
        text: the expression.
        request: field to value; a field that the request lacks is empty.
        lists: list id to its domains, for ``in $id``.
    """

    def __init__(
        self, text: str, request: dict[str, Value], lists: dict[str, list[str]]
    ) -> None:
        self._tokens = self._split(text)
        self._request, self._lists = request, lists

    def holds(self) -> bool:
        result = self._or()
        if self._tokens:
            raise ExpressionError(f"unexpected {self._tokens[0]}")
        return result

    def _or(self) -> bool:
        result = self._and()
        while self._take("or"):
            right = self._and()
            result = result or right
        return result

    def _and(self) -> bool:
        result = self._term()
        while self._take("and"):
            right = self._term()
            result = result and right
        return result

    def _term(self) -> bool:
        if self._take("not"):
            return not self._inner(self._or)
        if self._take("any"):
            return self._inner(lambda: self._comparison("[*]"))
        if self._tokens and self._tokens[0] == "(":
            return self._inner(self._or)
        return self._comparison()

    def _comparison(self, each: str = "") -> bool:
        """Compare one value, or in ``any`` each of them for itself."""
        name = self._next()
        field = name.removesuffix("[*]")
        if name != field + each:
            raise ExpressionError(f"{name}: any() goes with [*], and [*] with any()")
        found = self._request.get(field, [])
        if isinstance(found, list) and found and not each:
            raise ExpressionError(f"{field} has many values: use any({field}[*] ...)")
        values = [str(v) for v in (found if isinstance(found, list) else [found])]
        operator = self._next()
        if operator == "in":
            wanted = self._set()
            return any(_contains(wanted, value, field) for value in values)
        if operator not in ("==", "!="):
            raise ExpressionError(f"unknown operator {operator}")
        wanted, same = self._next().strip('"'), operator == "=="
        form = _form(field)
        goal = form(wanted)
        equal = [form(value) == goal for value in values]
        return any(one == same for one in equal) if each else any(equal) == same

    # --8<-- [end:evaluate]

    def _inner(self, rule: Callable[[], bool]) -> bool:
        self._expect("(")
        result: bool = rule()
        self._expect(")")
        return result

    def _set(self) -> list[str]:
        token = self._next()
        if token.startswith("$"):
            if token[1:] not in self._lists:
                raise ExpressionError(f"there is no list {token}")
            return self._lists[token[1:]]
        if token != "{":
            raise ExpressionError(f"expected a set, found {token}")
        wanted = []
        while not self._take("}"):
            wanted.append(self._next().strip('"'))
            if ".." in wanted[-1]:
                raise ExpressionError(f"ranges such as {wanted[-1]} are not known here")
        return wanted

    def _take(self, word: str) -> bool:
        if self._tokens and self._tokens[0] == word:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(
                f"expected {sign}, found {self._tokens[0] if self._tokens else 'the end'}"
            )

    def _next(self) -> str:
        if not self._tokens:
            raise ExpressionError("the expression ends too early")
        return self._tokens.pop(0)

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens, position = [], 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            if not match:
                raise ExpressionError(f"cannot read {text[position:].strip()[:20]!r}")
            tokens.append(match[0].strip())
            position = match.end()
        return tokens


def _address(text: str) -> IPv4Address | IPv6Address:
    """Return an address in its one form: IPv4 inside IPv6 is IPv4."""
    try:
        found = ip_address(text)
    except ValueError as error:
        raise ExpressionError(f"{text!r} is no address") from error
    if isinstance(found, IPv4Address):
        return found
    if found.scope_id is not None:
        raise ExpressionError(f"{text!r} is no address of a network")
    return found.ipv4_mapped or found


def _within(address: IPv4Address | IPv6Address, entry: str) -> bool:
    first = _address(entry.partition("/")[0])
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise ExpressionError(f"{entry!r} is no network") from error
    if first.version != network.version:
        network = ip_network((first, network.prefixlen - 96))
    return address in network


def _form(field: str) -> Callable[[str], object]:
    """Return what brings a value of this field into its one form."""
    if ADDRESSES.fullmatch(field):
        return _address
    if NAMES.fullmatch(field):
        return lambda name: name.lower().removesuffix(".")
    return str


def _contains(wanted: list[str], value: str, field: str) -> bool:
    if ADDRESSES.fullmatch(field):
        return any(_within(_address(value), entry) for entry in wanted)
    form = _form(field)
    # A domain stands for its subdomains too when the selector is "domains"; "host" is exact.
    below = field.endswith(".domains")
    return any(
        form(value) == form(entry)
        or (below and f".{form(value)}".endswith(f".{form(entry)}"))
        for entry in wanted
    )
