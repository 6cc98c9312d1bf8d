import sys
from pathlib import Path

from local_cluster.image_archive import image_from_program
from tests.cluster.driver import ClusterDriver


def test_what_is_no_image_is_refused(cluster: ClusterDriver, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no image", encoding="utf-8")

    assert f"{text}: not imported" in cluster.refusal("load", str(text))


def test_a_file_that_is_not_there_is_refused(cluster: ClusterDriver) -> None:
    assert "/absent.tar: no such file" in cluster.refusal("load", "/absent.tar")


def test_another_image_than_the_expected_one_is_named(cluster: ClusterDriver, tmp_path: Path) -> None:
    archive = tmp_path / "other.tar"
    archive.write_bytes(image_from_program("localhost/other:1", Path(sys.executable)))

    refusal = cluster.refusal("load", str(archive), "--ref", "localhost/expected:1")

    assert refusal == f"error: {archive}: imported, but there is no image localhost/expected:1 in it"


def test_a_present_image_is_not_read_again(cluster: ClusterDriver) -> None:
    pause = cluster.kubectl("get", "node", cluster.name, "--output=jsonpath={.status.images[*].names[*]}").split()
    reference = next(name for name in pause if name.startswith("localhost/pause:"))

    assert cluster.run("load", "/absent.tar", "--ref", reference) == f"{reference} is present\n"
