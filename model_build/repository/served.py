"""What a target is given to serve."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """An adapted classifier and how it is to be served.

    Attributes:
        onnx: the model's file, ``input`` float32 [N,3,224,224] to ``output`` float32 [N,classes].
        labels: one for each class, in the classes' order.
        max_batch_size: 0 serves one image without a batch dimension; N > 0 serves batches up to N.
    """

    name: str
    onnx: bytes
    labels: tuple[str, ...]
    max_batch_size: int
