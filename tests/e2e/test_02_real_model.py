import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from tritonclient.http import InferenceServerClient, InferInput

from bench.workspace import Workspace
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value


def test_a_real_classifier_answers_beside_the_first_stack(workspace: Workspace, shared_models: Path) -> None:
    onnx, photo = shared_models / "squeezenet1.1.onnx", shared_models / "mug.jpg"
    workspace.write_stack(
        "real",
        model={
            "source": {
                "kind": "onnx",
                "url": onnx.as_uri(),
                "sha256": hashlib.sha256(onnx.read_bytes()).hexdigest(),
            },
            "expect": {"image": str(photo), "class": 504, "label": "COFFEE MUG"},
        },
    )

    result = workspace.make("up", "STACK=real")
    assert result.returncode == 0, result.stdout + result.stderr

    picture = picture_from_bytes(photo.read_bytes(), name=photo.name)
    tensor = tensor_from_picture(picture, preprocessing_from_value("imagenet", (3, 224, 224)))
    served = scores_through(workspace.make("url", "STACK=real").stdout.strip(), tensor)
    session = onnxruntime.InferenceSession(onnx)
    (reference,) = session.run(None, {"data": tensor[np.newaxis]})
    assert np.argsort(served)[::-1][:2].tolist() == [504, 968]
    np.testing.assert_allclose(served, np.asarray(reference)[0], atol=0.01)
    first = scores_through(workspace.make("url", "STACK=first").stdout.strip(), tensor)
    assert not np.allclose(first, served, atol=1), "both URLs answer with the same model"


def scores_through(url: str, tensor: np.ndarray) -> np.ndarray:
    """Scores, float32 [1000], of a tensor float32 [3, 224, 224]."""
    client = InferenceServerClient(url.removeprefix("http://"))
    try:
        infer_input = InferInput("input", list(tensor.shape), "FP32")
        infer_input.set_data_from_numpy(tensor)
        return np.asarray(client.infer("densenet_tensorrt", [infer_input]).as_numpy("output"))
    finally:
        client.close()
