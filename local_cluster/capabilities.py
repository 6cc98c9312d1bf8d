"""What the kernel lets this process do."""

from pathlib import Path

NET_ADMIN, SYS_ADMIN, SYS_RESOURCE = 12, 21, 24
"""Numbers in linux/capability.h."""

_STATUS = Path("/proc/self/status")
_UID_MAP = Path("/proc/self/uid_map")
_WHOLE_RANGE = ["0", "0", "4294967295"]


def has_capability(number: int, status: Path = _STATUS) -> bool:
    """Tell whether this process holds a capability, by its number in linux/capability.h."""
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
    return bool(int(lines["CapEff"], 16) >> number & 1)


def is_root_of_the_machine(uid_map: Path = _UID_MAP) -> bool:
    """Tell whether user 0 here is the machine's own, and not one of a user namespace, as in a rootless container."""
    return not uid_map.is_file() or uid_map.read_text(encoding="utf-8").split() == _WHOLE_RANGE
