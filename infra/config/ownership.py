"""Whose an object of the cluster is, where Pulumi's state does not say so: it carries its stack's name."""

OWNER_ANNOTATION = "densenet-triton/stack"
"""On what may outlive a stack's state: its namespace, and claims that lead to its data."""

_FORCE = "pulumi.com/patchForce"


def owned_by(stack: str) -> dict[str, str]:
    """The annotations of what is a stack's own, and may come back to it or to the stack under another name.

    Each time that it comes back Pulumi calls itself another field manager, and would be in conflict with what it was
    before; so it takes what it declares.
    """
    return {OWNER_ANNOTATION: stack, _FORCE: "true"}
