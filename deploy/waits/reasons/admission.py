"""Why a pod is not even created: the API server's refusals, each with what mends it."""

import re
from dataclasses import dataclass

from deploy.waits.reasons.reason import LATER_S, RETRIED_S, SOON_S, Part, Patience, Reason

_RESOURCES: dict[Part, str] = {"build": "model.buildResources", "serving": "serving.resources"}
_QUOTA_WANTS = re.compile(r"failed quota: (?P<name>\S+): must specify (?P<wanted>[^:]+?)(?: for: .*)?$")
_KEYS = {"limits.cpu": "cpuLimit", "limits.memory": "memoryLimit", "requests.cpu": "cpu", "requests.memory": "memory"}


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """What a refusal of one sort looks like, and what mends it.

    Attributes:
        sign: its words; what `cure` names is a group of it.
        kind: the reason's.
        cure: with {resources}, {namespace}, and {name} of the rule.
        patience_s: how long it may hold; None until pods that end have given back what they hold.
    """

    sign: re.Pattern[str]
    kind: str
    cure: str
    patience_s: float | None


_RULES = (
    _Rule(
        sign=re.compile(r"exceeded quota: (?P<name>[^\s,]+)"),
        kind="quota",
        cure="have the quota raised, or set {resources} lower: kubectl describe quota {name} --namespace={namespace}",
        patience_s=None,
    ),
    _Rule(
        sign=re.compile(r"(?:maximum|minimum) (?P<name>\S+) usage per |limit to request ratio"),
        kind="limit range",
        cure="set {resources} within it, or have it changed: kubectl describe limitrange --namespace={namespace}",
        patience_s=SOON_S,
    ),
    _Rule(
        sign=re.compile(r'violates PodSecurity "(?P<name>[^"]+)"'),
        kind="pod security",
        cure="have the level of the namespace changed: kubectl get namespace {namespace} --show-labels",
        patience_s=SOON_S,
    ),
    _Rule(
        sign=re.compile(r'admission webhook "(?P<name>[^"]+)" denied'),
        kind="admission",
        cure="satisfy {name}, or have namespace {namespace} left out of it",
        patience_s=SOON_S,
    ),
    _Rule(
        sign=re.compile(r"ValidatingAdmissionPolicy '(?P<name>[^']+)'"),
        kind="admission",
        cure="satisfy {name}, or have namespace {namespace} left out of it",
        patience_s=SOON_S,
    ),
    _Rule(
        sign=re.compile(r'failed calling webhook "(?P<name>[^"]+)"'),
        kind="admission",
        cure="have the webhook {name} brought back",
        patience_s=RETRIED_S,
    ),
    _Rule(
        sign=re.compile(r"no PriorityClass with name (?P<name>\S+)"),
        kind="class",
        cure="correct serving.priorityClass to one that is there: kubectl get priorityclass",
        patience_s=SOON_S,
    ),
    _Rule(
        sign=re.compile(r"(?P<name>RuntimeClass)\S*\"? .*not found", re.IGNORECASE),
        kind="class",
        cure="correct serving.runtimeClass to one that is there: kubectl get runtimeclass",
        patience_s=SOON_S,
    ),
    _Rule(sign=re.compile(""), kind="refused", cure="", patience_s=LATER_S),
)
"""The first that fits is meant; the last one fits everything."""


def refused(part: Part, where: str, said: str, *, namespace: str, patience: Patience) -> Reason:
    """Say what the API server's refusal of a pod means.

    Args:
        part: whose pod it is.
        where: what was to make the pod.
        said: the API server's words.
        namespace: of the pod.
        patience: the stack's.
    """
    why = " ".join(said.removeprefix("Error creating: ").split())
    resources = _RESOURCES.get(part, "serving.resources")
    if found := _QUOTA_WANTS.search(why):
        cure = _cure_of_wanting(found["name"], found["wanted"], resources, namespace)
        return Reason(part=part, where=where, kind="quota", why=why, cure=cure, patience_s=SOON_S)
    rule, found = next((rule, found) for rule in _RULES if (found := rule.sign.search(why)))
    cure = rule.cure.format(resources=resources, namespace=namespace, **{"name": "", **found.groupdict()})
    patience_s = patience.ending_s if rule.patience_s is None else rule.patience_s
    return Reason(part=part, where=where, kind=rule.kind, why=why, cure=cure, patience_s=patience_s)


def _cure_of_wanting(quota: str, wanted: str, resources: str, namespace: str) -> str:
    """A quota on a resource refuses every pod that does not name it."""
    names = [name.strip() for name in wanted.split(",")]
    settable = [f"{resources}.{_KEYS[name]}" for name in names if name in _KEYS]
    described = f"kubectl describe quota {quota} --namespace={namespace}"
    if len(settable) == len(names):
        return f"set {' and '.join(settable)}, or have the quota changed: {described}"
    return f"have a limit range give the pods a default, or the quota changed: {described}"
