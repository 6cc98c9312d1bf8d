"""The embedded Kubernetes: a real single-node cluster out of upstream's own binaries, in namespaces of its own.

Each cluster is one process tree in a cgroup and in mount, PID and network namespaces of its own; supervisord is
process 1 in it. Its ports, packet filter rules and mounts are nobody else's, and when process 1 ends, the kernel takes
all of it along. Only the gateway (Traefik) listens in the host's network, on loopback.
"""
