"""A published plan in a few readable lines."""

from model_build.manifest import Manifest
from model_build.tensorrt.record import TensorRTRecord


def summary_from_manifest(manifest: Manifest) -> str:
    """Describe a plan: what it is, where it came from, what it answers to the expected image."""
    golden, reference = manifest.golden, manifest.reference
    score = "not measured" if golden.scores is None else f"{golden.scores[golden.class_index]:.6f}"
    difference = "none" if reference is None else f"differs by at most {reference.max_abs_difference:.2g}"
    tensorrt = {} if manifest.tensorrt is None else _tensorrt_rows(manifest.tensorrt)
    rows = {
        "model": f"{manifest.model}, {manifest.classes} classes, maxBatchSize {manifest.max_batch_size}",
        "target": f"{manifest.target}, {manifest.precision}",
        "source": " ".join(filter(None, (manifest.source.kind, manifest.source.url))),
        "sha256": manifest.source.sha256,
        "built with": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        **tensorrt,
        "original": difference,
        "golden": f"{score} ({golden.class_index}) = {golden.label}, tolerance {golden.tolerance}",
        "files": f"{len(manifest.files)}, each with its sha256",
    }
    width = max(map(len, rows))
    return "\n".join([f"plan {manifest.plan_id}", *(f"  {name:{width}}  {text}" for name, text in rows.items())])


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
