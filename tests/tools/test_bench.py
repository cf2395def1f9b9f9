"""The benchmark names each figure that is over its limit, and no other."""

import pytest

from tools.bench.__main__ import judge

VISIT = {"page": "home", "performance": 97, "accessibility": 100, "best-practices": 100, "seo": 100} | {
    "blocking_ms": 100,
    "shift": 0,
    "kb": 120,
}
GOOD = {"build": {"ratio": 1.5}, "visits": [VISIT]}


def test_what_is_within_its_limit_is_not_named():
    assert judge(GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"build": {"ratio": 1.51}}, "a build takes 1.51 times"),
        *(
            ({"visits": [VISIT | {name: value}]}, f"home: {words}")
            for name, value, words in (
                ("performance", 96, "performance is 96"),
                ("accessibility", 99, "accessibility is 99"),
                ("best-practices", 99, "best-practices is 99"),
                ("seo", 99, "seo is 99"),
                ("blocking_ms", 101, "101 ms blocking"),
                ("shift", 0.1, "the page moves by 0.1"),
                ("kb", 121, "121 kB"),
            )
        ),
    ],
)
def test_what_is_over_its_limit_is_named_alone(change: dict, words: str):
    [said] = judge(GOOD | change)
    assert said.startswith(words)
