import logging
from collections.abc import Callable

import onnx
import pytest

from model_build.errors import AdaptError, PlanError
from model_build.tensorrt.faults import fault_from_line, told_faults

DOING = "TensorRT 10.6.0 cannot compile the model"


def test_a_missing_operator_is_named_with_its_node(tiny_classifier: Callable[..., bytes]) -> None:
    line = (
        "In node 1 with name:  and operator: Conv (checkFallbackPluginImporter): INVALID_NODE: creator && "
        '"Plugin not found, are the plugin name, version, and namespace correct?"'
    )
    text = fault_from_line(line, doing=DOING, model=tiny_classifier())
    assert text.startswith(f"{DOING}: it has no operator Conv (node 'spatial'); accepted: a model without it (In")


def test_another_fault_at_a_node_names_it_too(tiny_classifier: Callable[..., bytes]) -> None:
    line = "In node 0 (importPool): INVALID_VALUE: Assertion failed: dims.nbDims > 2"
    text = fault_from_line(line, doing=DOING, model=tiny_classifier())
    assert text == f"{DOING}: at GlobalAveragePool (node 'pooled'): {line}"


def test_an_operator_that_tensorrt_has_is_not_called_missing(tiny_classifier: Callable[..., bytes]) -> None:
    line = (
        "In node 1 with name: conv and operator: Conv (importConv): UNSUPPORTED_NODE_ATTR: Assertion failed: "
        '!attrs.count("reduction"): Attribute reduction is not supported.'
    )
    text = fault_from_line(line, doing=DOING, model=tiny_classifier())
    assert text == f"{DOING}: at Conv (node 'spatial'): {line}"


def test_a_node_without_a_name_is_counted(tiny_classifier: Callable[..., bytes]) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    model.graph.node[1].name = ""
    text = fault_from_line("In node 1 (importConv): no", doing=DOING, model=model.SerializeToString())
    assert text == f"{DOING}: at Conv (node 1, without a name): In node 1 (importConv): no"


WORKSPACE = (
    "[optimizer.cpp::computeCosts::4048] Error Code 10: Internal Error (Could not find any implementation for "
    "node /conv0/Conv due to insufficient workspace. See verbose log for requested sizes.)"
)
VERSION = (
    "1: [stdArchiveReader.cpp::StdArchiveReader::30] Error Code 1: Serialization (Serialization assertion "
    "stdVersionRead == serializationVersion failed.Version tag does not match. Note: Current Version: 236, "
    "Serialized Engine Version: 239)"
)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (WORKSPACE, "the batch profile does not fit the workspace; raise model.workspaceMib, or lower model.batchProf"),
        (
            "[defaultAllocator.cpp::allocate::19] Error Code 1: Cuda Runtime (out of memory)",
            "the GPU has not enough free memory; end what else runs on it",
        ),
        (
            "[virtualMemoryBuffer.cpp::resizePhysical::127] Error Code 2: OutOfMemory (no further information)",
            "the GPU has not enough free memory; end what else runs on it",
        ),
        (
            "Target GPU SM 52 is not supported by this TensorRT release.",
            "this GPU is too old, or too new, for this TensorRT; accepted: another serving image, or another GPU",
        ),
        (VERSION, "the plan is of another TensorRT; accepted: a plan that was compiled on this serving image"),
        ("Error Code 9: Internal Error (something new)", "Error Code 9: Internal Error (something new)"),
    ],
)
def test_each_known_fault_says_what_mends_it(line: str, advice: str) -> None:
    text = fault_from_line(line, doing=DOING)
    assert text.startswith(f"{DOING}: {advice}")
    assert line.rpartition("] ")[2].split(" (")[0] in text
    assert "\n" not in text


def test_what_is_not_known_is_told_with_what_is_likely() -> None:
    text = fault_from_line(
        "Magic tag does not match", doing="cannot run", otherwise="it is damaged; accepted: a whole one"
    )
    assert text == "cannot run: it is damaged; accepted: a whole one (Magic tag does not match)"


def test_tensorrt_s_own_last_error_is_the_reason() -> None:
    polygraphy = logging.getLogger("Polygraphy")

    def fail() -> None:
        polygraphy.error("the first")
        polygraphy.error("the last,\n    of two lines")
        polygraphy.warning("a warning")
        polygraphy.critical("Invalid Engine. Please ensure the engine was built correctly")
        raise RuntimeError("Invalid Engine. Please ensure the engine was built correctly")

    with pytest.raises(PlanError) as raised, told_faults(DOING):
        fail()
    assert str(raised.value) == f"{DOING}: the last, of two lines"
    assert polygraphy.handlers == []


@pytest.mark.parametrize(
    ("error", "reason"), [(TypeError("factory\nfailed"), "factory failed"), (MemoryError(), "Memo")]
)
def test_without_a_logged_error_the_exception_is_the_reason(error: Exception, reason: str) -> None:
    with pytest.raises(PlanError, match=f"^{DOING}: {reason}"), told_faults(DOING):
        raise error


def test_our_own_errors_are_left_as_they_are() -> None:
    with pytest.raises(AdaptError, match=r"^ours$"), told_faults(DOING):
        raise AdaptError("ours")
