import re

from infra.images import REPOSITORY, debian_base

_DEBIAN = re.compile(r"\bdebian:[\w.-]+")


def test_every_debian_of_the_images_is_of_one_day_and_known_to_the_builder() -> None:
    """One date for all: what is built together has the same security updates."""
    found = {
        file.relative_to(REPOSITORY).as_posix(): _DEBIAN.findall(file.read_text())
        for file in (REPOSITORY / "images").rglob("Containerfile")
    }

    named = {debian for names in found.values() for debian in names}
    assert named == {debian_base("triton-cpu")}, found
