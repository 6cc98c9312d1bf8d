import argparse
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.smoke_tests.judging import Inputs, made_inputs
from tests.unit.smoke_tests.stand_in import StandIn


@pytest.fixture(autouse=True)
def _patience_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smoke_tests.patience._LOOK_S", 0.01)
    monkeypatch.setattr("smoke_tests.patience._PATIENCE_S", 0.1)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """The files that the smoke tests are given for a server without a fault."""
    return made_inputs(tmp_path_factory.mktemp("inputs"), StandIn())


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    """Options as pytest leaves them where only the URL and the pictures are given."""
    for name, colour in (("mug.png", "blue"), ("cup.png", "green"), ("ball.png", "red")):
        Image.new("RGB", (256, 256), colour).save(tmp_path / name)
    return argparse.Namespace(
        url="127.0.0.1:8000",
        ca=None,
        client=None,
        replica_url=[],
        model="densenet_tensorrt",
        manifest=None,
        image=[str(tmp_path / "mug.png")],
        other_image=None,
        preprocessing=None,
        inception=False,
        expect_class=None,
        expect_label=None,
        expect_top=None,
        expect_margin=None,
        max_body_bytes=None,
        routed=False,
        json_bodies=False,
        request_timeout_s=30,
        await_s=0,
    )
