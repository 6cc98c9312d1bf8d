"""What a cluster is started with: every fault at once, each with its cure."""

from collections.abc import Callable, Iterator

from local_cluster import packages, programs
from local_cluster.definitions import DefinitionsError, definition_files
from local_cluster.errors import PreflightError, ProgramError
from local_cluster.layout import Layout
from local_cluster.machine import machine_faults

_NAT_RULES = (
    "add table ip t; add chain ip t c { type nat hook postrouting priority srcnat; }; add rule ip t c masquerade"
)
_NAT_IN_NEW_NETWORK = ("unshare", "--net", "nft", _NAT_RULES)


def check_all(layout: Layout) -> None:
    """Check the machine, and the programs and files that `make tools` brings, changing nothing.

    Args:
        layout: the cluster, which does not run.

    Raises:
        PreflightError: every fault that was found.
    """
    faults = [*machine_faults(layout), *(fault for check in CHECKS for fault in check())]
    if faults:
        raise PreflightError(faults)


def _program_faults() -> Iterator[str]:
    missing: dict[str, list[str]] = {}
    for name in (*packages.package_of_program(), *programs.BUILT):
        if programs.find(name) is None:
            missing.setdefault(programs.cure(name), []).append(name)
    for cure, names in missing.items():
        yield f"not on PATH: {', '.join(names)}; {cure}"
    if programs.cni_folder() is None:
        plugins = packages.cni_plugins()
        yield f"CNI plugins {', '.join(plugins.names)} are not installed: apt-get install {plugins.package}"


def _definition_faults() -> Iterator[str]:
    try:
        definition_files()
    except DefinitionsError as error:
        yield str(error)


def _nat_faults() -> Iterator[str]:
    if any(programs.find(program) is None for program in ("unshare", "nft")):
        return  # named among the programs
    try:
        programs.run(_NAT_IN_NEW_NETWORK)
    except ProgramError as error:
        yield f"the kernel gives no masquerading: `modprobe -a nft_chain_nat nft_masq` ({error})"


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (_program_faults, _definition_faults, _nat_faults)
