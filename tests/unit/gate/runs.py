"""Runs of the gate as the tests of its reports want them."""

from datetime import UTC, datetime
from typing import Any

from gate.evidence.document import (
    Check,
    Deployment,
    Evidence,
    Gpu,
    Phase,
    PolicyOutcome,
    SmokeRun,
    Subject,
    Verdict,
)

WRONG = "a score differs by 0.02 spreads, more than 0.01; the worst is class 7:\n2 instead of 1"


def subject(**changes: Any) -> Subject:
    facts: dict[str, Any] = {
        "commit": "c" * 40,
        "stack": "staging",
        "namespace": "triton-staging",
        "plan_id": "4962527776e8fcd8",
        "manifest_sha256": "a" * 64,
        "images": {"triton": f"registry.example/triton@sha256:{1:064}"},
        "nodes": ("gpu-1", "gpu-2"),
        "gpu": Gpu(product="NVIDIA-H800", compute_capability="9.0", driver="550.54.15"),
        "model_name": "densenet_tensorrt",
        "url": "http://triton.example/triton-staging",
    }
    return Subject(**facts | changes)


def good_run(**changes: Any) -> Evidence:
    """A deployment that is proven, after another release."""
    scores = Check(
        name="test_every_score_is_the_golden[triton.example:80-mug.png]",
        outcome="passed",
        seconds=0.25,
        figures={"max_difference_spreads": 0.0025, "tolerance_spreads": 0.01},
    )
    parts: dict[str, Any] = {
        "run": "20261123T011200Z",
        "stack": "staging",
        "action": "deploy",
        "started_at": datetime(2026, 11, 23, 1, 12, tzinfo=UTC),
        "finished_at": datetime(2026, 11, 23, 1, 14, 30, tzinfo=UTC),
        "candidate": subject(),
        "previous": subject(commit="b" * 40, images={"triton": f"registry.example/triton@sha256:{0:064}"}),
        "before": (Check(name="nodes", outcome="passed", seconds=0.5),),
        "policies": (
            PolicyOutcome(policy="known-faults", level="advisory", resource="triton", message="<2.51> | has a fix"),
        ),
        "forecast": ("replaced: Deployment triton; expected downtime: none",),
        "deployment": Deployment(seconds=61.5, outcome="succeeded"),
        "smoke": (
            SmokeRun(when="after", seconds=1.5, checks=(scores, Check(name="batch", outcome="skipped", seconds=0))),
            SmokeRun(when="after the pause", seconds=1.25, checks=(scores,)),
        ),
        "phases": (Phase(name="node", seconds=3), Phase(name="build", seconds=None)),
        "differences": ("serving.replicas: 1 -> 2",),
        "verdict": Verdict(status=0, serving="20261123T011200Z"),
    }
    return Evidence(**parts | changes)


def failed_run() -> Evidence:
    """A candidate that was right at first, and its predecessor put back."""
    failed = Check(name="scores", outcome="failed", seconds=0.125, message=WRONG)
    passed = Check(name="scores", outcome="passed", seconds=0.125)
    return good_run(
        smoke=(
            SmokeRun(when="after", seconds=1, checks=(passed,)),
            SmokeRun(when="after the pause", seconds=1, checks=(failed,)),
            SmokeRun(when="restored", seconds=1, checks=(passed,)),
        ),
        verdict=Verdict(
            status=2,
            reasons=("the smoke tests after the pause failed",),
            serving="20261122T101112Z",
            served_s=62.5,
        ),
    )
