"""Ask the pod's own Triton about the expected picture, and compare the answer with what it must be.

Runs as the pod's startup probe: plain Python 3.8, no packages. Exit status 0 only when the expected class
comes first, every label is the expected one, and every score agrees with the golden scores within their
tolerance. While Triton is loading it says 'not yet'. A wrong answer is written to the container's termination
log too, so that it stands in the pod's status; it is cut to what a status holds.

    python3 prove_answer.py --port 8080 --repository /mnt/model --expected /proof/expected.json
"""

from __future__ import annotations

import argparse
import array
import http
import http.client
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TERMINATION_LOG = Path("/dev/termination-log")
_TIMEOUT_S = 9
_HEADER_LENGTH = "Inference-Header-Content-Length"
_SHOWN = 3
_WIDTH = 38
_LABEL_CHARACTERS = 60
_EVIDENCE_BYTES = 4000  # of a longer termination log, kubelet keeps the last 4096 bytes, not the essence


class Wanted(NamedTuple):
    """What the answer must be: the first class, the label of every class, and the golden scores, if there are."""

    class_index: int
    labels: Sequence[str]
    scores: Sequence[float] | None
    tolerance: float


class Answer(NamedTuple):
    """What Triton says: a score for every class, and the label that it gives each."""

    scores: Sequence[float]
    labels: dict[int, str]


class NotYetError(Exception):
    """Triton does not answer about the model yet."""


class WrongAnswerError(Exception):
    """Triton answers, and not as it must; the text is the evidence."""


def main() -> int:
    """Prove one answer; the exit status is the probe's."""
    parser = argparse.ArgumentParser(description="Prove the answer of the pod's own Triton.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--termination-log", type=Path, default=TERMINATION_LOG)
    arguments = parser.parse_args()
    expected = json.loads(arguments.expected.read_text(encoding="utf-8"))
    manifest = json.loads((arguments.repository / "manifest.json").read_text(encoding="utf-8"))
    tensor = (arguments.repository / "golden_input.bin").read_bytes()
    labels = Path(expected["labelsFile"]).read_text(encoding="utf-8").splitlines()
    try:
        wait_for_model(arguments.port, expected["model"])
        answer = Answer(
            scores_of(arguments.port, expected, manifest, tensor),
            labels_of(arguments.port, expected, manifest, tensor, len(labels)),
        )
        golden = manifest["golden"]
        prove(Wanted(expected["class"], labels, golden["scores"], golden["tolerance"]), answer)
    except NotYetError as error:
        sys.stdout.write(f"not yet: {error}\n")
        return 1
    except WrongAnswerError as error:
        evidence = str(error).encode()[:_EVIDENCE_BYTES].decode("utf-8", "ignore") + "\n"
        sys.stdout.write(evidence)
        arguments.termination_log.write_text(evidence, encoding="utf-8")
        return 1
    sys.stdout.write(f"proven: {expected['class']} {expected['label']}\n")
    return 0


