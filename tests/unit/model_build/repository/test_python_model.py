"""The file that Triton loads as model.py, with the few things of Triton's that it uses in their place."""

import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.comparison import LOGITS
from model_build.adapt import classifier_from_original, original_from_onnx

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Tensor:
    name: str
    values: Array

    def as_numpy(self) -> Array:
        return self.values


@dataclass(frozen=True)
class Response:
    outputs: tuple[Tensor, ...] = ()
    error: str | None = None


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the backend's file as Triton's Python backend does."""
    triton = SimpleNamespace(
        get_input_tensor_by_name=lambda request, name: request[name],
        InferenceResponse=lambda outputs=(), error=None: Response(tuple(outputs), error),
        Tensor=Tensor,
        TritonError=str,
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton)
    monkeypatch.delitem(sys.modules, "model_build.repository.python_model", raising=False)
    return importlib.import_module("model_build.repository.python_model")


@pytest.fixture
def loaded(backend: ModuleType, tmp_path: Path, tiny_classifier: Callable[..., bytes]) -> Callable[[int], Any]:
    """Load the tiny classifier, to be served with a maximum batch size."""

    def load(max_batch_size: int) -> Any:
        (tmp_path / "1").mkdir()
        original = original_from_onnx(tiny_classifier(), name="tiny")
        images = np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32)
        classifier = classifier_from_original(original, images, scale=LOGITS, max_batch_size=max_batch_size)
        (tmp_path / "1" / "model.onnx").write_bytes(classifier.onnx)
        model = backend.TritonPythonModel()
        config = {"max_batch_size": max_batch_size, "parameters": {"intra_op_threads": {"string_value": "1"}}}
        model.initialize(
            {
                "model_config": json.dumps(config),
                "model_repository": str(tmp_path),
                "model_version": "1",
            }
        )
        return model

    return load


def request(*shades: float, batched: bool) -> dict[str, Tensor]:
    images = np.stack([np.full((3, 224, 224), shade, np.float32) for shade in shades])
    return {"input": Tensor("input", images if batched else images[0])}


def test_one_image_without_a_batch_gives_one_row(loaded: Callable[[int], Any]) -> None:
    (response,) = loaded(0).execute([request(2, batched=False)])
    (output,) = response.outputs
    assert output.name == "output"
    assert output.values.dtype == np.float32
    assert output.values.tolist() == [-11, 8, 8, 8]


def test_batches_of_several_requests_are_given_back_to_each(loaded: Callable[[int], Any]) -> None:
    requests = [request(1, 2, batched=True), request(3, batched=True), request(4, 5, 6, batched=True)]
    responses = loaded(8).execute(requests)
    reds = [response.outputs[0].values[:, 1].tolist() for response in responses]
    assert reds == [[4, 8], [12], [16, 20, 24]]


def test_one_request_s_images_are_not_copied(loaded: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    model = loaded(8)
    monkeypatch.setattr(np, "concatenate", fail)
    (response,) = model.execute([request(1, 2, batched=True)])
    assert response.error is None


def test_a_failing_request_gets_its_reason_and_the_others_their_scores(
    loaded: Callable[[int], Any],
) -> None:
    wrong = {"input": Tensor("input", np.zeros((3, 7, 7), np.float32))}
    good = request(2, batched=False)
    first, second, third = loaded(0).execute([good, wrong, good])
    assert second.error
    assert second.error.startswith("inference failed: ")
    assert [first.error, third.error] == [None, None]


def test_every_request_of_a_failing_batch_gets_the_reason(loaded: Callable[[int], Any]) -> None:
    wrong = {"input": Tensor("input", np.zeros((1, 3, 7, 7), np.float32))}
    responses = loaded(8).execute([wrong, wrong])
    assert [bool(response.error) for response in responses] == [True, True]


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 4),
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "800000 100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ],
    ids=str,
)
def test_threads_are_the_container_s_cpus(
    backend: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    files: dict[str, str],
    cpus: int,
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(backend, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert backend.available_cpus() == cpus


@pytest.mark.parametrize(
    ("config", "threads"),
    [({}, 0), ({"parameters": {}}, 0), ({"parameters": {"intra_op_threads": {"string_value": "3"}}}, 3)],
)
def test_the_configuration_may_set_the_threads(backend: ModuleType, config: dict[str, Any], threads: int) -> None:
    assert backend.configured_threads(config) == threads
