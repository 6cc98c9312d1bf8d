"""What a target is given to serve, and what it gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.labels import text_from_labels
from contract.manifest import Reference
from contract.served import CONFIG_FILE, LABELS_FILE, MODEL_VERSION, ImageShape
from model_build.adapt import Classifier
from model_build.inputs import BuildInputs
from model_build.reference import Yardstick
from model_build.scoring import Scores, Tensor
from model_build.storage import Storage
from model_build.tensorrt.record import TensorRTRecord


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A classifier as Triton is told of it.

    Attributes:
        shape: channels, height and width of one image.
        labels: one for each class, in the classes' order.
        max_batch_size: 0 serves one image without a batch dimension; N > 0 serves batches up to N.
        instances: that Triton runs at once.
    """

    name: str
    shape: ImageShape
    labels: tuple[str, ...]
    max_batch_size: int
    instances: int = 1


def written_version(model: ServedModel, config_pbtxt: str, folder: Path) -> Path:
    """Write a model's configuration and labels, and return the folder of its only version, still empty."""
    version = folder / MODEL_VERSION
    version.mkdir(parents=True)
    (folder / CONFIG_FILE).write_text(config_pbtxt, encoding="utf-8")
    (folder / LABELS_FILE).write_text(text_from_labels(model.labels), encoding="utf-8")
    return version


@dataclass(frozen=True, kw_only=True)
class Order:
    """A plan to write.

    Attributes:
        classifier: the adapted source model, in single precision.
        yardstick: what the plan must answer.
        golden: the expected pictures, float32 (C,H,W) each.
        storage: keeps what later builds need not do again.
    """

    inputs: BuildInputs
    classifier: Classifier
    yardstick: Yardstick
    golden: Sequence[Tensor]
    storage: Storage

    @property
    def served(self) -> ServedModel:
        """The model as it is served."""
        spec = self.inputs.spec
        return ServedModel(
            name=spec.model,
            shape=self.classifier.shape,
            labels=self.inputs.labels,
            max_batch_size=spec.max_batch_size,
            instances=spec.tensorrt.instances if spec.tensorrt else 1,
        )


@dataclass(frozen=True, kw_only=True)
class Written:
    """A model's folder that was written.

    Attributes:
        scores: what the plan itself answers to each expected picture, float32 (classes,).
        reference: the plan's difference from the classifier; None where the plan is the classifier.
        tensorrt: None where it is no TensorRT plan.
    """

    scores: Sequence[Scores]
    reference: Reference | None = None
    tensorrt: TensorRTRecord | None = None
