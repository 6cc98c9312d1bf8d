"""What a user may add to the stack's pods: each type refuses what the product itself sets there, by its name.

A value may be secret: what is refused is named by its key, and never shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from infra.config.text import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

OWN_FLAGS = frozenset(
    {
        *("allow-grpc", "allow-http", "allow-metrics", "allow-sagemaker", "allow-vertex-ai"),
        *("disable-auto-complete-config", "exit-on-error", "exit-timeout-secs", "http-address", "http-port"),
        *("http-restricted-api", "load-model", "model-control-mode", "model-repository", "model-store"),
        *("strict-model-config", "strict-readiness"),
    }
)
"""Triton's flags that the product sets, and those that would undo what it sets."""

OWN_VARIABLES = frozenset({"POD_UID"})
OWN_LABELS = frozenset({"app.kubernetes.io/name", "controller-uid", "job-name", "pod-template-hash"})
OWN_ANNOTATIONS = frozenset({"karpenter.sh/do-not-disrupt"})
_OWN_PREFIXES = ("batch.kubernetes.io/", "densenet-triton/", "pulumi.com/")

_ARGUMENT = re.compile(r"--(?P<name>[a-z][a-z0-9-]*)(=.*)?", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
LABEL_KEY = re.compile(rf"((?=.{{1,253}}/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?{_WORD}")
LABEL_VALUE = re.compile(rf"({_WORD})?")

_ARGUMENTS_ACCEPTED = "Triton's flags, each as --name or --name=value, but for those that the product sets"
_VARIABLES_ACCEPTED = "names of letters, digits and '_' with text in quotes, but for those that the product sets"
_LABELS_ACCEPTED = (
    "Kubernetes labels with text in quotes, at most 63 letters, digits, '-', '_' and '.', but for those that the"
    " product sets"
)
_ANNOTATIONS_ACCEPTED = "Kubernetes annotations with text in quotes, but for those that the product sets"


def _arguments(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise refusal(_ARGUMENTS_ACCEPTED, found="is no list")
    for position, argument in enumerate(value, 1):
        match = _ARGUMENT.fullmatch(argument) if isinstance(argument, str) else None
        if match is None:
            raise refusal(_ARGUMENTS_ACCEPTED, found=f"has a {_ordinal(position)} item that is no flag")
        # Triton takes a beginning of a flag for the flag.
        if own := sorted(flag for flag in OWN_FLAGS if flag.startswith(match["name"])):
            raise refusal(_ARGUMENTS_ACCEPTED, found=f"has --{match['name']}, and the product sets --{own[0]}")
    return tuple(value)


def _ordinal(position: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(position, f"{position}th")


def _texts(accepts: Callable[[str], object], own: Collection[str], accepted: str, value_of: re.Pattern[str]) -> Any:
    """Check keys with texts."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise refusal(accepted, found="is no group of keys with text")
        for key, text in value.items():
            if not isinstance(key, str) or not accepts(key):
                raise refusal(accepted, found=f"has the key {key!r}")
            if key in own or key.startswith(_OWN_PREFIXES):
                raise refusal(accepted, found=f"has {key}, which the product sets")
            if not isinstance(text, str):
                raise refusal(accepted, found=f"has {key} with something that is no text")
            if not value_of.fullmatch(text):
                raise refusal(accepted, found=f"has {key} with a text that it can't have")
        return value

    return BeforeValidator(check)


_ANY_TEXT = re.compile(r"[^\0]*", re.DOTALL)

ExtraArguments = Annotated[tuple[str, ...], BeforeValidator(_arguments)]
Environment = Annotated[dict[str, str], _texts(_VARIABLE.fullmatch, OWN_VARIABLES, _VARIABLES_ACCEPTED, _ANY_TEXT)]
Labels = Annotated[dict[str, str], _texts(LABEL_KEY.fullmatch, OWN_LABELS, _LABELS_ACCEPTED, LABEL_VALUE)]
Annotations = Annotated[dict[str, str], _texts(LABEL_KEY.fullmatch, OWN_ANNOTATIONS, _ANNOTATIONS_ACCEPTED, _ANY_TEXT)]
