"""A package, so that what is scoped to it, the cluster, ends with its last test."""
