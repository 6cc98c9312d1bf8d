"""What TensorRT is asked for, by its version and the precision; and which profile a batch runs by."""

from types import SimpleNamespace

import pytest

from model_build.tensorrt.device import BatchProfile, BuildSettings, Version
from model_build.tensorrt.local import profile_of_engine
from model_build.tensorrt.settings import ONE_IMAGE, build_settings, profile_for_batch

SHAPE = (1, 28, 30)
BATCHES = BatchProfile(typical=8, largest=64)


def settings(
    version: Version = (10, 6, 0), precision: str = "fp32", *, batches: BatchProfile = BATCHES
) -> BuildSettings:
    return build_settings(version, precision, batches=batches, image_shape=SHAPE, workspace_mib=256)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16"])
@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ((8, 6, 1), False),
        ((9, 3, 0), False),
        ((10, 0, 0), True),
        ((10, 6, 0), True),
        ((10, 12, 0), True),
        ((11, 0, 0), False),
        ((11, 2, 1), False),
    ],
)
def test_the_types_are_the_model_s_own_wherever_that_can_be_asked(
    version: Version, precision: str, *, asked: bool
) -> None:
    assert settings(version, precision).strongly_typed is asked


@pytest.mark.parametrize("version", [(8, 6, 1), (10, 6, 0), (10, 12, 0), (11, 2, 1)])
def test_tf32_is_on_where_it_is_asked_for_alone(version: Version) -> None:
    assert [settings(version, precision).tf32 for precision in ("fp32", "tf32", "fp16")] == [False, True, False]


def test_one_image_has_a_profile_of_its_own() -> None:
    assert settings().profiles == (ONE_IMAGE, BATCHES)
    assert settings().input_shapes() == [
        ((1, 1, 28, 30), (1, 1, 28, 30), (1, 1, 28, 30)),
        ((1, 1, 28, 30), (8, 1, 28, 30), (64, 1, 28, 30)),
    ]


def test_a_plan_of_one_image_has_no_other_profile() -> None:
    assert settings(batches=ONE_IMAGE).profiles == (ONE_IMAGE,)


def test_the_workspace_is_in_bytes() -> None:
    assert settings().workspace_bytes == 256 * 1024 * 1024


@pytest.mark.parametrize(
    ("profiles", "size", "index"),
    [
        ((ONE_IMAGE, BATCHES), 1, 0),
        ((ONE_IMAGE, BATCHES), 2, 1),
        ((ONE_IMAGE, BATCHES), 64, 1),
        ((ONE_IMAGE, BatchProfile(typical=1, largest=64)), 1, 0),
        ((BatchProfile(typical=64, largest=64), BATCHES, ONE_IMAGE), 9, 1),
        ((BatchProfile(typical=64, largest=64), BATCHES, ONE_IMAGE), 1, 2),
        ((BATCHES, ONE_IMAGE), 65, 0),
    ],
)
def test_a_batch_runs_by_the_profile_that_triton_takes(
    profiles: tuple[BatchProfile, ...], size: int, index: int
) -> None:
    assert profile_for_batch(profiles, size) == index


def test_profiles_are_those_that_the_plan_has() -> None:
    """A prebuilt plan may have any."""
    shapes = [[(4, 3), (32, 3), (64, 3)], [(2, 3), (3, 3), (8, 3)], [(1, 3), (7, 3), (7, 3)]]
    engine = SimpleNamespace(
        num_optimization_profiles=len(shapes),
        get_tensor_profile_shape=lambda name, index: {"input": shapes}[name][index],
    )
    assert [profile_of_engine(engine, size) for size in (1, 3, 4, 7, 8, 9)] == [2, 1, 1, 2, 1, 0]
