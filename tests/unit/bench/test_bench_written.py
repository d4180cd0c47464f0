"""The count of what is written to a backend."""

from pathlib import Path

from bench.written import written


def test_files_that_are_written_and_files_that_take_their_place_are_counted(tmp_path: Path) -> None:
    backend, elsewhere = tmp_path / "backend", tmp_path / "elsewhere"
    (backend / "stacks").mkdir(parents=True)
    with written(backend) as found:
        (backend / "stacks/a").write_bytes(b"12345")
        elsewhere.write_bytes(b"123")
        elsewhere.rename(backend / "stacks/b")
    assert (found.files, found.bytes) == (2, 8)
