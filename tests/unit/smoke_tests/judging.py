"""The smoke tests, run against a server that is a stand-in, and what they say of it."""

import contextlib
import hashlib
import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.comparison import scale_of_scores
from contract.expectation import Expectation
from contract.manifest import Golden, GoldenPicture, json_from_manifest
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import Preprocessing, preprocessing_from_value
from tests.unit.smoke_tests.faults import LIMIT_BYTES, TOLERANCE
from tests.unit.smoke_tests.manifests import manifest_of
from tests.unit.smoke_tests.stand_in import MODEL, StandIn

REPOSITORY = Path(__file__).parents[3]
MUG = Expectation(class_index=504, label="COFFEE MUG", top=(504, 968, 505), margin=1.5)


@dataclass(frozen=True)
class Verdict:
    status: int
    failed: set[str]
    output: str


@dataclass(frozen=True)
class Inputs:
    """The files that the smoke tests are given: a blue picture as the mug, a red one, a manifest."""

    folder: Path
    expected: tuple[str, ...] = ("mug.png",)
    other: bool = True

    @property
    def pictures(self) -> list[str]:
        images = [flag for name in self.expected for flag in ("--image", str(self.folder / name))]
        return [*images, *(["--other-image", str(self.folder / "ball.png")] if self.other else [])]

    @property
    def promises(self) -> list[str]:
        return ["--manifest", str(self.folder / "manifest.json"), "--max-body-bytes", str(LIMIT_BYTES)]


def made_inputs(
    folder: Path, good: StandIn, expectation: Expectation = MUG, *, preprocessing: object = "imagenet"
) -> Inputs:
    """Write the pictures, and the manifest of what a server is to serve."""
    for name, colour in (("mug.png", 2), ("cup.png", 1), ("ball.png", 0)):
        picture_of(colour).save(folder / name)
    made = preprocessing_from_value(preprocessing, good.shape)
    goldens = {"mug.png": expectation, "cup.png": Expectation(class_index=968, label="LABEL 968")}
    pictures = tuple(
        golden_picture(folder / name, expected, good, made)
        for name, expected in goldens.items()
        if expected.class_index < len(good.labels)
    )
    labels = hashlib.sha256("".join(f"{label}\n" for label in good.labels).encode()).hexdigest()
    manifest = manifest_of(
        shape=good.shape,
        classes=len(good.labels),
        max_batch_size=good.max_batch_size,
        preprocessing=made,
        files={f"{MODEL}/labels.txt": labels},
        golden=Golden(
            scale=scale_of_scores([picture.scores or () for picture in pictures]),
            tolerance=TOLERANCE,
            pictures=pictures,
        ),
    )
    (folder / "manifest.json").write_text(json_from_manifest(manifest))
    return Inputs(folder)


def golden_picture(path: Path, expected: Expectation, good: StandIn, made: Preprocessing) -> GoldenPicture:
    data = path.read_bytes()
    tensor = tensor_from_picture(picture_from_bytes(data, name=path.name), made)
    return GoldenPicture(
        sha256=hashlib.sha256(data).hexdigest(),
        input_file="golden_input_0.bin",
        expectation=expected,
        scores=tuple(good.scores_of(tensor).tolist()),
    )


def picture_of(channel: int) -> Image.Image:
    """A picture mostly of one colour, which no turn of it is like."""
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[:, :, channel] = 200
    pixels[:, :, (channel + 1) % 3] = np.linspace(0, 90, 256)[:, None]
    pixels[:64, :128, (channel + 2) % 3] = 120
    return Image.fromarray(pixels)


class Failures:
    """A pytest plugin that keeps the names of the tests that failed."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.names.add(report.nodeid.split("::")[1].split("[")[0])


def verdict(url: str, inputs: Inputs, *more: str) -> Verdict:
    """Run the smoke tests as a deployment does."""
    return verdict_without_promises(url, inputs, *inputs.promises, *more)


def verdict_without_promises(url: str, inputs: Inputs, *more: str) -> Verdict:
    """Run the smoke tests as a user does, who knows a URL and a picture; in this process, to save its start."""
    failures, output = Failures(), io.StringIO()
    options = ["-s", "-p", "no:cacheprovider", "--url", url, *inputs.pictures, *more]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = pytest.main([str(REPOSITORY / "smoke_tests"), *options], plugins=[failures])
    return Verdict(int(status), failures.names, output.getvalue())


def verdict_of_a_process(url: str, inputs: Inputs, *more: str) -> Verdict:
    """Run the smoke tests as a program of its own, with the JUnit report that pipelines read."""
    report = inputs.folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "smoke_tests", "--url", url, *inputs.pictures, *inputs.promises, *more]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--junitxml={report}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - written by pytest, just now
    failed = {case.get("name", "").split("[")[0] for case in cases if len(case.findall("failure"))}
    return Verdict(run.returncode, failed, run.stdout + run.stderr)


def figures_in(report: Path, url: str) -> dict[str, dict[str, float]]:
    """The figures of the tests that ask one URL, test by test."""
    asked = f"[{url.removeprefix('http://')}"
    return {
        case.get("name", "").partition("[")[0]: {
            str(each.get("name")): float(each.get("value", "")) for each in case.iter("property")
        }
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - written by pytest, just now
        if asked in case.get("name", "")
    }


def good_stand_in(**spoilt: object) -> StandIn:
    return StandIn(max_body_bytes=LIMIT_BYTES, **spoilt)  # type: ignore[arg-type]  # each test's own
