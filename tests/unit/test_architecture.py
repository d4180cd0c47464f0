"""The picture of the rooms is that of the code as it is."""

from pathlib import Path

import pytest

from docs import rooms


def test_the_committed_picture_is_the_one_that_the_code_gives() -> None:
    assert rooms.PICTURE.read_text() == rooms.picture(), "run `make picture` and commit docs/rooms.svg"


@pytest.mark.parametrize(
    ("module", "room"),
    [
        ("__main__", "__main__"),
        ("components.istio", "istio"),
        ("components.clusters.ec2.settings", "clusters"),
        ("multimesh.verify.judge", "multimesh"),
        ("lab.paths", "lab"),
    ],
)
def test_a_module_is_in_the_room_of_its_first_folder(module: str, room: str) -> None:
    assert rooms.room(module) == room


def test_an_import_counts_wherever_it_is_in_a_file(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("import components.istio\n\ndef late():\n    from components import echo, objects\n")
    assert list(rooms.imported(source)) == ["components.istio", "components.echo", "components.objects"]


def test_an_arrow_back_up_is_red_and_a_room_that_nobody_listed_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    order = ["__main__", "mesh", "new", "schema"]
    monkeypatch.setattr(rooms, "rooms_and_arrows", lambda: (order, {("__main__", "schema"), ("schema", "mesh")}))
    drawn = rooms.picture()
    assert drawn.count("#dc2626") == 2, "one arrow back up, and the legend's"
    assert ">new</text>" in drawn


def test_without_an_arrow_back_up_the_picture_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "rooms_and_arrows", lambda: (["mesh", "schema"], {("mesh", "schema")}))
    drawn = rooms.picture()
    assert "#dc2626" not in drawn
    assert "no import runs back up" in drawn
