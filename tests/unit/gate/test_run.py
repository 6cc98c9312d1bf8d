from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from deploy.errors import DeployError, StepFailedError, TurnedAwayError, UnreachedError
from deploy.lease import Lease
from gate import proof, standing
from gate import run as module
from gate.cluster.releases import Release, Releases
from gate.evidence.document import Check, Evidence, SmokeRun
from gate.evidence.record import Record
from gate.run import GateRun
from infra.config import Gate
from tests.unit.gate.runs import subject
from tests.unit.gate.stand_in import StandInCluster

KEY = "triton-staging"
CONFIG = {"densenet-triton:model": {"name": "densenet_tensorrt"}}
GOOD = Release(id="20261122T000000Z", subject=subject(commit="a" * 40), config=CONFIG)


@dataclass(kw_only=True)
class Scripted:
    """Something that is deployed and proven as it is told to; `wrong` names the step that fails."""

    wrong: str | None = None
    error: type[DeployError] = DeployError
    befalls: Callable[[], None] = lambda: None
    steps: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        self._step("prepare")

    def apply(self) -> None:
        self._step("apply")

    def prove(self, junit: Path) -> None:
        step = f"prove {self.steps.count('prove 1') + 1}"
        junit.write_text("wrong" if step == self.wrong else "right")
        self._step(step)

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.wrong:
            self.befalls()
            raise self.error(f"{name} went wrong")


@dataclass(kw_only=True)
class Story:
    """A run, and what has become of it."""

    run: GateRun
    put_back: Scripted
    withdrawn: list[bool]
    evidence: list[Evidence] = field(default_factory=list)

    def deploy(self, plan: str, *, template: str = "") -> None:
        """What Triton's Deployment says from now on."""
        labels = {"densenet-triton/plan": plan, "template": template}
        made = {"spec": {"template": {"metadata": {"labels": labels}}}}
        self.run.deployment.cluster.objects["deployment", "triton"] = made  # type: ignore[attr-defined]

    def of(self, candidate: Scripted) -> int:
        return self.run.carry_out(candidate, CONFIG)

    @property
    def reasons(self) -> str:
        return "\n".join(self.evidence[-1].verdict.reasons)


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Story]:
    def told(
        *,
        release: Release | None = GOOD,
        put_back: Scripted | None = None,
        begun: str | None = None,
        deployed: str = subject().plan_id,
        said: Callable[[bool], str | None] = lambda _again: None,
    ) -> Story:
        cluster, withdrawn = StandInCluster(), list[bool]()
        releases = Releases(cluster=cluster, key=KEY, stack="staging")
        if release:
            releases.add(release, "{}")
        lease = Lease(cluster=cluster, key=KEY, holder="here 1 run", begun=begun)
        document = {"kind": "Lease", "metadata": {"name": f"gate.{KEY}", "resourceVersion": "1"}}
        cluster.objects["lease", f"gate.{KEY}"] = {**document, "spec": {"holderIdentity": lease.holder}}
        pulumi = type("Stack", (), {"withdraw": lambda _: withdrawn.append(True)})()
        deployment = type("OnCluster", (), {"cluster": cluster, "is_embedded": True, "pulumi": pulumi, "stack": "s"})()
        run = GateRun(
            deployment=cast("Any", deployment),
            lease=lease,
            releases=releases,
            last=releases.last(),
            record=Record(stack="staging", action="deploy", candidate=subject()),
            programs=tmp_path,
            settings=Gate.model_validate({"pauseS": 0, "keepReleases": 2}),
        )
        made = Story(run=run, put_back=put_back or Scripted(), withdrawn=withdrawn)
        monkeypatch.setattr(GateRun, "_observe", observe)
        made.deploy(deployed)
        monkeypatch.setattr(standing, "ready_pods", lambda _cluster: ["triton-1"])
        monkeypatch.setattr(GateRun, "_forget_old", lambda _self: None)
        deployment.config = None
        monkeypatch.setattr(module, "trial", lambda _config, _cluster, *, again: nullcontext(lambda: said(again)))
        monkeypatch.setattr(GateRun, "program_of", lambda _self, _release: made.put_back)
        monkeypatch.setattr(proof, "smoke_run_from_junit", smoke_run)
        monkeypatch.setattr(
            module, "closed", lambda evidence: made.evidence.append(evidence) or evidence.verdict.status
        )
        return made

    return told


