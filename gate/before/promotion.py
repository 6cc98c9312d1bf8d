"""Carrying a proven release from one stack to the next: the same commit, plan, images and manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.cluster.releases import NEVER_FETCHED, Release
from gate.errors import FailedError, RefusedError
from gate.evidence.differences import differences
from gate.evidence.document import Subject
from infra.config import CLIENTS, OnnxSource, StackConfig, config_from_values, with_value_at_key
from infra.images import LOCAL_REGISTRY, is_own
from infra.release import release_from_config

_MODEL = "densenet-triton:model"
_SERVING = "triton"
_OWN = {"plan", "build_image", "build_resources", "build_timeout_s"}
"""What of the model may be another in each stack: it changes no answer. The build's image is compared by itself."""


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
            FailedError: it is another plan, manifest or image, or nobody knows.
        """
        if unseen := {_SERVING, *self.subject.images} - found.images.keys():
            raise FailedError(
                f"what runs could not be looked at: container {', '.join(sorted(unseen))} has no known image; "
                f"accepted: the one that {self.subject.stack} has proven; make status STACK={found.stack}, then again"
            )
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


def promised_from_release(release: Release, config: StackConfig, *, commit: str) -> Promised:
    """Decide how a release goes to another stack.

    Args:
        release: proven, of the stack that it comes from.
        config: of the stack that it goes to.
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
    proven = config_from_values(_with_secrets(release, config), stack=source)
    if differing := differences(_answers(proven), _answers(config)):
        raise RefusedError(
            f"model differs between {source} and {target}: {'; '.join(differing)}; accepted: the same model in both, "
            f"for what was proven on {source} is what is promoted; make them the same in Pulumi.{target}.yaml"
        )
    _require_serving(release.subject, proven, config)
    _require_builder(proven, config)
    return Promised(subject=release.subject, pinned=_product(proven) == _product(config))


def promoted_values(promised: Promised, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a promotion deploys: the stack's own configuration with the promised plan, and with no other pin."""
    model = {key: value for key, value in values[_MODEL].items() if key != "plan"}
    return {**values, _MODEL: {**model, "plan": promised.subject.plan_id} if promised.pinned else model}


def announcement(promised: Promised, config: StackConfig) -> str:
    """Say in a line what a promotion takes over."""
    subject = promised.subject
    if promised.pinned:
        return f"promoting plan {subject.plan_id} of {subject.stack} as it is: the same manifest, nothing is built"
    return (
        f"promoting commit {subject.commit[:12]} of {subject.stack}; its plan is for another GPU, so that a plan for "
        f"{_product(config)} is built here"
    )


def _with_secrets(release: Release, config: StackConfig) -> dict[str, Any]:
    """A release's configuration, the other stack's URL where its own is secret: the digest says which file it is.

    Who may ask is each stack's own affair.
    """
    url = config.model.source.url if isinstance(config.model.source, OnnxSource) else NEVER_FETCHED
    values = with_value_at_key(release.pinned_config, CLIENTS, None)
    for name in (name for name in release.secrets if not name.startswith(f"{CLIENTS}.")):
        values = with_value_at_key(values, name, url)
    return values


def _answers(config: StackConfig) -> dict[str, Any]:
    """All of a model that its answers come from, defaults included."""
    return config.model.model_dump(mode="json", by_alias=True, exclude=_OWN)


def _product(config: StackConfig) -> str | None:
    """The GPU that a stack's plan is for; none where the plan is for a CPU."""
    return config.node_pool.gpu_product if config.model.target == "tensorrt" else None


def _require_builder(proven: StackConfig, config: StackConfig) -> None:
    """See that both stacks build with the same image; of the project's own ones the commit is the same."""
    theirs, ours = proven.model.builder, config.model.builder
    if _digest(theirs) != _digest(ours):
        raise RefusedError(
            f"the build's image differs: {proven.stack} has {theirs}, {config.stack} has {ours}; accepted: the same in "
            f"both; in Pulumi.{config.stack}.yaml set densenet-triton:model.buildImage: {theirs}"
        )


def _require_serving(subject: Subject, proven: StackConfig, config: StackConfig) -> None:
    """See that what one stack declares is the very image that the other one runs."""
    running = subject.images.get(_SERVING, "an image that is not known")
    theirs, ours = (release_from_config(each).serving_image for each in (proven, config))
    loaded, to_be_loaded = (image.startswith(f"{LOCAL_REGISTRY}/") for image in (theirs, ours))
    if "@" in ours:
        same = _digest(ours) == _digest(running)
    else:  # what is behind another's tag may have changed; our own tags stand for their content
        same = is_own(config.serving.image) and _name(ours) == _name(theirs) and loaded == to_be_loaded
    if same and _SERVING in subject.images:
        return
    mend = f"in Pulumi.{config.stack}.yaml set densenet-triton:serving.image: {_name_and_digest(theirs, running)}"
    if loaded != to_be_loaded:
        mend = (
            "what is loaded into an embedded cluster's node has an id that is never a registry's digest, so promote "
            "between stacks that both pull from a registry, or are both embedded"
        )
    raise RefusedError(
        f"{config.stack} would run {ours}, and {proven.stack} runs {running}; accepted: the same, by digest; {mend}"
    )


def _digest(image: str) -> str:
    """An image's digest, or the whole reference where it has none."""
    return image.rpartition("@")[2]


def _name(image: str) -> str:
    """An image's name and tag, whatever its registry."""
    return image.rpartition("/")[2]


def _name_and_digest(declared: str, running: str) -> str:
    """A reference that says the release, as the policies want it, and the digest."""
    return f"{declared.partition('@')[0]}@{_digest(running)}"


def _others(promised: Subject, found: Subject) -> list[tuple[str, str]]:
    """The containers whose image has another digest; the registry may be another."""
    return [
        (name, image)
        for name, image in found.images.items()
        if name in promised.images and _digest(image) != _digest(promised.images[name])
    ]
