"""How a gate can end other than well."""


class GateError(Exception):
    """Root of this package's errors; its text says what is wrong and what mends it."""


class RefusedError(GateError):
    """The deployment was refused before anything changed."""


class FailedError(GateError):
    """The deployment was begun and is not what it has to be."""


class LeaseLostError(GateError):
    """Another gate works on the stack now, so that this one must touch nothing more."""


class StorageJobError(GateError):
    """The stack's storage could not be looked at, or not be pruned."""