def observe(run: GateRun) -> None:
    """A pod of the candidate is Ready where its deployment went well."""
    if run.record.deployment and run.record.deployment.outcome == "succeeded":
        run._ready_at = run.record.started_at  # noqa: SLF001 - what the real one does


def smoke_run(path: Path, when: Any) -> SmokeRun:
    outcome: Any = "failed" if path.read_text() == "wrong" else "passed"
    return SmokeRun(when=when, seconds=1, checks=(Check(name="mug", outcome=outcome, seconds=1),))


def test_what_was_not_deployed_is_not_proven(story: Callable[..., Story]) -> None:
    """Every answer is right, and it is another plan that gives them: no status may hide that."""
    bad = story(deployed="0" * 16)

    assert bad.of(Scripted()) == 3

    assert "plan 4962527776e8fcd8 was to be deployed, and Triton is to serve 0000000000000000" in bad.reasons


def test_policies_that_the_cluster_passes_over_are_in_the_evidence_and_end_nothing(
    story: Callable[..., Story], capsys: pytest.CaptureFixture[str]
) -> None:
    """They are tried by every gate, whatever is remembered."""
    open_to_all = story(said=lambda again: "anybody enters" if again else None)

    assert open_to_all.of(Scripted()) == 0

    (found,) = open_to_all.evidence[-1].policies
    assert (found.policy, found.level, found.resource, found.message) == (
        "network-policies-enforced",
        "advisory",
        "triton-default-deny",
        "anybody enters",
    )
    assert "anybody enters" in capsys.readouterr().err


def test_a_trial_that_cannot_be_made_ends_nothing(story: Callable[..., Story]) -> None:
    def broken(_again: object) -> str | None:
        raise DeployError("today's file has faults")

    story_of_that = story(said=broken)

    assert story_of_that.of(Scripted()) == 0
    assert story_of_that.evidence[-1].policies == ()


def test_what_is_proven_twice_is_a_release(story: Callable[..., Story]) -> None:
    good = story()

    assert good.of(Scripted()) == 0

    last = good.run.releases.last()
    assert last is not None
    assert last.id == good.evidence[-1].verdict.serving == good.run.record.run
    assert [smoke.when for smoke in good.evidence[-1].smoke] == ["after", "after the pause"]
    assert good.run.lease.begun is None


@pytest.mark.parametrize(
    ("wrong", "served"),
    [("apply", False), ("prove 1", True), ("prove 2", True)],
    ids=["up", "smoke", "after the pause"],
)
def test_what_fails_makes_room_for_the_last_good_one(story: Callable[..., Story], wrong: str, served: bool) -> None:  # noqa: FBT001 - a case
    bad = story()

    assert bad.of(Scripted(wrong=wrong)) == 2

    verdict = bad.evidence[-1].verdict
    assert bad.put_back.steps == ["prepare", "apply", "prove 1"]
    assert verdict.serving == GOOD.id
    assert (verdict.served_s is not None) == served
    assert bad.run.releases.last() == GOOD
    assert bad.run.lease.begun is None


def test_the_first_deployment_has_nothing_to_go_back_to(story: Callable[..., Story]) -> None:
    bad = story(release=None)

    assert bad.of(Scripted(wrong="apply")) == 3

    assert "no proven release to go back to; mend what stands above" in bad.reasons
    assert bad.run.lease.begun is not None
    assert bad.withdrawn == []


