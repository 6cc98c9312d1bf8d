"""What can go wrong while a plan is built, each a line that its reader can act on."""

from typing import Final, Literal

SourceKey = Literal["url", "output", "imageSize"]


class ModelBuildError(Exception):
    """Root of every error that a user can cause; the command line prints it as one line."""


class InputsError(ModelBuildError):
    """The build's inputs (spec.json, labels.txt, the pictures) are missing or are not what they must be."""


class SourceError(ModelBuildError):
    """The source model cannot be had, or is not the one that was named."""


class AdaptError(ModelBuildError):
    """The source model cannot be made to fit the served contract."""


class InterfaceError(AdaptError):
    """A model's own input and output are none of an image classifier's.

    Attributes:
        key: of the configuration's ``model.source``, the one that may mend it.
        found: what is wrong.
        accepted: what is taken.
        value: what to set the key to; None where nobody can know.
    """

    def __init__(self, found: str, *, accepted: str, key: SourceKey = "url", value: object = None) -> None:
        super().__init__(f"{found}; accepted: {accepted}")
        self.key: Final = key
        self.found: Final = found
        self.accepted: Final = accepted
        self.value: Final = value


class TargetError(ModelBuildError):
    """The target does not exist yet, or does not do what is asked of it."""


class DeviceError(ModelBuildError):
    """The GPU, its driver or its TensorRT is missing, or is another than the plan needs."""


class PlanError(ModelBuildError):
    """TensorRT cannot compile the model, or cannot load or run a plan."""


class AnswerError(ModelBuildError):
    """The model does not answer as it must: other scores, another class, another label, or NaN."""


class RepositoryError(ModelBuildError):
    """A model repository differs from its manifest, or its manifest cannot be read."""


class StorageError(ModelBuildError):
    """The storage cannot be written, is full, or lacks what was expected there."""


class ReportError(ModelBuildError):
    """The manifest could not be written into the plan's ConfigMap."""
