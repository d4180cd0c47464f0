"""Documents and texts that are nearly right: for tests that no input ends in a traceback."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

BOUNDED = settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples in every run, in some seconds."""

WORDS = [
    "",
    " ",
    "\0",
    "\n",
    "a\nb",
    "..",
    "~nobody/x",
    "http://[",
    "9" * 20,
    "é",
    "\ud800",
    "a" * 300,
    "%",
]

texts = st.sampled_from(WORDS) | st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=5) | st.dates() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.integers(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """Return a document in which up to three values are others, are gone, or are there twice."""
    document = {"": copy.deepcopy(document)}
    for _ in range(draw(st.integers(0, 3))):
        place: tuple[Any, Any] = (document, "")
        inside, key = draw(st.sampled_from([*_places(document[""]), place]))
        change = draw(st.sampled_from(["replace", "replace", "remove", "repeat", "rename"]))
        if isinstance(inside, list):
            inside[key : key + 1] = (
                [draw(values)] if change == "replace" else [inside[key]] * (2 * (change == "repeat"))
            )
        elif change == "remove" and inside is not document:
            del inside[key]
        elif change == "rename" and inside is not document:
            inside[draw(texts)] = inside.pop(key)
        else:
            inside[key] = draw(values)
    return document[""]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list of a document with every key or index in it."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield value, key
        yield from _places(inner)


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """Return a text with a part cut out, repeated or replaced, in a few places."""
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        part = draw(st.binary(max_size=10) | st.just(text[start:end] * 2) | st.text(max_size=6).map(_encoded))
        text = text[:start] + part + text[end:]
    return text


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")
