"""Evaluate the part of Gateway's expression language that these policies use, so that a policy can be tried offline.

Fields, operators and any() as in https://developers.cloudflare.com/cloudflare-one/traffic-policies/expression-syntax/. What is
outside this part raises an error: a policy that cannot be tried is not shown as tried.
"""

import re
from collections.abc import Callable

from operands import ExpressionError, Operand, contains, equal, literal

Value = str | int | list[str] | list[int]
FIELD = re.compile(r"(?!(?:and|any|in|not|or)$)[a-z][\w.]*", re.ASCII)
TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<list>\$[\w-]+)|(?P<word>[\w.:/]+(?:\[\*\])?)|(?P<sign>==|!=|[(){}]))'
)


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
        try:
            result = self._or()
        except RecursionError as error:
            raise ExpressionError("the brackets are nested too deep") from error
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
        if not FIELD.fullmatch(field):
            raise ExpressionError(f"{field} is no field")
        found = self._request.get(field, [])
        if isinstance(found, list) and found and not each:
            raise ExpressionError(f"{field} has many values: use any({field}[*] ...)")
        values = found if isinstance(found, list) else [found]
        operator = self._next()
        if operator == "in":
            wanted = self._set(field)
            return any(contains(field, entry, value) for value in values for entry in wanted)
        if operator not in ("==", "!="):
            raise ExpressionError(f"unknown operator {operator}")
        goal, same = literal(self._next(), field), operator == "=="
        hits = [equal(field, value, goal) for value in values]
        return any(hit == same for hit in hits) if each else any(hits) == same

    # --8<-- [end:evaluate]

    def _inner(self, rule: Callable[[], bool]) -> bool:
        self._expect("(")
        result: bool = rule()
        self._expect(")")
        return result

    def _set(self, field: str) -> list[Operand]:
        token = self._next()
        if token.startswith("$"):
            if token[1:] not in self._lists:
                raise ExpressionError(f"there is no list {token}")
            return [*self._lists[token[1:]]]
        if token != "{":
            raise ExpressionError(f"expected a set, found {token}")
        wanted = []
        while not self._take("}"):
            wanted.append(literal(self._next(), field))
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
