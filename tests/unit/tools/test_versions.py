import pytest

from tools.versions import VersionRange, version_in


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Kubernetes v1.37.2", (1, 37, 2)),
        ("etcd Version: 3.6.7\nGit SHA: Not provided", (3, 6, 7)),
        ("containerd github.com/containerd/containerd/v2 v2.4.2 ", (2, 4, 2)),
        ("containerd-shim-runc-v2:\n  Version:  2.4.2+unknown", (2, 4, 2)),
        ("CoreDNS-1.15.0\nlinux/amd64, go1.26.8, ", (1, 15, 0)),
        ("Version:      dev", None),
    ],
)
def test_the_first_version_of_three_numbers_is_found(text: str, version: tuple[int, ...] | None) -> None:
    assert version_in(text) == version


@pytest.mark.parametrize(
    ("version", "is_in"),
    [((1, 35, 9), False), ((1, 36, 0), True), ((1, 38, 12), True), ((1, 39, 0), False)],
)
def test_a_range_includes_its_lower_limit_and_not_its_upper(version: tuple[int, ...], is_in: bool) -> None:  # noqa: FBT001 - a table's column
    assert (version in VersionRange.parsed(">=1.36, <1.39")) is is_in


def test_an_exact_version_has_no_neighbours() -> None:
    exact = VersionRange.parsed("==4.25.0")

    assert (4, 25, 0) in exact
    assert (4, 25, 1) not in exact


@pytest.mark.parametrize("text", ["~1.2", ">=1.2 <2", "", "1.2.3.4"])
def test_what_is_no_clause_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"accepted: >=1.2, <2, ==1.2.3"):
        VersionRange.parsed(text)
