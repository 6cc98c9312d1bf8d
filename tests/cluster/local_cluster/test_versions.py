import json

from tests.cluster.driver import ClusterDriver


def test_programs_older_than_the_data_are_refused_and_nothing_is_touched(cluster: ClusterDriver) -> None:
    record = cluster.layout.state / "versions.json"
    written = record.read_text(encoding="utf-8")
    versions = json.loads(written)
    assert versions["kube-apiserver"]["text"].startswith("1.37.")
    assert versions["etcd"]["text"].startswith("3.6.")
    before = cluster.pids()
    versions["kube-apiserver"] = {"program": "a newer checkout's", "text": "1.99.0"}
    record.write_text(json.dumps(versions), encoding="utf-8")

    try:
        assert "was written by Kubernetes 1.99.0 (here it is 1.37." in cluster.refusal("up")
        assert cluster.pids() == before
    finally:
        record.write_text(written, encoding="utf-8")
    cluster.run("up")
    assert cluster.pids() == before
