"""What the host's packet filter does for a cluster.

Pods reach the outside; the outside, other clusters included, opens no connection to pods.
"""

import json
from typing import Any

from local_cluster import programs
from local_cluster.layout import Layout

_IPTABLES_CHAIN = {"family": "ip", "table": "filter", "name": "FORWARD"}


def ensure(layout: Layout) -> None:
    """Have the rules be there, also after somebody has flushed the host's ruleset."""
    programs.run(["nft", "-f", "-"], stdin=_without_table(layout) + _table(layout))
    if _iptables_chain().get("policy") == "drop":  # Docker's and ufw's doing
        present = programs.run(["iptables", "-S", "FORWARD"]).splitlines()
        for rule in _forward_rules(layout):
            if rule not in present:
                programs.run(["iptables", *rule.replace("-A", "-I", 1).split()])


def remove(layout: Layout) -> None:
    """Remove the cluster's rules, those that are there."""
    if programs.find("nft") is None:
        return
    programs.run(["nft", "-f", "-"], stdin=_without_table(layout))
    if _iptables_chain():
        present = programs.run(["iptables", "-S", "FORWARD"]).splitlines()
        for rule in _forward_rules(layout):
            if rule in present:
                programs.run(["iptables", *rule.replace("-A", "-D", 1).split()])


def _without_table(layout: Layout) -> str:
    """Delete the table whether it is there or not."""
    return f"table ip {layout.nft_table}\ndelete table ip {layout.nft_table}\n"


def _table(layout: Layout) -> str:
    return f"""table ip {layout.nft_table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ip saddr {layout.pod_subnet} oifname != "{layout.link}" masquerade
    }}
    chain forward {{
        type filter hook forward priority filter
        oifname "{layout.link}" ct state established,related accept
        oifname "{layout.link}" drop
    }}
}}
"""


def _forward_rules(layout: Layout) -> list[str]:
    """List the exceptions for a host that forwards nothing by itself, as iptables prints them."""
    return [f"-A FORWARD {direction} {layout.link} -j ACCEPT" for direction in ("-i", "-o")]


def _iptables_chain() -> dict[str, Any]:
    """Return iptables' chain for forwarded packets as nft sees it; empty where iptables is not in use."""
    for entry in json.loads(programs.run(["nft", "-json", "list", "chains"]))["nftables"]:
        chain: dict[str, Any] = entry.get("chain", {})
        if chain.items() >= _IPTABLES_CHAIN.items():
            return chain
    return {}
