"""What a user can cause while a stack is deployed."""


class DeployError(Exception):
    """Root of this package's errors; its text is one line that says what is wrong and what mends it."""


class ProgramMissingError(DeployError):
    """A program that a step runs is not on PATH."""


class CommandFailedError(DeployError):
    """A command that was asked for its output has failed; the text holds its reason."""


class ForbiddenError(CommandFailedError):
    """This user may not do what the cluster was asked: where something was to be read, what it would say is unknown."""


class StackUnknownError(CommandFailedError):
    """Pulumi's backend has no stack of this name."""


class StepFailedError(CommandFailedError):
    """A step of the deployment has failed and has said why itself: nothing is left to say."""


class UnreachedError(DeployError):
    """The stack's URL was not reached before the deadline; of what serves behind it that says nothing."""


class TurnedAwayError(DeployError):
    """The door in front of the stack let nobody in; of what serves behind it that says nothing."""


class StackHeldError(DeployError):
    """Another run works on the stack."""


class LeaseLostError(DeployError):
    """Another run works on the stack now, so that this one must touch nothing more."""


class ImageError(DeployError):
    """An image of the project could not be built or pushed."""


class CapacityError(DeployError):
    """The cluster lacks the nodes or the GPUs that a stack declares."""
