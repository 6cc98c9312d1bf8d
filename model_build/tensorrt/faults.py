"""TensorRT's log, kept while it works, and its failures as one line each."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import onnx

from model_build.errors import ModelBuildError, PlanError

_POLYGRAPHY: Final = "Polygraphy"
_ADVICE: Final = (
    (
        re.compile(r"out ?of ?memory|cudaErrorMemoryAllocation|Cuda failure: 2\b", re.IGNORECASE),
        "the GPU has not enough free memory; end what else runs on it, or lower model.batchProfile.largest",
    ),
    (
        re.compile(r"insufficient workspace|could not find any implementation", re.IGNORECASE),
        "the batch profile does not fit the workspace; raise model.workspaceMib, or lower model.batchProfile.largest",
    ),
    (
        re.compile(r"SM \d+ is not supported|unsupported SM", re.IGNORECASE),
        "this GPU is too old, or too new, for this TensorRT; accepted: another serving image, or another GPU",
    ),
    (
        re.compile(r"version tag|library version|engine version|not compatible with this version", re.IGNORECASE),
        "the plan is of another TensorRT; accepted: a plan that was compiled on this serving image",
    ),
)
_NODE: Final = re.compile(r"In node (\d+)\b")
_UNSUPPORTED: Final = re.compile(r"no importer|Plugin not found|creator &&", re.IGNORECASE)
_PLACE: Final = re.compile(r"^(\[[^\]]*\] ?)+")


class ErrorLog(logging.Handler):
    """Keeps the errors that TensorRT logs, oldest first."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep TensorRT's errors; Polygraphy's own, which say that there was one, are of the next level."""
        if record.levelno == logging.ERROR:
            self.lines.append(" ".join(record.getMessage().split()))


def send_to_log() -> None:
    """Let Polygraphy, and TensorRT through it, log where the rest of this program does, from warnings on."""
    from polygraphy.logger import G_LOGGER  # noqa: PLC0415  a build for ONNX Runtime does not need it

    G_LOGGER.use_python_logging_system, G_LOGGER.colors, G_LOGGER.letter = True, False, False
    logging.getLogger(_POLYGRAPHY).setLevel(logging.WARNING)


@contextmanager
def told_faults(doing: str, *, model: bytes = b"", otherwise: str = "") -> Iterator[None]:
    """Turn whatever TensorRT and Polygraphy raise into one line with TensorRT's own last error.

    Args:
        doing: what is going on, "TensorRT 10.6.0 cannot compile the model".
        model: the ONNX whose nodes TensorRT counts.
        otherwise: what is wrong, and accepted, where TensorRT's line says nothing that is known.

    Raises:
        PlanError: something failed.
    """
    log = ErrorLog()
    logger = logging.getLogger(_POLYGRAPHY)
    logger.addHandler(log)
    try:
        yield
    except ModelBuildError:
        raise
    except Exception as error:  # Polygraphy's, pybind11's and ctypes' have no root of their own
        own = log.lines[-1] if log.lines else " ".join(str(error).split()) or type(error).__name__
        raise PlanError(fault_from_line(own, doing=doing, model=model, otherwise=otherwise)) from error
    finally:
        logger.removeHandler(log)


def fault_from_line(line: str, *, doing: str, model: bytes = b"", otherwise: str = "") -> str:
    """Return one readable line from TensorRT's, with the node that it counts and what would mend it."""
    node = _node_from_line(line, model)
    line = _PLACE.sub("", line)
    if node and _UNSUPPORTED.search(line):
        return f"{doing}: it has no operator {node}; accepted: a model without it ({line})"
    if node:
        return f"{doing}: at {node}: {line}"
    advice = next((advice for pattern, advice in _ADVICE if pattern.search(line)), otherwise)
    return f"{doing}: {advice} ({line})" if advice else f"{doing}: {line}"


def _node_from_line(line: str, model: bytes) -> str:
    """Name the node that TensorRT's ONNX parser counts, "NonZero (node 'mask')"."""
    match = _NODE.search(line)
    if not match or not model:
        return ""
    nodes = onnx.load_model_from_string(model).graph.node
    number = int(match[1])
    if number >= len(nodes):
        return ""
    node = nodes[number]
    return f"{node.op_type} (node '{node.name}')" if node.name else f"{node.op_type} (node {number}, without a name)"
