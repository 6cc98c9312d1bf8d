from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from deploy.errors import CommandFailedError
from gate.cluster import releases as module
from gate.cluster.releases import Release, Releases, kept_values, table_from_releases
from gate.errors import RefusedError
from gate.evidence.document import Check, SmokeRun, json_from_evidence
from gate.program import ReleaseProgram
from infra.config import StackValues
from infra.config.faults import StackFile
from tests.unit.gate.runs import good_run, subject
from tests.unit.gate.stand_in import StandInCluster

CONFIG = {"densenet-triton:model": {"name": "densenet_tensorrt", "target": "onnxruntime"}}


def release(number: int, **changes: Any) -> Release:
    return Release(id=f"20261123T01120{number}Z", subject=subject(), config=CONFIG, **changes)


@pytest.fixture
def releases() -> Releases:
    kept = Releases(cluster=StandInCluster(), key="triton-staging", stack="staging")
    for number in range(3):
        kept.add(release(number), "{}")
    return kept


def test_the_newest_is_the_last_good_one(releases: Releases) -> None:
    assert releases.last() == release(2)
    assert [each.id[-2] for each in releases.all()] == ["2", "1", "0"]


def test_there_is_no_last_good_one_before_the_first() -> None:
    assert Releases(cluster=StandInCluster(), key="k", stack="s").last() is None


def test_one_that_is_not_kept_is_refused_with_those_that_are(releases: Releases) -> None:
    releases.remove([release(1)])

    with pytest.raises(RefusedError, match=r"'20261123T011201Z' of stack staging is not kept; .*20261123T011202Z"):
        releases.get("20261123T011201Z")
    assert releases.get("20261123t011202z") == release(2)


@pytest.mark.parametrize("text", ['{"schema": 2}', "{}", "[]", "garbage", '{"schema": 1, "id": "x"}'])
def test_a_release_of_another_schema_is_refused(releases: Releases, text: str) -> None:
    cluster = releases.cluster
    assert isinstance(cluster, StandInCluster)
    cluster.objects["configmap", "triton-staging.20261123t011202z"]["data"]["release"] = text

    with pytest.raises(
        RefusedError, match=r"20261123t011202z can't be read \(.*\); accepted: schema 1; .*kubectl delete configmap"
    ):
        releases.last()


def test_a_release_of_the_version_before_is_read_and_goes_back_as_it_was(releases: Releases) -> None:
    config: dict[str, Any] = {
        "densenet-triton:cluster": {"context": "embedded", "namespace": "triton-staging"},
        "densenet-triton:model": {
            "name": "densenet_tensorrt",
            "source": {"kind": "fixture"},
            "expect": {"image": "smoke_tests/data/mug.png", "class": 504, "label": "COFFEE MUG"},
        },
    }
    checked = Check(
        name="test_every_score_is_the_golden[h:80]",
        outcome="passed",
        seconds=0.25,
        figures={"max_abs_difference": 0.0025, "tolerance": 0.01},
    )
    proven = good_run(smoke=(SmokeRun(when="after", seconds=1, checks=(checked,)),))
    old = Release(id="20261123T011209Z", subject=subject(commit="b" * 40), config=config)
    releases.add(old, json_from_evidence(proven))

    found = releases.get(old.id)
    program = ReleaseProgram(
        release=found,
        folder=Path("/programs"),
        kubeconfig=None,
        deployment=cast("Any", None),
        embedded=True,
        lease="here 1 run",
    )
    assert program.commit == "b" * 40, "its own program knows what a fixture is"
    model = config["densenet-triton:model"] | {"plan": old.subject.plan_id}
    assert found.pinned_config == config | {"densenet-triton:model": model}
    assert (found, proven) in releases.with_evidence()


def test_a_release_is_deployed_again_with_its_plan_pinned() -> None:
    model = {"name": "densenet_tensorrt", "target": "onnxruntime", "plan": subject().plan_id}
    assert release(0).pinned_config == {"densenet-triton:model": model}


def test_the_table_says_which_is_the_last_good_one_and_what_came_back() -> None:
    kept = [release(1, restores="20261123T011200Z"), release(0)]

    header, first, second = table_from_releases([(each, good_run()) for each in kept]).splitlines()

    assert header.split() == ["RELEASE", "PROVEN", "COMMIT", "PLAN", "GPU"]
    assert "2026-11-23 01:14" in first
    assert first.endswith("last good; brought back 20261123T011200Z")
    assert second.endswith("NVIDIA-H800")


