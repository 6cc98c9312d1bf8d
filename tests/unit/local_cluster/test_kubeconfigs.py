import base64
import datetime as dt

import yaml

from local_cluster import pki
from local_cluster.kubeconfigs import client_kubeconfig, whole_kubeconfig
from local_cluster.layout import Layout


def test_the_administrators_context_is_the_clusters_name_and_holds_its_key(layout: Layout) -> None:
    pki.ensure_pki(layout, now=dt.datetime.now(dt.UTC))

    document = yaml.safe_load(whole_kubeconfig(layout, "admin"))

    assert document["current-context"] == "embedded-test"
    assert document["contexts"] == [
        {"name": "embedded-test", "context": {"cluster": "embedded-test", "user": "embedded-test"}}
    ]
    assert document["clusters"][0]["cluster"]["server"] == "https://10.210.1.1:6443"
    key = base64.b64decode(document["users"][0]["user"]["client-key-data"])
    assert key == pki.key_path(layout, "admin").read_bytes()


def test_a_components_kubeconfig_names_its_own_key(layout: Layout) -> None:
    user = yaml.safe_load(client_kubeconfig(layout, "kubelet"))["users"][0]["user"]

    assert user == {
        "client-certificate": str(layout.pki / "kubelet.crt"),
        "client-key": str(layout.pki / "kubelet.key"),
    }
