"""A host of its own: a network namespace with neighbours, whose packets really go through the kernel's filter."""

import subprocess
import sys

from tests.cluster.driver import environment

_IN_OWN_NETWORK = ["unshare", "--net", "--mount", sys.executable, "-c"]
_STAGE = """
import contextlib, json, socket, subprocess, sys
from pathlib import Path
from local_cluster import host_forwarding, host_rules
from local_cluster.layout import RUN_ROOT, layout_from_name

FIRST, SECOND = layout_from_name("embedded-forwarding"), layout_from_name("embedded-second")
SETTINGS = Path("/proc/sys/net/ipv4")

def sh(line):
    return subprocess.run(line, shell=True, check=True, capture_output=True, text=True).stdout

def neighbour(name, interface, network, *, is_bridge=False):
    "Join a network namespace to the host; the host is .1 in its network, the neighbour .2."
    sh(f"ip netns add {name}; ip link add {interface}{'p' if is_bridge else ''} type veth peer name eth0 netns {name}")
    if is_bridge:
        sh(f"ip link add {interface} type bridge; ip link set {interface}p master {interface} up")
    sh(f"ip address add {network}.1/24 dev {interface}; ip link set {interface} up")
    sh(f"ip -n {name} address add {network}.2/24 dev eth0; ip -n {name} link set eth0 up")
    sh(f"ip -n {name} route add default via {network}.1")

def reaches(source, target):
    "Whether a TCP connection from one neighbour to another, which listens, comes to be."
    listen = "import socket; s = socket.create_server(('0.0.0.0', 7777)); print('listening', flush=True); s.accept()"
    connect = f"import socket; socket.create_connection(('{target[1]}', 7777), timeout=2)"
    command = ["ip", "netns", "exec", target[0], sys.executable, "-c", listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        listener.stdout.readline()
        command = ["ip", "netns", "exec", source, sys.executable, "-c", connect]
        status = subprocess.run(command, capture_output=True, check=False).returncode
        listener.kill()
    return status == 0

def forwarding():
    found = {path.parent.name: path.read_text().strip() for path in sorted(SETTINGS.glob("conf/*/forwarding"))}
    return {name: value for name, value in found.items() if name != "lo"}

def tell(**facts):
    print(json.dumps(facts), flush=True)

for line in ("mount -t tmpfs tmpfs /run", "ip link set lo up", "echo 0 > /proc/sys/net/ipv4/ip_forward"):
    sh(line)
neighbour("lan", "lan0", "192.0.2")
neighbour("office", "office0", "198.51.100")
neighbour("pods", FIRST.link, FIRST.pod_subnet.removesuffix(".0/24"))
LAN, OFFICE, PODS = ("lan", "192.0.2.2"), ("office", "198.51.100.2"), ("pods", FIRST.pod_subnet.replace("0/24", "2"))
"""


def story(text: str) -> list[str]:
    """Play on the stage, and return what was told."""
    command = [*_IN_OWN_NETWORK, _STAGE + text]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_pods_reach_the_outside_and_neighbours_each_other_as_little_as_before() -> None:
    told = story("""
before = forwarding()
for _ in range(2):
    host_rules.ensure(FIRST)
    host_forwarding.ensure(FIRST)
print(reaches("pods", LAN), reaches("lan", OFFICE), reaches("office", LAN), reaches("lan", PODS))
print((SETTINGS / "ip_forward").read_text().strip())
host_rules.remove(FIRST)
host_forwarding.release(FIRST)
print(forwarding() == {**before, FIRST.link: "1"}, reaches("lan", OFFICE))
print(sh("nft list tables").split(), [path.name for path in RUN_ROOT.iterdir()])
""")

    assert told == ["True False False False", "0", "True False", "[] []"]


def test_the_last_cluster_puts_it_back() -> None:
    told = story("""
before = forwarding()
host_forwarding.ensure(FIRST)
host_forwarding.ensure(SECOND)
host_forwarding.release(FIRST)
print(forwarding()["lan0"], reaches("lan", OFFICE))
host_forwarding.release(SECOND)
print(forwarding()["lan0"], sh("nft list tables").split())
""")

    assert told == ["1 False", "0 []"]


def test_an_interrupted_start_is_put_back_too() -> None:
    told = story("""
def interrupt(*_arguments): raise KeyboardInterrupt
whole, host_forwarding._set = host_forwarding._set, interrupt
with contextlib.suppress(KeyboardInterrupt):
    host_forwarding.ensure(FIRST)
host_forwarding._set = whole
print(sh("nft list tables").split()[2:])
(SETTINGS / "conf/lan0/forwarding").write_text("1")  # as far as it came
host_forwarding.release(FIRST)
print(forwarding()["lan0"], sh("nft list tables").split())
""")

    assert told == ["['densenet-triton-forwarding']", "0 []"]


def test_docker_that_comes_later_is_served_and_stays_served() -> None:
    told = story("""
host_rules.ensure(FIRST)
host_forwarding.ensure(FIRST)
(SETTINGS / "ip_forward").write_text("1")
neighbour("container", "docker0", "172.17.0", is_bridge=True)
print(reaches("lan", ("container", "172.17.0.2")), reaches("container", LAN))
host_rules.remove(FIRST)
host_forwarding.release(FIRST)
print((SETTINGS / "ip_forward").read_text().strip(), reaches("container", LAN), reaches("lan", OFFICE))
print(sh("nft list tables").split())
""")

    assert told == ["True True", "1 True True", "[]"]


def test_a_host_that_forwards_already_is_left_as_it_is() -> None:
    told = story("""
(SETTINGS / "ip_forward").write_text("1")
host_forwarding.ensure(FIRST)
print(reaches("lan", OFFICE), sh("nft list tables").split(), [path.name for path in RUN_ROOT.iterdir()])
host_forwarding.release(FIRST)
print((SETTINGS / "ip_forward").read_text().strip(), reaches("lan", OFFICE))
""")

    assert told == ["True [] []", "1 True"]


def test_the_record_of_a_boot_before_says_nothing_of_this_one() -> None:
    told = story("""
host_forwarding.ensure(FIRST)
(record,) = RUN_ROOT.glob("forwarding-*.json")
record.write_text(json.dumps({**json.loads(record.read_text()), "boot": "another"}))
host_forwarding.release(FIRST)
print(forwarding()["lan0"])
""")

    assert told == ["1"]


def test_another_network_namespace_has_a_record_of_its_own() -> None:
    told = story("""
host_forwarding.ensure(FIRST)
elsewhere = "from local_cluster import host_forwarding as f; from local_cluster.layout import layout_from_name as l;"
for change in ("ensure", "release"):
    call = f"{elsewhere} f.{change}(l('embedded-second'))"
    subprocess.run(["unshare", "--net", sys.executable, "-c", call], check=True)
host_forwarding.release(FIRST)
print(forwarding()["lan0"], sh("nft list tables").split())
""")

    assert told == ["0 []"]
