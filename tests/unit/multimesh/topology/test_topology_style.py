"""The colours of the picture can be told apart by everybody, by day and in the dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest

from multimesh.topology.style import STYLE

_BLOCKS = re.findall(r"svg\.topology \{(.*?)\}", STYLE, re.DOTALL)
SCHEMES = {
    scheme: dict(re.findall(r"--([-\w]+): (#[0-9a-f]{6})", block))
    for scheme, block in zip(("light", "dark"), _BLOCKS, strict=True)
}
WORDS = [
    *((words, ground) for words in ("ink", "soft") for ground in ("ground", "panel", "gateway-ground")),
    ("ink", "service-ground"),
    ("ink", "trust-ground"),
    ("soft", "trust-ground"),
    ("mesh", "ground"),
    ("trust", "panel"),
    ("gateway", "ground"),
    ("bad", "bad-ground"),
]
LINES = [("edge", "ground"), ("mesh", "ground"), ("service", "panel"), ("trust", "ground"), ("bad", "panel")]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(scheme: str, one: str, other: str) -> float:
    low, high = sorted(luminance(SCHEMES[scheme][name]) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("words", "ground"), WORDS)
def test_words_stand_out(scheme: str, words: str, ground: str) -> None:
    assert contrast(scheme, words, ground) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("line", "ground"), LINES)
def test_lines_stand_out(scheme: str, line: str, ground: str) -> None:
    assert contrast(scheme, line, ground) >= 3