def test_a_first_deployment_that_turns_wrong_is_taken_away(story: Callable[..., Story]) -> None:
    bad = story(release=None)

    assert bad.of(Scripted(wrong="prove 2")) == 3

    assert bad.withdrawn == [True]
    assert "what was found wrong was taken away; nothing serves" in bad.reasons
    assert bad.evidence[-1].verdict.served_s is not None


@pytest.mark.parametrize("stays", [True, False], ids=["the candidate", "the release, halfway"])
def test_where_the_way_back_fails_only_what_was_wrong_is_taken_away(
    story: Callable[..., Story],
    stays: bool,  # noqa: FBT001 - a case
) -> None:
    """The release has the candidate's plan: the pods' template tells them apart."""
    put_back = Scripted(wrong="apply")
    bad = story(put_back=put_back)
    if not stays:
        put_back.befalls = lambda: bad.deploy(subject().plan_id, template="the release's")

    assert bad.of(Scripted(wrong="prove 1")) == 3

    assert bad.withdrawn == ([True] if stays else [])
    assert ("what is there still serves, unproven: triton-1" in bad.reasons) == (not stays)


def test_what_a_release_has_left_is_not_taken_away_for_a_candidate_that_changes_no_pod(
    story: Callable[..., Story],
) -> None:
    """Another expected answer makes it wrong, and the pods are the release's."""
    bad = story(put_back=Scripted(wrong="apply"))
    bad.run.prepare_way_back()

    assert bad.of(Scripted(wrong="prove 1")) == 3

    assert bad.withdrawn == []
    assert "what is there still serves, unproven: triton-1" in bad.reasons


CLOSED = pytest.mark.parametrize(
    ("error", "way"),
    [(UnreachedError, "unreached"), (TurnedAwayError, "turned away")],
    ids=["unreached", "turned away"],
)


@CLOSED
@pytest.mark.parametrize("step", ["prove 1", "prove 2"])
def test_a_first_deployment_that_could_not_be_asked_stays(
    story: Callable[..., Story], step: str, error: type[DeployError], way: str
) -> None:
    closed = story(release=None)

    assert closed.of(Scripted(wrong=step, error=error)) == 3

    assert closed.withdrawn == []
    assert "what was deployed stays, for its pods have proven their own answers: triton-1" in closed.reasons
    assert "open the way to the URL, then make gate STACK=staging" in closed.reasons
    assert closed.evidence[-1].verdict.served_s is None
    assert closed.evidence[-1].smoke[-1].way == way
    assert not closed.evidence[-1].smoke[-1].proven


@CLOSED
def test_what_could_not_be_asked_makes_room_for_the_last_good_one(
    story: Callable[..., Story], error: type[DeployError], way: str
) -> None:
    """The change may be what has closed the way."""
    closed = story()

    assert closed.of(Scripted(wrong="prove 1", error=error)) == 2

    assert [smoke.way for smoke in closed.evidence[-1].smoke] == [way, "open"]
    assert closed.evidence[-1].verdict.serving == GOOD.id


def test_a_release_that_can_not_be_asked_either_stays(story: Callable[..., Story]) -> None:
    put_back = Scripted(wrong="prove 1", error=UnreachedError)
    closed = story(put_back=put_back)

    assert closed.of(Scripted(wrong="prove 1", error=UnreachedError)) == 3

    assert closed.withdrawn == []
    assert (
        f"release {GOOD.id} is back, and can't be proven either: prove 1 went wrong; so it is hardly" in closed.reasons
    )


@pytest.mark.parametrize("wrong", [None, "prove 2"], ids=["right", "wrong"])
def test_what_somebody_else_has_deployed_meanwhile_is_theirs(story: Callable[..., Story], wrong: str | None) -> None:
    """A plain `pulumi up` knows no lease."""

    class Overtaken(Scripted):
        def _step(self, name: str) -> None:
            if name == "prove 2":
                story_of_two.deploy(subject().plan_id, template="another's")
            super()._step(name)

    story_of_two = story()

    assert story_of_two.of(Overtaken(wrong=wrong)) == 3

    assert "somebody has changed stack s while this gate worked on it" in story_of_two.reasons
    assert story_of_two.run.releases.last() == GOOD
    assert story_of_two.put_back.steps == []
    assert story_of_two.withdrawn == []
    assert story_of_two.run.lease.begun is None, "the next gate would put a release over theirs"


