from pathlib import Path

from local_cluster.component import Component


def test_the_digest_changes_with_what_is_read(tmp_path: Path) -> None:
    read = tmp_path / "config"
    part = Component(name="x", command=("/bin/x",), reads=(read,))
    read.write_text("a", encoding="utf-8")
    first = part.digest()

    read.write_text("b", encoding="utf-8")
    assert part.digest() != first
    read.write_text("a", encoding="utf-8")
    assert part.digest() == first
