import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.errors import DeployError
from deploy.sources import stage_source
from infra.config import REPOSITORY, StackConfig, config_from_values

MODEL = b"an ONNX file's bytes"
DIGEST = hashlib.sha256(MODEL).hexdigest()


def stack(storage: Path, **source: Any) -> StackConfig:
    values = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    values["densenet-triton:storage"]["path"] = str(storage)
    values["densenet-triton:model"]["source"] = source
    return config_from_values(values, stack="dev")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    folder = tmp_path / "storage"
    folder.mkdir()
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "a model.onnx"
    path.write_bytes(MODEL)
    return path


def test_a_local_model_is_staged_by_its_digest(storage: Path, model: Path) -> None:
    stage_source(stack(storage, kind="onnx", url=f"file://{model}", sha256=DIGEST))

    staged = storage / "sources" / DIGEST
    assert staged.read_bytes() == MODEL
    assert (staged.stat().st_uid, staged.stat().st_mode & 0o777) == (storage.stat().st_uid, 0o644)
    assert [path.name for path in staged.parent.iterdir()] == [DIGEST]


def test_a_model_of_another_digest_is_refused_and_not_staged(storage: Path, model: Path) -> None:
    with pytest.raises(DeployError, match=DIGEST):
        stage_source(stack(storage, kind="onnx", url=f"file://{model}", sha256="0" * 64))

    assert list(storage.iterdir()) == []


@pytest.mark.parametrize(
    "source",
    [{"kind": "fixture"}, {"kind": "onnx", "url": "https://example.org/model.onnx", "sha256": DIGEST}],
    ids=["fixture", "https"],
)
def test_other_sources_need_no_staging(storage: Path, source: dict[str, str]) -> None:
    stage_source(stack(storage, **source))

    assert list(storage.iterdir()) == []
