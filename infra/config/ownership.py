"""Whose an object of the cluster is, where Pulumi's state does not say so: it carries its stack's name."""

OWNER_ANNOTATION = "densenet-triton/stack"
"""On what may outlive a stack's state: its namespace, and claims that lead to its data."""
