"""What a target must do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from contract.comparison import Tolerance
from model_build.repository.served import Order, Written
from model_build.scoring import Scores, Tensor
from model_build.spec import Spec
from model_build.tensorrt.record import TensorRTRecord


class Target(ABC):
    """A runtime that Triton serves plans with."""

    @property
    @abstractmethod
    def tolerances(self) -> Mapping[str, Tolerance]:
        """The precisions that it serves, each with what is accepted between two runs of one plan."""

    @abstractmethod
    def admit(self, spec: Spec, /) -> TensorRTRecord | None:
        """See that a plan can be made here, before anything costly is done.

        Returns:
            The machine that the plan will be tied to; None where it runs anywhere.

        Raises:
            ModelBuildError: it cannot; gives the reason.
        """

    @abstractmethod
    def write(self, order: Order, folder: Path) -> Written:
        """Fill the model's own folder, which does not exist yet.

        Raises:
            ModelBuildError: the plan cannot be made, or answers otherwise than its source.
        """

    @abstractmethod
    def scores(self, version: Path, image: Tensor) -> Scores:
        """Run the model of a version's folder on one image, float32 (C,H,W), to float32 (classes,).

        Raises:
            AdaptError: there is no model of the served contract that this target runs.
            ModelBuildError: it cannot be run here.
        """

    @abstractmethod
    def refuse_foreign(self, record: TensorRTRecord | None, /) -> None:
        """See that a published plan belongs to this machine.

        Raises:
            ModelBuildError: it does not; shows both sides.
        """
