"""The part of the rules language that the example uses, so that a rule can be tried with a request.

Functions and operators as in https://developers.cloudflare.com/ruleset-engine/rules-language/. Comparisons of text tell upper from lower
case. What is outside this part is an error.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(r'\s*("[^"]*"|[\w.]+|[(){},])')
FUNCTIONS: dict[str, Callable[..., Any]] = {"lower": str.lower, "starts_with": str.startswith}


class Rule:
    """One expression over one request, field to value."""

    def __init__(self, text: str, request: Mapping[str, str]) -> None:
        self._tokens = TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(r'("[^"]*")|\s', lambda m: m[1] or "", text), text
        self._request = request

    def holds(self) -> bool:
        result = self._any()
        assert not self._tokens, self._tokens
        return result

    def _any(self) -> bool:
        result = self._all()
        while self._take("or"):
            result = self._all() or result
        return result

    def _all(self) -> bool:
        result = self._one()
        while self._take("and"):
            result = self._one() and result
        return result

    def _one(self) -> bool:
        if self._take("not"):
            return not self._one()
        if self._take("("):
            result = self._any()
            assert self._take(")")
            return result
        left = self._value()
        if self._take("eq"):
            return bool(left == self._value())
        if self._take("contains"):
            return self._value() in left
        if self._take("in"):
            return left in self._set()
        assert isinstance(left, bool), left
        return left

    def _value(self) -> Any:
        word = self._tokens.pop(0)
        if word.startswith('"'):
            return word[1:-1]
        if word in FUNCTIONS:
            assert self._take("(")
            given = [self._value()]
            while self._take(","):
                given.append(self._value())
            assert self._take(")")
            return FUNCTIONS[word](*given)
        return self._request[word]

    def _set(self) -> list[str]:
        assert self._take("{")
        found = []
        while not self._take("}"):
            found.append(self._tokens.pop(0).strip('"'))
        return found

    def _take(self, word: str) -> bool:
        if self._tokens and self._tokens[0] == word:
            self._tokens.pop(0)
            return True
        return False
