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
        "compilation": None if compilation is None else document_from_compilation(compilation),
    }


def record_from_document(document: Mapping[str, Any]) -> TensorRTRecord:
    """Read a record.

    Raises:
        LookupError, TypeError, ValueError: it is none.
    """
    major, minor, patch = (int(part) for part in document["version"].split("."))
    gpu, compilation = document["gpu"], document["compilation"]
    machine = Machine(
        version=(major, minor, patch),
        gpu=Gpu(product=gpu["product"], compute_capability=gpu["computeCapability"], driver=gpu["driver"]),
    )
    return TensorRTRecord(
        machine=machine, compilation=None if compilation is None else compilation_from_document(compilation)
    )


def document_from_compilation(compilation: Compilation) -> dict[str, Any]:
    """Return how a plan was compiled as JSON."""
    profile = compilation.profile
    return {
        "profile": {"smallest": profile.smallest, "typical": profile.typical, "largest": profile.largest},
        "workspaceMib": compilation.workspace_mib,
        "tacticSources": list(compilation.tactic_sources),
        "buildSeconds": compilation.build_seconds,
        "cacheHit": compilation.cache_hit,
    }


def compilation_from_document(document: Mapping[str, Any]) -> Compilation:
    """Read how a plan was compiled.

    Raises:
        LookupError, TypeError, ValueError: it is no such document.
    """
    return Compilation(
        profile=BatchProfile(**document["profile"]),
        workspace_mib=document["workspaceMib"],
        tactic_sources=tuple(document["tacticSources"]),
        build_seconds=document["buildSeconds"],
        cache_hit=document["cacheHit"],
    )
