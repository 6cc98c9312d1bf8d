import pytest

from local_cluster import cgroups, network, startup
from local_cluster.layout import Layout
from local_cluster.startup import is_at_work


class FakeSupervisor:
    """A supervisor at work."""

    def answers(self) -> bool:
        return True

    def pid(self) -> int:
        return 7


def test_a_cluster_in_namespaces_that_an_earlier_version_made_is_made_anew(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "members", lambda _layout: {7})
    monkeypatch.setattr(network, "has_interface", lambda _layout: True)
    supervisor = FakeSupervisor()
    assert not is_at_work(layout, supervisor)  # type: ignore[arg-type]

    startup.note_foundation(layout)
    assert is_at_work(layout, supervisor)  # type: ignore[arg-type]

    earlier = layout.run / "foundation.sh"
    earlier.write_text(earlier.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert not is_at_work(layout, supervisor)  # type: ignore[arg-type]
