"""A package, so that what is scoped to it, the probe, ends with its last test."""
