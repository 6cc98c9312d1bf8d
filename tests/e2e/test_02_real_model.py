"""Classifiers of every kind go from their file to a URL that answers as they do by themselves."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image
from tritonclient.http import InferenceServerClient, InferInput

from bench.densenet import densenet_onnx
from bench.workspace import Workspace
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value
from tests.classifiers import colour_classifier
from tests.e2e.test_01_up import in_shown_environment, plain_pulumi

STACK = "real"
NAME = "classifier"
RED = {"class": 1, "label": "RED"}
COLOURS = ("BLACK", "RED", "GREEN", "BLUE")


@pytest.fixture(scope="module")
def red(workspace: Workspace) -> Path:
    """A picture that the classifiers of colours call red."""
    path = workspace.folder / "red.png"
    Image.new("RGB", (300, 280), (250, 20, 10)).save(path)
    return path


def deployed(workspace: Workspace, model: bytes, labels: tuple[str, ...] | None = None, **keys: Any) -> str:
    """Deploy a model under the keys of the configuration's group `model`, and return its URL."""
    path = workspace.folder / "model.onnx"
    path.write_bytes(model)
    source = {"kind": "onnx", "url": path.as_uri(), "sha256": hashlib.sha256(model).hexdigest()}
    if labels:
        (workspace.folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
        keys["labels"] = "labels.txt"
    group = {"name": NAME, "preprocessing": None, **keys, "source": source | keys.get("source", {})}
    workspace.write_stack(STACK, model=group)
    result = workspace.make("up", f"STACK={STACK}")
    assert result.returncode == 0, result.stdout + result.stderr
    return workspace.make("url", f"STACK={STACK}").stdout.strip()


def scores_through(url: str, tensor: NDArray[np.float32], name: str = NAME) -> NDArray[np.float32]:
    """Scores, float32 (classes,) or (N,classes), of a tensor float32 (C,H,W) or (N,C,H,W)."""
    client = InferenceServerClient(url.removeprefix("http://"))
    try:
        infer_input = InferInput("input", list(tensor.shape), "FP32")
        infer_input.set_data_from_numpy(tensor)
        return np.asarray(client.infer(name, [infer_input]).as_numpy("output"))
    finally:
        client.close()


def tensor_of(picture: Path, preprocessing: object, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    decoded = picture_from_bytes(picture.read_bytes(), name=picture.name)
    return tensor_from_picture(decoded, preprocessing_from_value(preprocessing, shape))


def own_scores(model: bytes, tensor: NDArray[Any], output: str | None = None) -> NDArray[np.float32]:
    """What the model as it came answers to one image, in its own layout and type."""
    session = onnxruntime.InferenceSession(model)
    (scores,) = session.run(output and [output], {session.get_inputs()[0].name: tensor[np.newaxis]})
    return np.asarray(scores, np.float32).ravel()


def test_a_real_classifier_answers_beside_the_first_stack(workspace: Workspace, shared_models: Path) -> None:
    model, photo = (shared_models / "squeezenet1.1.onnx").read_bytes(), shared_models / "mug.jpg"
    expect = {"image": str(photo), "class": 504, "label": "COFFEE MUG", "top": [504, 968, 967], "margin": 2}

    url = deployed(workspace, model, expect=expect)

    tensor = tensor_of(photo, "imagenet", (3, 224, 224))
    served = scores_through(url, tensor)
    np.testing.assert_allclose(served, own_scores(model, tensor), atol=0.01)
    first = scores_through(workspace.make("url", "STACK=first").stdout.strip(), tensor, "efficientnet_lite0")
    assert not np.allclose(first, served, atol=1), "both URLs answer with the same model"


def test_densenet_answers_in_batches(workspace: Workspace) -> None:
    """Its weights are random, so the expected class is whatever it says by itself."""
    model, mug = densenet_onnx(), workspace.folder / "smoke_tests/data/mug.png"
    tensor = tensor_of(mug, "imagenet", (3, 224, 224))
    alone = own_scores(model, tensor)

    url = deployed(
        workspace, model, maxBatchSize=4, expect={"image": "smoke_tests/data/mug.png", "class": int(alone.argmax())}
    )

    flipped = np.ascontiguousarray(tensor[:, :, ::-1])
    served = scores_through(url, np.stack([flipped, tensor, flipped]))
    np.testing.assert_allclose(served[1], alone, atol=0.01)
    np.testing.assert_allclose(served[2], own_scores(model, flipped), atol=0.01)


def test_299_pixels_of_probabilities_from_a_named_output(workspace: Workspace, red: Path) -> None:
    model = colour_classifier(side=299, scores="probabilities", auxiliary="features")
    preprocessing = {"scale": 1 / 255}

    url = deployed(
        workspace,
        model,
        COLOURS,
        source={"output": "scores"},
        preprocessing=preprocessing,
        expect={"image": str(red), "margin": 0.01, **RED},
    )

    tensor = tensor_of(red, preprocessing, (3, 299, 299))
    served = scores_through(url, tensor)
    assert served.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(served, own_scores(model, tensor, "scores"), atol=1e-4)
    manifest = json.loads(plain_pulumi(workspace, STACK, "stack output manifest --json"))
    assert manifest["golden"]["scale"] == "probabilities"


def test_whole_numbers_with_channels_last(workspace: Workspace, red: Path) -> None:
    model = colour_classifier(side=(320, 240), dtype=TensorProto.UINT8, channels_last=True)

    url = deployed(workspace, model, COLOURS, expect={"image": str(red), **RED})

    tensor = tensor_of(red, {"resize": 366}, (3, 320, 240))
    alone = own_scores(model, tensor.transpose(1, 2, 0).astype(np.uint8))
    np.testing.assert_allclose(scores_through(url, tensor), alone, atol=0.01)


def test_two_classes_of_one_channel(workspace: Workspace) -> None:
    """Both expected pictures are of one class, and there is no other one to be told from it."""
    for name, brightness in (("white.png", 255), ("light.png", 230)):
        Image.new("L", (64, 64), brightness).save(workspace.folder / name)
    model = colour_classifier(side=28, channels=1, classes=2)
    bright = {"class": 1, "label": "BRIGHT"}

    url = deployed(
        workspace,
        model,
        ("DARK", "BRIGHT"),
        preprocessing="inception",
        expect={"image": "white.png", "also": [{"image": "light.png", **bright}], **bright},
    )

    tensor = tensor_of(workspace.folder / "light.png", "inception", (1, 28, 28))
    np.testing.assert_allclose(scores_through(url, tensor), own_scores(model, tensor), atol=0.01)


def test_a_secret_url_is_used_and_stands_nowhere(workspace: Workspace, red: Path) -> None:
    """It is set as Pulumi's documentation says, and seen in no object, output or log."""
    model, file = colour_classifier(side=64), workspace.folder / "verborgen" / "model.onnx"
    file.parent.mkdir()
    file.write_bytes(model)
    source = {"kind": "onnx", "sha256": hashlib.sha256(model).hexdigest()}
    keys = {"preprocessing": None, "labels": "labels.txt", "expect": {"image": str(red), **RED}}
    workspace.write_stack(STACK, model={"name": NAME, "source": source, **keys})
    (workspace.folder / "labels.txt").write_text("".join(f"{label}\n" for label in COLOURS))
    plain_pulumi(workspace, STACK, f"config set --path --secret densenet-triton:model.source.url {file.as_uri()}")

    previewed, done = (workspace.make(verb, f"STACK={STACK}") for verb in ("preview", "up"))

    assert (previewed.returncode, done.returncode) == (0, 0), done.stdout + done.stderr
    objects = "get configmaps,jobs,pods,deployments,events --all-namespaces --output=json"
    log = f"logs --namespace=triton-{STACK} --selector=app.kubernetes.io/name=plan-build --tail=-1"
    shown = [
        (workspace.folder / f"Pulumi.{STACK}.yaml").read_text(),
        *(text for each in (previewed, done) for text in (each.stdout, each.stderr)),
        plain_pulumi(workspace, STACK, "stack output --json"),
        plain_pulumi(workspace, STACK, "stack export"),
        in_shown_environment(workspace, STACK, f"kubectl {objects}"),
        in_shown_environment(workspace, STACK, f"kubectl {log}"),
    ]
    assert not any("verborgen" in text for text in shown)
    assert json.loads(shown[5])["manifest"]["source"]["name"] == "[secret]"


def with_its_weights_elsewhere() -> bytes:
    model = onnx.load_model_from_string(colour_classifier())
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="model.onnx.data")
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("model", "keys", "said"),
    [
        (lambda: colour_classifier(auxiliary="features"), {}, "model.source.output"),
        (colour_classifier, {"preprocessing": {"crop": 299}}, "model.preprocessing.crop"),
        (with_its_weights_elsewhere, {}, "second file"),
    ],
    ids=["two outputs", "a crop that does not fit", "weights in a second file"],
)
def test_what_the_file_tells_is_refused_before_anything_is_made(
    workspace: Workspace, red: Path, model: Any, keys: dict[str, Any], said: str
) -> None:
    path = workspace.folder / "refused.onnx"
    path.write_bytes(model())
    source = {"kind": "onnx", "url": path.as_uri(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (workspace.folder / "labels.txt").write_text("".join(f"{label}\n" for label in COLOURS))
    group = {"name": NAME, "preprocessing": None, "labels": "labels.txt", "source": source, **keys}
    workspace.write_stack("refused", model={**group, "expect": {"image": str(red), **RED}})

    result = workspace.make("preview", "STACK=refused")

    assert result.returncode != 0
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
