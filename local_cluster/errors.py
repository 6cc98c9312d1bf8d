"""What can go wrong with a local cluster, each with a message that a user can act on."""


class LocalClusterError(Exception):
    """Root of this folder's errors: one line for the user, with the cure in it."""


class ClusterNameError(LocalClusterError):
    """The name can't be a local cluster's."""


class PreflightError(LocalClusterError):
    """The machine lacks something that a cluster needs: one line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


class ProgramError(LocalClusterError):
    """A program that this folder runs is missing or ended with an error."""


class NotRunningError(LocalClusterError):
    """The command needs a running cluster and there is none."""


class BusyError(LocalClusterError):
    """Another command is changing the same cluster right now."""


class DeadlineError(LocalClusterError):
    """A condition did not come true in time."""
