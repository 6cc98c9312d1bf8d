from pathlib import Path
from typing import Any

import pytest

from local_cluster.definitions import GATEWAY_CLASS_DEFINITION, Definitions, DefinitionsError, definition_files
from local_cluster.layout import Layout


class FakeApi:
    """Notes what is applied, and shows a definition whose state the test sets."""

    def __init__(self) -> None:
        self.applied: list[list[str]] = []
        self.established = "False"

    def apply(self, *files: Path) -> None:
        self.applied.append([file.name for file in files])

    def get(self, path: str) -> dict[str, Any]:
        assert path == GATEWAY_CLASS_DEFINITION
        return {"status": {"conditions": [{"type": "Established", "status": self.established}]}}


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "share"
    for name in ("gateway-api", "traefik"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.yaml").write_text("kind: CustomResourceDefinition\n", encoding="utf-8")
    monkeypatch.setenv("DENSENET_TOOLS_SHARE", str(folder))
    return folder


def test_definitions_come_from_the_tools_share(share: Path) -> None:
    assert definition_files() == [share / "gateway-api/gateway-api.yaml", share / "traefik/traefik.yaml"]


def test_an_empty_folder_is_named(share: Path) -> None:
    (share / "traefik" / "traefik.yaml").unlink()

    with pytest.raises(DefinitionsError, match=r"/traefik holds no \*\.yaml: run `make tools`"):
        definition_files()


@pytest.mark.usefixtures("share")
def test_the_class_is_applied_after_its_definition(layout: Layout) -> None:
    api = FakeApi()
    definitions = Definitions(layout, api)  # type: ignore[arg-type]

    definitions.apply_definitions()
    assert definitions.reason_not_established() is not None
    api.established = "True"
    assert definitions.reason_not_established() is None
    assert not definitions.are_applied()
    definitions.apply_gateway_class()

    assert api.applied == [["gateway-api.yaml", "traefik.yaml", "access.yaml"], ["gateway-class.yaml"]]
    assert definitions.are_applied()


def test_changed_content_is_applied_again(layout: Layout, share: Path) -> None:
    Definitions(layout, FakeApi()).apply_gateway_class()  # type: ignore[arg-type]
    assert Definitions(layout, FakeApi()).are_applied()  # type: ignore[arg-type]

    (share / "traefik" / "traefik.yaml").write_text("kind: Other\n", encoding="utf-8")
    assert not Definitions(layout, FakeApi()).are_applied()  # type: ignore[arg-type]
