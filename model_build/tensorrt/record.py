"""The manifest's group ``tensorrt``: what a plan is tied to, and how it was compiled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_build.tensorrt.device import BatchProfile, Gpu, Machine


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """How a plan was compiled."""

    profile: BatchProfile
    workspace_mib: int
    tactic_sources: tuple[str, ...]
    build_seconds: float
    cache_hit: bool


@dataclass(frozen=True, kw_only=True)
class TensorRTRecord:
    """A plan's machine.

    Attributes:
        compilation: None for a prebuilt plan, of which nobody knows how it was compiled.
    """

    machine: Machine
    compilation: Compilation | None


def document_from_record(record: TensorRTRecord) -> dict[str, Any]:
    """Return a record as JSON."""
    gpu, compilation = record.machine.gpu, record.compilation
    return {
        "version": record.machine.version_text,
        "gpu": {"product": gpu.product, "computeCapability": gpu.compute_capability, "driver": gpu.driver},
        "profile": None
        if compilation is None
        else {
            "smallest": compilation.profile.smallest,
            "typical": compilation.profile.typical,
            "largest": compilation.profile.largest,
        },
        "workspaceMib": None if compilation is None else compilation.workspace_mib,
        "tacticSources": [] if compilation is None else list(compilation.tactic_sources),
        "buildSeconds": None if compilation is None else compilation.build_seconds,
        "cacheHit": False if compilation is None else compilation.cache_hit,
    }


def record_from_document(document: Mapping[str, Any]) -> TensorRTRecord:
    """Read a record.

    Raises:
        LookupError, TypeError, ValueError: it is none.
    """
    major, minor, patch = (int(part) for part in document["version"].split("."))
    gpu, profile = document["gpu"], document["profile"]
    machine = Machine(
        version=(major, minor, patch),
        gpu=Gpu(product=gpu["product"], compute_capability=gpu["computeCapability"], driver=gpu["driver"]),
    )
    if profile is None:
        return TensorRTRecord(machine=machine, compilation=None)
    return TensorRTRecord(
        machine=machine,
        compilation=Compilation(
            profile=BatchProfile(**profile),
            workspace_mib=document["workspaceMib"],
            tactic_sources=tuple(document["tacticSources"]),
            build_seconds=document["buildSeconds"],
            cache_hit=document["cacheHit"],
        ),
    )
