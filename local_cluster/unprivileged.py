"""Components that are not root: users of their own, who may read what is theirs and nothing else of the cluster.

They only talk: what strangers send to the gateway and what pods ask the DNS server is read by nobody with rights. The
users need no entry in the host's list; their numbers lie between those that distributions give to accounts and those
that they give to accounts' containers, and differ from cluster to cluster.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from local_cluster.files import make_folder, write_if_changed
from local_cluster.layout import Layout
from local_cluster.programs import required

COMPONENTS = ("coredns", "traefik")

_FIRST_USER = 70_000
_USERS_OF_A_COMPONENT = 100  # more than there are slots


def user_id(layout: Layout, component: str) -> int:
    """Return a component's user and group id."""
    return _FIRST_USER + _USERS_OF_A_COMPONENT * COMPONENTS.index(component) + layout.slot


def own_file(layout: Layout, component: str, name: str) -> Path:
    """Return where a file lies that a component may read."""
    return layout.state / component / name


def command_without_rights(layout: Layout, component: str) -> tuple[str, ...]:
    """Return what stands before a component's command line to make it its own user, with no way back to more rights."""
    user = user_id(layout, component)
    no_capability = ("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs")
    return (required("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", *no_capability)


def hand_over(layout: Layout, component: str, files: Mapping[Path, str]) -> None:
    """Write a component's files, for it alone to read and for root alone to change.

    Raises:
        WriteError: the disk is full, or the folder is not ours to write in.
    """
    user = user_id(layout, component)
    folder = layout.state / component
    make_folder(folder, mode=0o750)
    os.chown(folder, 0, user)
    for path, content in files.items():
        write_if_changed(path, content, mode=0o640)
        os.chown(path, 0, user)
