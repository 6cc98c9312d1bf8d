import pytest

from model_build.errors import TargetError
from model_build.repository import TARGETS, target_named


def test_onnxruntime_is_a_target() -> None:
    assert target_named("onnxruntime", precision="fp32") is TARGETS["onnxruntime"]


@pytest.mark.parametrize(
    ("name", "precision", "reason"),
    [
        ("tensorrt", "fp32", "target tensorrt is not built yet; accepted: onnxruntime"),
        ("torch", "fp32", "target torch is unknown; accepted: onnxruntime"),
        ("onnxruntime", "fp16", "target onnxruntime is not built in precision fp16; accepted: fp32"),
    ],
)
def test_what_is_not_built_is_refused(name: str, precision: str, reason: str) -> None:
    with pytest.raises(TargetError) as raised:
        target_named(name, precision=precision)
    assert str(raised.value) == reason
