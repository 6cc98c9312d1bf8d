import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_build.build import published_manifest
from model_build.errors import AnswerError, ModelBuildError, RepositoryError
from model_build.inputs import inputs_from_folder
from model_build.repository import TARGETS
from model_build.verify import golden_input_from_file, verified_manifest

INPUT, SHAPE = "golden_input_0.bin", (3, 224, 224)


@pytest.fixture
def repository(tiny_classifier: Callable[..., bytes], write_inputs: Callable[..., Path], storage: Path) -> Path:
    """Publish the tiny classifier and make its files writable, so that tests can spoil them."""
    manifest = published_manifest(inputs_from_folder(write_inputs(tiny_classifier())), storage)
    folder = storage / "repositories" / manifest.plan_id
    for path in folder.rglob("*"):
        path.chmod(0o755)
    return folder


def change_manifest(repository: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads((repository / "manifest.json").read_text())
    change(document)
    (repository / "manifest.json").write_text(json.dumps(document))


def test_a_published_repository_is_verified(repository: Path) -> None:
    assert verified_manifest(repository).model == "tiny"


def test_a_changed_file_is_refused_with_both_digests(repository: Path) -> None:
    with (repository / "tiny" / "config.pbtxt").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(RepositoryError, match=r"config\.pbtxt has sha256 \w{64}, the manifest says \w{64}"):
        verified_manifest(repository)


def test_every_fault_of_the_files_is_told(repository: Path) -> None:
    (repository / "tiny" / "labels.txt").unlink()
    (repository / "tiny" / "1" / "extra.so").write_text("")
    with pytest.raises(RepositoryError, match=r"labels\.txt is missing; tiny/1/extra\.so is not in the manifest"):
        verified_manifest(repository)


@pytest.mark.parametrize(("spreads", "accepted"), [(0.0045, True), (0.0055, False)])
def test_scores_may_differ_from_the_golden_ones_by_the_tolerance(
    repository: Path, spreads: float, *, accepted: bool
) -> None:
    def shift(document: dict[str, Any]) -> None:
        scores = document["golden"]["pictures"][0]["scores"]
        scores[0] += spreads * np.std(scores)

    change_manifest(repository, shift)
    if accepted:
        verified_manifest(repository)
    else:
        with pytest.raises(AnswerError, match=r"as golden, golden_input_0\.bin: a score differs by 0\.0055 spreads"):
            verified_manifest(repository)


def test_lesser_scores_that_changed_places_are_refused(repository: Path) -> None:
    def exchange(document: dict[str, Any]) -> None:
        scores = document["golden"]["pictures"][0]["scores"]
        scores[2], scores[3] = scores[3], scores[2] + 0.2

    change_manifest(repository, exchange)
    with pytest.raises(AnswerError, match="a score differs by"):
        verified_manifest(repository)


def test_another_number_of_golden_scores_is_refused(repository: Path) -> None:
    change_manifest(repository, lambda document: document["golden"]["pictures"][0]["scores"].pop())
    with pytest.raises(RepositoryError, match="accepted: a list of 4 finite numbers"):
        verified_manifest(repository)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"class": 2}, "first: class 1, expected 2"), ({"top": [1, 3, 2, 0]}, "top: "), ({"margin": 100}, "margin: ")],
)
def test_another_answer_than_is_expected_is_refused(repository: Path, change: dict[str, Any], reason: str) -> None:
    change_manifest(repository, lambda document: document["golden"]["pictures"][0].update(change))
    with pytest.raises(AnswerError, match=f"does not answer as expected, golden_input_0.bin: {reason}"):
        verified_manifest(repository)


def test_a_repository_without_golden_scores_is_verified_by_its_files(repository: Path) -> None:
    change_manifest(repository, lambda document: document["golden"]["pictures"][0].update(scores=None))
    assert verified_manifest(repository).golden.pictures[0].scores is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 2}', '{"schema": 2, "golden": 7}'])
def test_what_is_no_manifest_is_refused(repository: Path, text: str) -> None:
    (repository / "manifest.json").write_text(text)
    with pytest.raises(RepositoryError, match=r"manifest\.json: ") as raised:
        verified_manifest(repository)
    assert "\n" not in str(raised.value)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match=r"manifest\.json: No such file .*; accepted: a published"):
        verified_manifest(tmp_path)


def test_a_golden_input_of_another_size_is_refused(repository: Path) -> None:
    np.zeros(7, "<f4").tofile(repository / "golden_input_0.bin")
    with pytest.raises(ModelBuildError, match=r"golden_input_0\.bin holds 7 numbers"):
        golden_input_from_file(repository / INPUT, SHAPE)


def test_a_model_of_another_contract_is_refused(repository: Path, tiny_classifier: Callable[..., bytes]) -> None:
    (repository / "tiny" / "1" / "model.onnx").write_bytes(tiny_classifier())
    with pytest.raises(ModelBuildError, match=r"\['data', 'scores'\]; accepted: one input 'input'"):
        TARGETS["onnxruntime"].scores(repository / "tiny" / "1", golden_input_from_file(repository / INPUT, SHAPE))