def ask(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
    """Send one request to the pod's own Triton; the body of the response is still to be read.

    Raises:
        NotYetError: nobody answered.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, path, body=body, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise NotYetError(str(error) or type(error).__name__) from error


def wait_for_model(port: int, model: str) -> None:
    """Look once whether the model is ready.

    Raises:
        NotYetError: it is not.
    """
    status = ask(port, "GET", f"/v2/models/{model}/ready", b"", {}).status
    if status != http.HTTPStatus.OK:
        raise NotYetError(f"Triton says {status} about {model}")


def infer(
    port: int, expected: dict[str, Any], manifest: dict[str, Any], tensor: bytes, parameters: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """Send the tensor; returns the answer's one output and the binary part of the body.

    Args:
        port: of Triton.
        expected: model and maxBatchSize.
        manifest: names, datatype and shape of input and output.
        tensor: float32, little-endian, C order, in the manifest's input shape.
        parameters: of the requested output.

    Raises:
        NotYetError: nobody answered.
        WrongAnswerError: Triton refused.
    """
    given = manifest["input"]
    tensor_header = {
        "name": given["name"],
        "datatype": given["datatype"],
        "shape": ([1] if expected["maxBatchSize"] else []) + given["shape"],
        "parameters": {"binary_data_size": len(tensor)},
    }
    outputs = [{"name": manifest["output"]["name"], "parameters": parameters}]
    header = json.dumps({"inputs": [tensor_header], "outputs": outputs}).encode()
    path = f"/v2/models/{expected['model']}/infer"
    response = ask(port, "POST", path, header + tensor, {_HEADER_LENGTH: str(len(header))})
    body = response.read()
    if response.status != http.HTTPStatus.OK:
        reason = body.decode("utf-8", "replace").strip()
        raise WrongAnswerError(f"{expected['model']} refuses the expected picture: {response.status} {reason}")
    length = int(response.headers.get(_HEADER_LENGTH, len(body)))
    return json.loads(body[:length])["outputs"][0], body[length:]


def scores_of(port: int, expected: dict[str, Any], manifest: dict[str, Any], tensor: bytes) -> Sequence[float]:
    """The scores of the expected picture, float32, in the order of the classes."""
    _, data = infer(port, expected, manifest, tensor, {"binary_data": True})
    scores = array.array("f", data)
    if sys.byteorder == "big":
        scores.byteswap()
    return scores


def labels_of(
    port: int, expected: dict[str, Any], manifest: dict[str, Any], tensor: bytes, count: int
) -> dict[int, str]:
    """The label that Triton gives each class, asked for as `image_client -c` does."""
    output, _ = infer(port, expected, manifest, tensor, {"classification": count, "binary_data": False})
    served = {}
    for entry in output["data"]:
        _, index, label = [*entry.split(":", 2), ""][:3]
        served[int(index)] = label
    return served


def prove(wanted: Wanted, answer: Answer) -> None:
    """Compare an answer with what it must be.

    Raises:
        WrongAnswerError: with every reason, and both tables.
    """
    reasons = list(reasons_against(wanted, answer))
    if reasons:
        raise WrongAnswerError("\n".join(["the answer is wrong", *reasons, *tables_of(wanted, answer)]))


def reasons_against(wanted: Wanted, answer: Answer) -> Iterator[str]:
    """Yield a line for everything that is wrong."""
    if len(answer.scores) != len(wanted.labels):
        yield f"scores: {len(answer.scores)}, and there are {len(wanted.labels)} labels"
        return
    if not all(math.isfinite(score) for score in answer.scores):
        yield "scores: not all are finite numbers"
        return
    first = top(answer.scores)[0]
    if first != wanted.class_index:
        yield f"first: class {first}, expected {wanted.class_index}"
    yield from reasons_against_labels(answer, wanted)
    if wanted.scores is not None:
        yield from reasons_against_scores(answer.scores, wanted.scores, wanted.tolerance)


def reasons_against_labels(answer: Answer, wanted: Wanted) -> Iterator[str]:
    """Yield a line for the number of wrong labels, and one for the expected class's and those that score highest."""
    served = answer.labels
    wrong = [index for index, label in enumerate(wanted.labels) if served.get(index) != label]
    if wrong:
        yield f"labels: {len(wrong)} of {len(wanted.labels)} differ"
    wrong.sort(key=lambda index: (index != wanted.class_index, -answer.scores[index]))
    for index in wrong[:_SHOWN]:
        yield f"labels: class {index} is {label_shown(served.get(index))}, expected {label_shown(wanted.labels[index])}"


def label_shown(label: str | None) -> str:
    """A label in quotes, cut where it is long."""
    return repr(label if label is None else label[:_LABEL_CHARACTERS])


def reasons_against_scores(scores: Sequence[float], golden: Sequence[float], tolerance: float) -> Iterator[str]:
    """Yield a line where the scores are not the golden ones; what is no number never agrees."""
    if len(golden) != len(scores):
        yield f"scores: {len(scores)}, golden has {len(golden)}"
        return
    apart = [abs(score - golden[index]) for index, score in enumerate(scores)]
    wrong = [index for index, difference in enumerate(apart) if not difference <= tolerance]
    if wrong:
        worst = max(wrong, key=apart.__getitem__)
        yield (
            f"scores: {len(wrong)} are more than {tolerance} from golden,"
            f" class {worst} is {scores[worst]:.6f}, golden {golden[worst]:.6f}"
        )


def top(scores: Sequence[float]) -> list[int]:
    """The classes with the highest scores, highest first."""
    return sorted(range(len(scores)), key=lambda index: -scores[index])[:_SHOWN]


def tables_of(wanted: Wanted, answer: Answer) -> Iterator[str]:
    """Yield the lines of the expected and the served top classes, side by side."""
    labels = dict(enumerate(wanted.labels))
    if wanted.scores is None:
        left = [f"({wanted.class_index}) = {labels[wanted.class_index]}"]
    else:
        left = [table_entry(wanted.scores, index, labels) for index in top(wanted.scores)]
    right = [table_entry(answer.scores, index, answer.labels) for index in top(answer.scores)]
    yield f"    {'expected':<{_WIDTH}}served"
    for rank in range(_SHOWN):
        first, second = ("".join(side[rank : rank + 1]) for side in (left, right))
        yield f"    {first[: _WIDTH - 1]:<{_WIDTH}}{second}".rstrip()


def table_entry(scores: Sequence[float], index: int, labels: dict[int, str]) -> str:
    """One line of a table, as image_client prints it."""
    return f"{scores[index]:.6f} ({index}) = {labels.get(index, '')[:_LABEL_CHARACTERS]}"


if __name__ == "__main__":
    sys.exit(main())
