"""What of a run stands in the cluster: known by its pods' template, so that nothing else is taken for it."""

from dataclasses import dataclass, field
from typing import Any

from deploy.errors import DeployError, TurnedAwayError, UnreachedError
from deploy.operations import Deployment
from gate.cluster.observation import deployed_template, plan_of_template, ready_pods
from gate.errors import ChangedMeanwhileError, FailedError

WAY_CLOSED = (UnreachedError, TurnedAwayError)
"""What says nothing of what serves behind the URL."""


@dataclass(kw_only=True)
class Standing:
    """What a run has deployed.

    Attributes:
        deployment: of the stack.
    """

    deployment: Deployment
    _template: dict[str, Any] | None = field(default=None, init=False)
    _of_release: dict[str, Any] | None = field(default=None, init=False)

    def begin(self) -> None:
        """Remember what a proven release has left there: a candidate with the same pods deploys none of its own."""
        self._of_release = deployed_template(self.deployment.cluster)

    def note(self, plan_id: str) -> None:
        """Remember what was just deployed.

        Args:
            plan_id: that was to be.

        Raises:
            FailedError: the pods are told to serve another plan.
        """
        template = deployed_template(self.deployment.cluster)
        found = plan_of_template(template)
        if found != plan_id:
            raise FailedError(f"plan {plan_id} was to be deployed, and Triton is to serve {found or 'nothing'}")
        self._template = template

    def require_unchanged(self) -> None:
        """See that what was deployed is what is there.

        Raises:
            ChangedMeanwhileError: somebody has deployed something else, or taken it away.
        """
        if self._template is None or (found := deployed_template(self.deployment.cluster)) == self._template:
            return
        plan = plan_of_template(found)
        what = "Triton's Deployment is gone" if found is None else f"its pods are of another template, plan {plan}"
        stack = self.deployment.stack
        raise ChangedMeanwhileError(
            f"somebody has changed stack {stack} while this gate worked on it: {what}; nothing of that was touched, "
            f"and no release was kept; accepted: make up and make gate, which take turns; make gate STACK={stack}"
        )

    def changed(self) -> ChangedMeanwhileError | None:
        """What somebody else has done, as `require_unchanged` says it; nothing is known where the cluster is away."""
        try:
            self.require_unchanged()
        except ChangedMeanwhileError as error:
            return error
        except DeployError:
            return None
        return None

    def end(self, *, wrong: bool) -> list[str]:
        """Take away what was found wrong and was not replaced, and nothing else; say what serves.

        Args:
            wrong: whether what was deployed has answered wrongly; all else that can fail leaves it where it is, for its
                pods get traffic only once they have proven themselves.
        """
        cluster = self.deployment.cluster
        try:
            is_there = self._template is not None and deployed_template(cluster) == self._template
            is_own = is_there and self._template != self._of_release
            if is_own and wrong:
                self.deployment.pulumi.withdraw()
                return ["what was found wrong was taken away; nothing serves"]
            pods = ", ".join(ready_pods(cluster))
        except (DeployError, OSError) as error:
            why = "what was found wrong could not be taken away" if wrong else "what serves could not be looked at"
            return [f"{why} and may still serve: {error}"]
        if not pods:
            return []
        if is_own:
            return [f"what was deployed stays, for its pods have proven their own answers: {pods}"]
        return [f"what is there still serves, unproven: {pods}"]


def nothing_to_go_back_to(stack: str, failure: Exception | None) -> str:
    """What comes next where no release was ever proven."""
    is_closed = isinstance(failure, WAY_CLOSED)
    mend = "open the way to the URL, then" if is_closed else "mend what stands above, commit it, and"
    return (
        f"stack {stack} has no proven release to go back to; {mend} make gate STACK={stack}; or take it away: "
        f"make destroy STACK={stack}"
    )


def not_back(release: str, stack: str, error: Exception) -> str:
    """Why a release is not what serves, or not known to be, and what comes next."""
    if isinstance(error, WAY_CLOSED):
        return (
            f"release {release} is back, and can't be proven either: {error}; so it is hardly the change: open the way "
            f"to the URL, then make rollback STACK={stack} TO={release}, or make gate STACK={stack}"
        )
    return f"release {release} could not be put back: {error}; mend that, then make rollback STACK={stack} TO={release}"
