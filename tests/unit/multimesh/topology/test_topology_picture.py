"""The picture: its shape, and that nothing from outside can change more than words in it."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from drawn_stacks import exposure, outputs
from typer.testing import CliRunner

import multimesh.__main__ as command
from docs import meshes
from multimesh import stack as stacks
from multimesh.contract import VerifyOutputs
from multimesh.topology.layout import layout
from multimesh.topology.model import Topology, topology
from multimesh.topology.page import page
from multimesh.topology.rows import rows
from multimesh.topology.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert(1)</script>\x1b\x00\u202e\"'&"
SIZES = [(1, 0), (1, 1), (2, 3), (4, 24), (5, 30), (20, 100)]


class Tags(HTMLParser):
    """The names of the tags and attributes that a browser sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


def texts(drawn: str) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(drawn).iter(f"{SVG}text")]  # noqa: S314  our own


@pytest.mark.parametrize("path", meshes.OUTPUTS, ids=lambda path: path.stem)
def test_the_pictures_of_the_documentation_are_those_of_their_outputs(path: Path) -> None:
    assert path.with_suffix(".svg").read_text() == meshes.picture(path), "run `make picture` and commit it"


@pytest.mark.parametrize(("count", "services"), SIZES)
def test_nothing_lies_over_anything_else(count: int, services: int) -> None:
    picture = topology(outputs(count, services))
    where = layout(picture, rows(picture.services))
    boxes = [*where.cards, where.trust]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
            assert apart, (one, other)
    assert max(card.bottom for card in where.cards) <= where.columns[0].y
    assert all(one.right <= other.x for one, other in pairwise(where.columns))
    assert max(box.right for box in (*boxes, *where.columns)) <= where.width
    assert max([where.columns[0].bottom, *where.rows]) < where.height


@pytest.mark.parametrize(("count", "services"), SIZES)
def test_every_mesh_and_service_is_named(count: int, services: int) -> None:
    picture = topology(outputs(count, services))
    drawn = svg(picture)
    assert all(mesh.name in texts(drawn) for mesh in picture.meshes)
    assert all(service.name in drawn for service in picture.services)


def test_no_letter_is_tiny_and_the_picture_has_a_name_and_a_description() -> None:
    drawn = svg(topology(outputs()))
    root = ET.fromstring(drawn)  # noqa: S314  our own
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "2 meshes under one root CA, 1 exported service"
    assert "service-000.shop.global: answered by mesh-00 (50 %), mesh-01 (50 %)" in (root.findtext(f"{SVG}desc") or "")
    sizes = [float(part.split("px")[0]) for part in drawn.replace("font: ", "font-size: ").split("font-size: ")[1:]]
    assert min(sizes) >= 12


def test_the_same_outputs_give_the_same_bytes() -> None:
    text = outputs(7, 40).model_dump_json()
    first, second = (svg(topology(VerifyOutputs.model_validate_json(text))) for _ in range(2))
    assert first == second


def hostile() -> VerifyOutputs:
    """Outputs in which everything that comes from outside is markup or acts on a terminal."""
    about = {"gateway_address": EVIL, "gateway_port": 1, "trust_domain": EVIL}
    own = {**about, "ingress_url": EVIL, "https_url": EVIL, "ca_expires": EVIL, "cluster": EVIL}
    name = f"{EVIL}.{EVIL}.{EVIL}"
    return VerifyOutputs.model_validate(
        outputs(2, 0).model_dump()
        | {
            "meshes": {"a" + EVIL: own},
            "peers": {"b" + EVIL: {**about, "stack": EVIL}},
            "services": {name: {"a" + EVIL: 1, "b" + EVIL: 1}},
            "root_ca_expires": EVIL,
            "root_ca_fingerprint": EVIL,
            "exposure": [exposure(f"{EVIL}.{EVIL}:80", EVIL), exposure(f"{EVIL}.{EVIL} as {EVIL}", "anybody")],
            "preferences": {name: [EVIL]},
        }
    )


@pytest.mark.parametrize("draw", [svg, page])
def test_what_comes_from_outside_is_text_and_nothing_else(draw: Callable[[Topology], str]) -> None:
    drawn = draw(topology(hostile()))
    parser = Tags()
    parser.feed(drawn)
    assert "svg" in parser.seen
    assert not parser.seen & {"script", "href", "src", "onload"}
    assert "alert(1)" in drawn
    assert all(letter.isprintable() or letter == "\n" for letter in drawn)


def test_the_picture_of_hostile_outputs_is_well_formed() -> None:
    assert any("<script>" in text for text in texts(svg(topology(hostile()))))


def test_the_page_loads_and_runs_nothing() -> None:
    drawn = page(topology(outputs()))
    assert "default-src 'none'" in drawn
    assert "<script" not in drawn
    assert "<td>service-000.shop.global</td>" in drawn


@pytest.mark.parametrize(("output", "start"), [("svg", "<svg "), ("html", "<!doctype html>"), ("json", "{")])
def test_the_command_prints_each_form(output: str, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "read_outputs", lambda _stack: outputs())
    result = CliRunner().invoke(command.app, ["topology", "--output", output])
    assert result.exit_code == 0
    assert result.stdout.startswith(start)
