"""The one seam to TensorRT: what the project wants of a GPU, whoever provides it."""

from dataclasses import dataclass
from typing import Protocol

from contract.served import ImageShape
from model_build.scoring import Scores, Tensor

Version = tuple[int, int, int]
"""Major, minor, patch."""

_Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class BatchProfile:
    """The batches that a plan takes, and the one that it is tuned for; smallest ≤ typical ≤ largest."""

    typical: int
    largest: int
    smallest: int = 1


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """What a plan is compiled with.

    Attributes:
        strongly_typed: the network is told to keep the ONNX's own types.
        tf32: products of float32 are computed from numbers rounded to 10 bits, where the GPU can.
        profiles: the optimization profiles, in their order in the plan.
        image_shape: one image's planes, height and width.
        workspace_bytes: the builder's scratch limit.
    """

    strongly_typed: bool
    tf32: bool
    profiles: tuple[BatchProfile, ...]
    image_shape: ImageShape
    workspace_bytes: int

    def input_shapes(self) -> list[tuple[_Shape, _Shape, _Shape]]:
        """Return each profile's smallest, typical and largest shape of the input."""
        return [
            (
                (profile.smallest, *self.image_shape),
                (profile.typical, *self.image_shape),
                (profile.largest, *self.image_shape),
            )
            for profile in self.profiles
        ]


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU.

    Attributes:
        product: NVML's name with dashes for spaces, as the node label nvidia.com/gpu.product: "NVIDIA-H800".
        compute_capability: "9.0".
        driver: the driver's version, "550.54.15".
    """

    product: str
    compute_capability: str
    driver: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a plan is tied to: it runs with this TensorRT, on this product, and on nothing else."""

    version: Version
    gpu: Gpu

    @property
    def version_text(self) -> str:
        """TensorRT's version as it is written, "10.6.0"."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A plan, and how it came about.

    Attributes:
        tactic_sources: the libraries that TensorRT chose kernels from, sorted.
        timing_cache: what was measured, together with the measurements that were given.
        cache_hit: nothing had to be measured that was not given.
    """

    plan: bytes
    tactic_sources: tuple[str, ...]
    build_seconds: float
    timing_cache: bytes
    cache_hit: bool


class Device(Protocol):
    """A GPU with a TensorRT that belongs to it."""

    def describe(self) -> Machine:
        """Say which TensorRT and which GPU this is."""
        ...

    def compile(self, onnx: bytes, settings: BuildSettings, *, timing_cache: bytes) -> Compiled:
        """Compile a plan for this GPU, in the precision that the ONNX itself has.

        Args:
            onnx: model with one input ``input``, float32 (N,planes,height,width), and one output ``output``; N is
                dynamic, or 1 where the settings ask for no more.
            settings: what is asked of the builder.
            timing_cache: measurements of an earlier build by this TensorRT on this GPU; empty for none. What
                TensorRT does not take is left out, and said in the log.

        Raises:
            PlanError: TensorRT cannot compile it; gives its reason, and the node where it is one.
        """
        ...

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        """Run a plan on images, float32 (N,planes,height,width), in one batch, to float32 (N,classes).

        It runs by the optimization profile that Triton would take for such a batch.

        Raises:
            PlanError: it cannot be loaded (damaged, from another TensorRT) or run, or no profile takes the batch;
                gives TensorRT's reason.
            AdaptError: it has not the served contract's input and output.
        """
        ...
