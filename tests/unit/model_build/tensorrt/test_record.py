import json
from typing import Any

import pytest

from model_build.tensorrt.device import BatchProfile, Machine
from model_build.tensorrt.record import (
    Compilation,
    TensorRTRecord,
    document_from_compilation,
    document_from_record,
    record_from_document,
)
from tests.unit.model_build.onnx_device import H800

MACHINE = Machine(version=(10, 6, 0), gpu=H800)
COMPILATION = Compilation(
    profile=BatchProfile(typical=8, largest=64),
    workspace_mib=4096,
    tactic_sources=("CUBLAS", "CUDNN"),
    build_seconds=34.6,
    cache_hit=True,
)


@pytest.mark.parametrize("compilation", [COMPILATION, None])
def test_a_record_is_read_as_it_was_written(compilation: Compilation | None) -> None:
    record = TensorRTRecord(machine=MACHINE, compilation=compilation)
    assert record_from_document(json.loads(json.dumps(document_from_record(record)))) == record


def test_what_nobody_knows_of_a_prebuilt_plan_is_null() -> None:
    document = document_from_record(TensorRTRecord(machine=MACHINE, compilation=None))
    assert document == {
        "version": "10.6.0",
        "gpu": {"product": "NVIDIA-H800", "computeCapability": "9.0", "driver": "550.54.15"},
        "compilation": None,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "10.6"},
        {"version": "ten"},
        {"gpu": {}},
        {"compilation": {}},
        {"compilation": "none"},
        {"compilation": document_from_compilation(COMPILATION) | {"profile": {"colour": 1}}},
    ],
)
def test_what_is_no_record_is_refused(changes: dict[str, Any]) -> None:
    document = document_from_record(TensorRTRecord(machine=MACHINE, compilation=COMPILATION))
    with pytest.raises((LookupError, TypeError, ValueError)):
        record_from_document(document | changes)
