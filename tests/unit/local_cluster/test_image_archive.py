import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from local_cluster.image_archive import content_tag, image_from_program


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "pause"
    path.write_bytes(b"\x7fELF pretended")
    return path


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {member.name: opened.extractfile(member).read() for member in opened}  # type: ignore[union-attr]


def test_the_archive_is_an_oci_layout_whose_digests_hold(program: Path) -> None:
    files = members(image_from_program("localhost/pause:1", program))

    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    blobs = {name.removeprefix("blobs/sha256/"): blob for name, blob in files.items() if name.startswith("blobs/")}
    assert all(hashlib.sha256(blob).hexdigest() == name for name, blob in blobs.items())
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "localhost/pause:1"
    manifest = json.loads(blobs[entry["digest"].removeprefix("sha256:")])
    config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
    assert config["config"] == {"Entrypoint": ["/pause"], "Cmd": [], "User": "65534:65534"}
    layer = members(blobs[manifest["layers"][0]["digest"].removeprefix("sha256:")])
    assert layer == {"pause": program.read_bytes()}


def test_the_same_program_gives_the_same_bytes(program: Path) -> None:
    assert image_from_program("a:1", program) == image_from_program("a:1", program)


def test_the_tag_follows_the_content(program: Path) -> None:
    first = content_tag(program)
    program.write_bytes(b"another")

    assert content_tag(program) != first
