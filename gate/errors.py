"""How a gate can end other than well."""


class GateError(Exception):
    """Root of this package's errors; its text says what is wrong and what mends it."""


class RefusedError(GateError):
    """The deployment was refused before anything changed."""


class FailedError(GateError):
    """The deployment was begun and is not what it has to be."""


class WrongAnswerError(FailedError):
    """What was deployed answers wrongly, which alone takes it away."""


class ChangedMeanwhileError(GateError):
    """Somebody has deployed something else meanwhile, without the lease: that is theirs, and unproven."""


class StorageJobError(GateError):
    """The stack's storage could not be looked at, or not be pruned."""
