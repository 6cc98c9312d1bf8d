"""The stack's parts, one component a file, in the order of the way through."""
