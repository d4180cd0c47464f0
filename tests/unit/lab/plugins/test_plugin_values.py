"""The wire format of properties, as the stand-in plugins read and write it."""

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from lab.plugins.values import UNKNOWN, Secret, conceal, decode, encode, has_secret, has_unknown, reveal

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
UNKNOWN_NUMBER = "3eeb2bf0-c639-47a8-9e75-3b44932eb421"

plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    plain | st.just(UNKNOWN),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner.filter(lambda v: v is not None)) | inner.map(Secret)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values.filter(lambda value: value is not None)))
def test_properties_survive_the_wire(properties: dict[str, object]) -> None:
    assert decode(encode(properties)) == properties


def test_a_secret_on_the_wire_is_the_envelope_that_the_engine_knows() -> None:
    assert encode({"key": Secret("value")}) == ParseDict({"key": SECRET | {"value": "value"}}, Struct())


def test_an_unknown_of_any_type_is_unknown() -> None:
    assert decode(ParseDict({"port": UNKNOWN_NUMBER}, Struct())) == {"port": UNKNOWN}


def test_whole_numbers_are_integers_because_the_kubernetes_api_refuses_fractions() -> None:
    assert isinstance(decode(encode({"port": 80.0}))["port"], int)


def test_entries_without_a_value_are_left_out() -> None:
    assert decode(ParseDict({"absent": None, "list": [None]}, Struct())) == {"list": [None]}


def test_what_no_property_can_be_is_an_error() -> None:
    with pytest.raises(TypeError, match="cannot be a set"):
        encode({"key": set()})


@given(values)
def test_nothing_that_was_revealed_is_a_secret(value: object) -> None:
    assert not has_secret(reveal(value))


def test_one_secret_entry_does_not_hide_its_neighbours() -> None:
    like = {"metadata": {"annotations": {"token": Secret("t"), "team": "a"}}}

    assert conceal(reveal(like), like) == like


def test_a_list_that_holds_a_secret_is_hidden_whole() -> None:
    assert conceal({"args": ["--password", "p"]}, {"args": ["--password", Secret("p")]}) == {
        "args": Secret(["--password", "p"])
    }


def test_a_secret_holds_the_unknown_in_it() -> None:
    assert has_unknown({"data": Secret({"key": UNKNOWN})})