def test_each_release_has_the_evidence_of_its_run() -> None:
    kept = Releases(cluster=StandInCluster(), key="triton-staging", stack="staging")
    kept.add(release(0), json_from_evidence(good_run()))

    assert kept.with_evidence() == [(release(0), good_run())]


def test_evidence_of_another_schema_is_named_and_hides_no_release(releases: Releases) -> None:
    (_, newest), *_ = kept = releases.with_evidence()

    assert "triton-staging.20261123t011202z is evidence of schema null; accepted: evidence of schema 1" in str(newest)
    assert table_from_releases(kept).count("unreadable") == 3


def test_the_last_good_one_is_the_one_that_was_kept_last_whatever_its_id() -> None:
    kept = Releases(cluster=StandInCluster(), key="triton-staging", stack="staging")
    for number in (2, 1):
        kept.add(release(number), "{}")

    assert kept.last() == release(1)


def test_another_stack_that_had_the_namespace_has_its_own(releases: Releases) -> None:
    assert Releases(cluster=releases.cluster, key=releases.key, stack="another").all() == []


def test_an_answer_that_got_lost_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0)
    cluster = StandInCluster()
    write = StandInCluster._write  # noqa: SLF001 - whose answer gets lost
    asked: list[str] = []

    def lose_the_first_answer(self: StandInCluster, document: dict[str, Any], verb: str) -> None:
        asked.append(verb)
        write(self, document, verb)
        if len(asked) == 1:
            raise CommandFailedError("the connection was lost")

    monkeypatch.setattr(StandInCluster, "_write", lose_the_first_answer)
    kept = Releases(cluster=cluster, key="triton-staging", stack="staging")

    kept.add(release(0), "{}")

    assert asked == ["create", "create"]
    assert kept.last() == release(0)


def test_evidence_that_does_not_fit_is_left_out() -> None:
    kept = Releases(cluster=StandInCluster(), key="triton-staging", stack="staging")

    kept.add(release(0), "x" * 1_000_000)

    assert kept.last() == release(0)


def test_a_release_says_what_is_secret_and_keeps_none_of_it() -> None:
    model = {"name": "m", "source": {"kind": "onnx", "url": "https://h/m?sig=geheim"}}
    found = StackValues(
        values={"densenet-triton:model": model}, file=StackFile(stack="staging"), secrets=("model.source.url",)
    )

    kept = Release(id="20261123T011200Z", subject=subject(), config=kept_values(found))

    assert "geheim" not in kept.model_dump_json()
    assert kept.secrets == ("model.source.url",)
    assert release(0).secrets == ()
    assert model["source"] == {"kind": "onnx", "url": "https://h/m?sig=geheim"}


def test_a_release_keeps_the_names_of_clients_and_no_key() -> None:
    places = ("endpoint.clients.alice", "endpoint.clients.alice.next")
    endpoint = {"clients": {"alice": "geheim-1", "alice.next": "geheim-2"}}
    found = StackValues(values={"densenet-triton:endpoint": endpoint}, file=StackFile(stack="staging"), secrets=places)

    kept = Release(id="20261123T011200Z", subject=subject(), config=kept_values(found))

    assert kept.config["densenet-triton:endpoint"] == {"clients": {"alice": "[secret]", "alice.next": "[secret]"}}
    assert kept.secrets == places


def test_a_whole_name_has_the_releases_of_its_last_part(releases: Releases) -> None:
    assert replace(releases, stack="organization/densenet-triton/staging").all() == releases.all()


@pytest.mark.parametrize(
    ("namespace", "kept"),
    [
        ({"annotations": {"densenet-triton/stack": "staging"}, "creationTimestamp": "2026-11-22T00:00:00Z"}, True),
        ({"annotations": {"densenet-triton/stack": "prod"}, "creationTimestamp": "2026-11-24T00:00:00Z"}, False),
        ({"creationTimestamp": "2026-11-22T00:00:00Z"}, False),
        (None, False),
    ],
    ids=["its own, since before", "made anew since", "made by others", "gone"],
)
def test_a_stack_that_was_renamed_keeps_the_releases_of_its_namespace(
    releases: Releases, namespace: dict[str, Any] | None, *, kept: bool
) -> None:
    cluster = cast("StandInCluster", releases.cluster)
    if namespace:
        cluster.objects["namespace", releases.key] = {"kind": "Namespace", "metadata": namespace}
    of_staging = releases.all()

    renamed = replace(releases, stack="prod")

    assert renamed.all() == (of_staging if kept else [])
    renamed.add(release(7), "{}")
    assert renamed.last() == release(7)
