"""A published plan in a few readable lines."""

import json

from contract.manifest import GoldenPicture, Manifest
from contract.preprocessing import Preprocessing
from model_build.tensorrt.record import TensorRTRecord, record_from_document


def summary_from_manifest(manifest: Manifest) -> str:
    """Describe a plan: what it is, where it came from, what it answers to the expected image."""
    golden, reference = manifest.golden, manifest.reference
    difference = "none"
    if reference is not None:
        figures = f"{reference.largest:.2g} spreads of its scores, cosine {reference.cosine:.6f}"
        difference = f"differs by at most {figures}"
    tensorrt = {} if manifest.tensorrt is None else _tensorrt_rows(record_from_document(manifest.tensorrt))
    rows = {
        "model": f"{manifest.model}, {manifest.classes} classes, maxBatchSize {manifest.max_batch_size}",
        "target": f"{manifest.target}, {manifest.precision}",
        "input": f"{'x'.join(map(str, manifest.shape))}, {_preprocessing_text(manifest.preprocessing)}",
        "source": f"{manifest.source.kind} {manifest.source.name}",
        "sha256": manifest.source.sha256,
        "built with": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        **tensorrt,
        "original": difference,
        "golden": "; ".join(map(_golden_text, golden.pictures)),
        "tolerance": f"{golden.tolerance.largest} spreads, cosine {golden.tolerance.cosine}; {golden.scale}",
        "files": f"{len(manifest.files)}, each with its sha256",
    }
    width = max(map(len, rows))
    return "\n".join([f"plan {manifest.plan_id}", *(f"  {name:{width}}  {text}" for name, text in rows.items())])


def _preprocessing_text(preprocessing: Preprocessing) -> str:
    """A preprocessing as a stack's file would declare it."""
    return json.dumps(preprocessing.document()).replace('"', "")


def _golden_text(picture: GoldenPicture) -> str:
    expected = picture.expectation
    score = "not measured" if picture.scores is None else f"{picture.scores[expected.class_index]:.6f}"
    return f"{score} ({expected.class_index}) = {expected.label}"


def _tensorrt_rows(record: TensorRTRecord) -> dict[str, str]:
    machine, compilation = record.machine, record.compilation
    gpu = f"{machine.gpu.product}, compute capability {machine.gpu.compute_capability}, driver {machine.gpu.driver}"
    rows = {"tensorrt": machine.version_text, "gpu": gpu}
    if compilation:
        profile, sources = compilation.profile, ", ".join(compilation.tactic_sources)
        measured = "by the timing cache" if compilation.cache_hit else "measured anew"
        rows["compiled"] = f"in {compilation.build_seconds} s, {measured}, tactics of {sources or 'TensorRT alone'}"
        rows["batches"] = f"{profile.smallest} to {profile.largest}, tuned for {profile.typical}"
        rows["workspace"] = f"{compilation.workspace_mib} MiB"
    return rows
