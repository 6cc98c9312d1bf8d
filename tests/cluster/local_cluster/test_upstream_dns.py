"""Names outside the cluster: a DNS server of the test's own is the host's, for one `up`."""

import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.driver import ClusterDriver, environment

_ADDRESS_RECORD = 1
_ON_ANOTHER_HOST = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@contextmanager
def dns_server(host: str, answer: str) -> Iterator[None]:
    """Answer every question for an IPv4 address with the same one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, 53))
        thread = threading.Thread(target=_serve, args=[server, socket.inet_aton(answer)])
        thread.start()
        try:
            yield
        finally:
            server.sendto(b"", (host, 53))
            thread.join()


def _serve(server: socket.socket, answer: bytes) -> None:
    while True:
        query, client = server.recvfrom(4096)
        if not query:
            return
        end = query.index(b"\0", 12) + 5
        (kind,) = struct.unpack_from(">H", query, end - 4)
        record = b"\xc0\x0c" + struct.pack(">HHIH", _ADDRESS_RECORD, 1, 60, 4) + answer
        records = [record] if kind == _ADDRESS_RECORD else []
        header = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0)
        server.sendto(header + query[12:end] + b"".join(records), client)


def up_where_resolvers_are(cluster: ClusterDriver, resolv_conf: Path) -> None:
    command = ["unshare", "--mount", "sh", "-c", _ON_ANOTHER_HOST, str(resolv_conf), *cluster.command("up")]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    assert result.returncode == 0, result.stderr


def resolved_in_cluster(cluster: ClusterDriver, name: str, resolv_conf: Path) -> str:
    """Return what a process beside containerd gets for a name, where the host's file is this one."""
    enter = ["nsenter", f"--target={cluster.pids()['containerd']}", "--mount", "--net", "unshare", "--mount"]
    command = [*enter, "sh", "-c", _ON_ANOTHER_HOST, str(resolv_conf), "getent", "ahostsv4", name]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.partition(" ")[0]


def test_after_up_all_of_the_cluster_asks_the_hosts_new_resolvers(cluster: ClusterDriver, tmp_path: Path) -> None:
    server, stub = tmp_path / "server", tmp_path / "stub"
    server.write_text(f"nameserver {cluster.layout.host_address}\n", encoding="utf-8")
    stub.write_text("nameserver 127.0.0.53\n", encoding="utf-8")
    before = cluster.pids()

    with dns_server(cluster.layout.host_address, "192.0.2.77"):
        up_where_resolvers_are(cluster, server)

        assert resolved_in_cluster(cluster, "direct.example", server) == "192.0.2.77"
        assert resolved_in_cluster(cluster, "stub.example", stub) == "192.0.2.77"
    cluster.run("up")
    assert {name for name, pid in cluster.pids().items() if pid != before[name]} == {"coredns"}


def test_the_hosts_own_file_is_read_and_no_copy_of_it(cluster: ClusterDriver) -> None:
    mounts = Path(f"/proc/{cluster.pids()['containerd']}/mountinfo").read_text(encoding="utf-8")

    assert "resolv.conf" not in mounts
