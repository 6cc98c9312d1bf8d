import subprocess
import sys

import pytest

from local_cluster.layout import layout_from_name
from tests.cluster.driver import environment

_IN_NEW_NETWORK = ["unshare", "--net", sys.executable, "-c"]
_STORY = """
import subprocess, sys
from local_cluster import host_rules
from local_cluster.layout import layout_from_name

def show(*command):
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)

layout = layout_from_name("embedded-rules")
subprocess.run(["iptables", "-P", "FORWARD", sys.argv[1]], check=True)
host_rules.ensure(layout)
host_rules.ensure(layout)
show("iptables", "-S", "FORWARD")
show("nft", "list", "table", "ip", layout.nft_table)
print("----")
host_rules.remove(layout)
host_rules.remove(layout)
show("iptables", "-S", "FORWARD")
show("nft", "list", "tables")
"""


@pytest.mark.parametrize(("policy", "exceptions"), [("DROP", 2), ("ACCEPT", 0)])
def test_rules_come_once_and_go_whole(policy: str, exceptions: int) -> None:
    command = [*_IN_NEW_NETWORK, _STORY, policy]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout
    present, after = told.split("----\n")

    layout = layout_from_name("embedded-rules")
    assert present.count(f"{layout.link} -j ACCEPT") == exceptions
    assert present.count("masquerade") == 1
    assert layout.link not in after
    assert layout.nft_table not in after
