"""Carrying a proven release from one stack to the next: the same commit, plan, images and manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.differences import differences
from gate.errors import FailedError, RefusedError
from gate.evidence import Subject
from gate.releases import Release
from infra.config import StackConfig

_MODEL = "densenet-triton:model"
_NODE_POOL = "densenet-triton:nodePool"
_OWN = ("plan", "resources", "buildTimeoutS")
"""What of the model may be another in each stack: it changes no answer."""


@dataclass(frozen=True, kw_only=True)
class Promised:
    """What a promotion has promised to deploy.

    Attributes:
        subject: the release that is promoted, as it ran.
        pinned: whether its plan is taken over as it is; otherwise it is built again.
    """

    subject: Subject
    pinned: bool

    def require(self, found: Subject) -> None:
        """See that what was deployed is what was promised.

        Raises:
            FailedError: it is another plan, manifest or image.
        """
        wrong = [
            f"container {name}: {image}, promised was {self.subject.images[name]}"
            for name, image in _others(self.subject, found)
        ]
        if self.pinned and found.plan_id != self.subject.plan_id:
            wrong.append(f"plan {found.plan_id}, promised was {self.subject.plan_id}")
        if self.pinned and found.manifest_sha256 != self.subject.manifest_sha256:
            wrong.append(f"manifest {found.manifest_sha256}, promised was {self.subject.manifest_sha256}")
        if wrong:
            raise FailedError(
                f"what was deployed is not what {self.subject.stack} has proven: {'; '.join(wrong)}; accepted: the "
                "same; name images by digest in both stacks, and the same storage"
            )


def promised_from_release(release: Release, config: StackConfig, values: Mapping[str, Any], *, commit: str) -> Promised:
    """Decide how a release goes to another stack.

    Args:
        release: proven, of the stack that it comes from.
        config: of the stack that it goes to.
        values: what stands under `config:` of that stack's file.
        commit: of this checkout.

    Raises:
        RefusedError: it can't be the same there.
    """
    source, target = release.subject.stack, config.stack
    if release.subject.commit != commit:
        raise RefusedError(
            f"the release of {source} is of commit {release.subject.commit[:12]}, this checkout is {commit[:12]}; "
            f"accepted: the release's own; git checkout {release.subject.commit}, or make gate STACK={source} first"
        )
    theirs, ours = release.model, dict(values[_MODEL])
    for key in _OWN:
        theirs.pop(key, None)
        ours.pop(key, None)
    if differing := differences(theirs, ours):
        raise RefusedError(
            f"model differs between {source} and {target}: {'; '.join(differing)}; accepted: the same model in both, "
            f"for what was proven on {source} is what is promoted; make them the same in Pulumi.{target}.yaml"
        )
    return Promised(subject=release.subject, pinned=_product(release.config) == _product(values))


def announcement(promised: Promised, values: Mapping[str, Any]) -> str:
    """Say in a line what a promotion takes over."""
    subject = promised.subject
    if promised.pinned:
        return f"promoting plan {subject.plan_id} of {subject.stack} as it is: the same manifest, nothing is built"
    return (
        f"promoting commit {subject.commit[:12]} of {subject.stack}; its plan is for another GPU, so that a plan for "
        f"{_product(values)} is built here"
    )


def _product(values: Mapping[str, Any]) -> str | None:
    """The GPU that a stack's plan is for; none where the plan is for a CPU."""
    tensorrt = values[_MODEL].get("target") == "tensorrt"
    return str(values[_NODE_POOL].get("gpuProduct")) if tensorrt else None


def _others(promised: Subject, found: Subject) -> list[tuple[str, str]]:
    """The containers whose image has another digest; the registry may be another."""
    return [
        (name, image)
        for name, image in found.images.items()
        if name in promised.images and image.rpartition("@")[2] != promised.images[name].rpartition("@")[2]
    ]
