"""What restricted pod security asks of every pod and container."""

from __future__ import annotations

from pulumi_kubernetes.core import v1 as core

USER_ID = 1000
"""User and group of the project's images, and owner of the storage."""


def pod_security() -> core.PodSecurityContextArgs:
    """The security context of every pod of a stack."""
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=USER_ID,
        run_as_group=USER_ID,
        fs_group=USER_ID,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> core.SecurityContextArgs:
    """The security context of every container of a stack."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        read_only_root_filesystem=True,
    )
