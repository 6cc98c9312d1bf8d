"""What a user can cause while a stack is deployed."""


class DeployError(Exception):
    """Root of this package's errors; its text is one line that says what is wrong and what mends it."""


class ProgramMissingError(DeployError):
    """A program that a step runs is not on PATH."""


class CommandFailedError(DeployError):
    """A command that a step consists of has failed; it has said why itself."""


class ImageError(DeployError):
    """An image of the project could not be built or pushed."""