def test_an_interrupted_way_back_is_the_next_gates_to_complete(story: Callable[..., Story]) -> None:
    class Interrupted(Scripted):
        def apply(self) -> None:
            raise KeyboardInterrupt

    interrupted = story(put_back=Interrupted())

    with pytest.raises(KeyboardInterrupt):
        interrupted.of(Scripted(wrong="prove 1"))

    assert interrupted.evidence[-1].verdict.status == 130
    assert f"interrupted while release {GOOD.id} was put back" in interrupted.reasons
    assert interrupted.run.lease.begun == "commit cccccccccccc, plan 4962527776e8fcd8"


def test_a_release_that_does_not_come_back_is_said_with_the_cure(story: Callable[..., Story]) -> None:
    bad = story(put_back=Scripted(wrong="prove 1"))

    assert bad.of(Scripted(wrong="apply")) == 3

    assert f"make rollback STACK=staging TO={GOOD.id}" in bad.reasons


def test_a_refusal_changes_nothing(story: Callable[..., Story]) -> None:
    refused = story()

    assert refused.run.refuse(["no node"]) == 1
    assert refused.put_back.steps == []


def test_a_refusal_after_an_interrupted_run_puts_the_last_good_one_back(story: Callable[..., Story]) -> None:
    refused = story(begun="commit 1, plan 2")

    assert refused.run.refuse(["no node"]) == 2

    assert refused.put_back.steps == ["prepare", "apply", "prove 1"]
    assert "an earlier run was interrupted while it deployed commit 1, plan 2" in refused.reasons


def test_an_interrupt_leaves_the_next_run_what_it_needs(story: Callable[..., Story]) -> None:
    class Interrupted(Scripted):
        def apply(self) -> None:
            raise KeyboardInterrupt

    interrupted = story()

    with pytest.raises(KeyboardInterrupt):
        interrupted.of(Interrupted())

    assert interrupted.run.lease.begun == "commit cccccccccccc, plan 4962527776e8fcd8"
    assert interrupted.put_back.steps == []
    assert interrupted.evidence[-1].verdict.status == 130
    assert interrupted.evidence[-1].deployment is not None
    assert interrupted.evidence[-1].deployment.outcome == "interrupted"


@pytest.mark.parametrize("step", ["apply", "prove 1"])
def test_a_run_that_has_lost_the_stack_touches_nothing_more(story: Callable[..., Story], step: str) -> None:
    class Loses(Scripted):
        def _step(self, name: str) -> None:
            super()._step(name)
            if name == step:
                story_of_another.run.lease.cluster.objects["lease", f"gate.{KEY}"]["spec"]["holderIdentity"] = "b 2 run"

    story_of_another: Any = story()

    assert story_of_another.of(Loses()) == 3

    assert "was lost to another run" in story_of_another.reasons
    assert story_of_another.put_back.steps == []
    assert story_of_another.run.releases.last() == GOOD


def test_a_way_back_that_fails_once_is_gone_again(story: Callable[..., Story]) -> None:
    class Blinks(Scripted):
        def apply(self) -> None:
            super().apply()
            if self.steps.count("apply") == 1:
                raise StepFailedError("the API server was away")

    bad = story(put_back=Blinks())

    assert bad.of(Scripted(wrong="apply")) == 2

    assert bad.put_back.steps == ["prepare", "apply", "prepare", "apply", "prove 1"]


def test_without_a_way_back_nothing_is_begun(story: Callable[..., Story]) -> None:
    lost = story(put_back=Scripted(wrong="prepare"))

    with pytest.raises(DeployError):
        lost.run.prepare_way_back()

    assert [(check.name, check.outcome) for check in lost.run.record.before] == [("way back", "failed")]
