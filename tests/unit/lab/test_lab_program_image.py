"""The image of programs for the end-to-end tests."""

import tarfile
from pathlib import Path

import pytest

from lab import program_image
from lab.images import ImageError

MMDEBSTRAP = """#!/bin/sh
for target; do :; done
tar --create --file "$target" --files-from /dev/null
echo made >>"$(dirname "$target")/runs"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and mmdebstrap that makes an empty base."""
    monkeypatch.setattr(program_image, "CACHE", tmp_path)
    monkeypatch.setattr(program_image, "ARCHIVE", tmp_path / "programs.tar")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    say(tmp_path, MMDEBSTRAP)
    return tmp_path


def say(cache: Path, script: str) -> None:
    program = cache / "mmdebstrap"
    program.write_text(script)
    program.chmod(0o755)


def test_it_is_made_once(cache: Path) -> None:
    assert program_image.make() == program_image.make()
    assert (cache / "runs").read_text() == "made\n"


def test_it_is_an_oci_layout(cache: Path) -> None:  # noqa: ARG001  it is made there
    with tarfile.open(program_image.make()) as archive:
        assert {"oci-layout", "index.json"} <= set(archive.getnames())


def test_a_failure_says_what_the_tool_said_and_leaves_no_archive(cache: Path) -> None:
    say(cache, "#!/bin/sh\necho no mirror answers >&2; exit 1")
    with pytest.raises(ImageError, match="no mirror answers"):
        program_image.make()
    assert not list(cache.glob("*.tar"))
