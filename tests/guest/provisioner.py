"""A storage class that provisions: local-path-provisioner, beside the cluster, with its administrator's rights."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from local_cluster.layout import Layout
from tests.cluster.driver import ClusterDriver, environment
from tests.guest.processes import running
from tools.cache import Cache
from tools.catalogue import catalogue

STORAGE_CLASS = "local-path"
_NAMESPACE = "local-path-storage"
_PROGRAM = "local-path-provisioner"
_SETUP = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
_TEARDOWN = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'


@contextlib.contextmanager
def provisioner(cluster: ClusterDriver, folder: Path, *, image: str) -> Iterator[None]:
    """Provision what claims ask of the class, which is nobody's default, while the context lasts.

    Args:
        cluster: whose claims.
        folder: for its configuration and log.
        image: one that the node has, for the pods that make and remove a volume's folder.
    """
    config = {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(_volumes(cluster.layout))]}]}
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod"},
        "spec": {
            "securityContext": {"runAsUser": 0},
            "containers": [{"name": "helper-pod", "image": image, "imagePullPolicy": "Never"}],
        },
    }
    data = {
        "setup": _SETUP,
        "teardown": _TEARDOWN,
        "config.json": json.dumps(config),
        "helperPod.yaml": json.dumps(helper),
    }
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-path-config", "namespace": _NAMESPACE},
            "data": data,
        },
        storage_class(is_default=False),
    )
    for name in ("config.json", "helperPod.yaml"):
        (folder / name).write_text(data[name])
    command = [
        *(_found(), "start", f"--config={folder / 'config.json'}", f"--helper-pod-file={folder / 'helperPod.yaml'}"),
        *(f"--kubeconfig={cluster.layout.kubeconfig}", f"--namespace={_NAMESPACE}", f"--helper-image={image}"),
        "--service-account-name=default",
    ]
    with running(command, log=folder / "provisioner.log", environment=environment()):
        yield


def storage_class(*, is_default: bool) -> dict[str, object]:
    """Return the class as its administrator declares it."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": str(is_default).lower()},
        },
        "provisioner": "rancher.io/local-path",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }


def _volumes(layout: Layout) -> Path:
    """The node's folder of volumes; it goes with the cluster."""
    return layout.state / "local-path"


def _found() -> str:
    tool = next(tool for tool in catalogue() if tool.name == _PROGRAM)
    place = Cache.of_user().found(tool)
    assert place, f"{_PROGRAM} is not built: python3 -m tools build --only guest"
    return str(place / "bin" / _PROGRAM)
