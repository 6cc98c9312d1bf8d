"""The rules as Pulumi's engine takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy

from infra.config.faults import PROJECT
from policy.budgets import budget_violations
from policy.control import control_violations
from policy.exposure import exposure_violations
from policy.images import image_violations
from policy.json_bound import json_violations
from policy.keys import accepted_plain_http_violations, key_violations
from policy.limits import limit_violations
from policy.mounts import mount_violations
from policy.privilege import privilege_violations
from policy.releases import accepted_release_violations, unaccepted_release_violations
from policy.resource import resource_from_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pulumi_policy import Policy, ReportViolation, ResourceValidationArgs, StackValidationArgs

    from policy.resource import Resource
    from policy.violation import Violation

    Rule = Callable[[Resource], Iterable[Violation]]
    StackRule = Callable[[Sequence[Resource]], Iterable[Violation]]

NAME = PROJECT


def policies() -> list[Policy]:
    """Every rule; all are mandatory but those that remind of what the stack has accepted knowingly."""
    advisory = EnforcementLevel.ADVISORY
    return [
        _policy("images-by-digest", "Images are named by digest.", image_violations),
        _policy("no-privilege", "Pods have no privilege.", privilege_violations),
        _policy("limits-set", "Containers have requests and a memory limit.", limit_violations),
        _policy("mounts-read-only", "Serving pods can't write what they serve.", mount_violations),
        _policy("no-public-apis", "Nothing but health, metadata, config and infer is public.", exposure_violations),
        _policy("bounded-json", "What Triton parses of a request is bounded.", json_violations),
        _policy("no-control-apis", "Triton's own metrics and control APIs are closed.", control_violations),
        _stack_policy("disruption-budget", "Replicas and disruption budget are consistent.", budget_violations),
        _stack_policy("https-and-keys", "The way in is HTTPS, and asks clients for keys.", key_violations),
        _policy("patched-release", "Triton has no published vulnerabilities.", unaccepted_release_violations),
        _policy("accepted-release", "Accepted vulnerabilities are named.", accepted_release_violations, advisory),
        _policy("accepted-plain-http", "An open way in is named.", accepted_plain_http_violations, advisory),
    ]


def _policy(name: str, description: str, rule: Rule, level: EnforcementLevel | None = None) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = resource_from_engine(urn=args.urn, type_=args.resource_type, props=args.props)
        for violation in rule(resource):
            report(violation.line, None)

    return ResourceValidationPolicy(name, description, validate, level)


def _stack_policy(name: str, description: str, rule: StackRule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [
            resource_from_engine(urn=found.urn, type_=found.resource_type, props=found.props)
            for found in args.resources
        ]
        for violation in rule(resources):
            report(violation.line, violation.resource.urn)

    return StackValidationPolicy(name, description, validate)
