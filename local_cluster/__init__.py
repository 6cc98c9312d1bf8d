"""The embedded Kubernetes: one node out of upstream's own binaries, in namespaces of its own."""
