from pathlib import Path

from tests.cluster.driver import ClusterDriver


def test_what_is_no_image_is_refused(cluster: ClusterDriver, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no image", encoding="utf-8")

    assert f"{text}: not imported" in cluster.refusal("load", str(text))


def test_a_file_that_is_not_there_is_refused(cluster: ClusterDriver) -> None:
    assert "/absent.tar: no such file" in cluster.refusal("load", "/absent.tar")


def test_a_present_image_is_not_read_again(cluster: ClusterDriver) -> None:
    pause = cluster.kubectl("get", "node", cluster.name, "--output=jsonpath={.status.images[*].names[*]}").split()
    reference = next(name for name in pause if name.startswith("localhost/pause:"))

    assert cluster.run("load", "/absent.tar", "--ref", reference) == f"{reference} is present\n"
