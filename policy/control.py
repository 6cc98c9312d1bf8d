"""Triton's own command line: no metrics, no gRPC, no API that changes what is served."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policy.resource import Resource

_FLAGS = {"--allow-metrics": "false", "--allow-grpc": "false", "--model-control-mode": "none"}
_OTHER_DOORS = ("--allow-sagemaker", "--allow-vertex-ai")  # closed unless they are named; each loads models, too
_RESTRICTED_FLAG = "--http-restricted-api"
_RESTRICTED = frozenset({"shared-memory", "model-repository", "statistics", "trace", "logging"})
_MEND = "infra/components/triton_pod.py has Triton's command line"


def control_violations(resource: Resource) -> Iterator[Violation]:
    """Yield what a serving container's command line leaves open."""
    if not resource.serves:
        return
    for container in at(resource.pod_spec, "containers", default=[]):
        words = _words(container)
        if not any(word.rpartition("/")[2] == "tritonserver" or word.startswith("--model-repo") for word in words):
            continue
        for found, accepted in _left_open(words):
            part = f"container {container.get('name')}"
            yield Violation(resource=resource, part=part, found=found, accepted=accepted, mend=_MEND)


def _left_open(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for flag, value in _FLAGS.items():
        given = _values(words, flag)
        if set(given) != {value}:
            yield f"{flag} is {' and '.join(given) or 'missing'}", f"{flag}={value}"
    for flag in _OTHER_DOORS:
        if {*(given := _values(words, flag))} - {"false"}:
            yield f"{flag} is {' and '.join(given)}", f"no such flag, or {flag}=false"
    apis = [api for value in _values(words, _RESTRICTED_FLAG) if ":" in value for api in value.split(":")[0].split(",")]
    if open_ := sorted(_RESTRICTED.difference(apis)):
        every = f"{_RESTRICTED_FLAG}={','.join(sorted(_RESTRICTED))}:<key>=<value>"
        yield f"{', '.join(open_)} can be called without a key", every


def _words(container: Mapping[str, Any]) -> list[str]:
    """The command line, word by word, whether or not a shell runs it."""
    given = [*at(container, "command", default=[]), *at(container, "args", default=[])]
    return [word for text in given for word in str(text).split()]


def _values(words: Sequence[str], flag: str) -> list[str]:
    """All that a command line says of a flag, wherever it stands; Triton takes a beginning of a flag for the flag."""
    found = []
    for word, following in pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if len(name) > len("--") and name.startswith("--") and flag.startswith(name):
            found.append(value if equals else following)
    return found
