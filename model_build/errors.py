"""What can go wrong while a plan is built, each a line that its reader can act on."""


class ModelBuildError(Exception):
    """Root of every error that a user can cause; the command line prints it as one line."""


class InputsError(ModelBuildError):
    """The build's inputs (spec.json, labels.txt, image) are missing or are not what they must be."""


class SourceError(ModelBuildError):
    """The source model cannot be had, or is not the one that was named."""


class AdaptError(ModelBuildError):
    """The source model cannot be made to fit the served contract."""


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
