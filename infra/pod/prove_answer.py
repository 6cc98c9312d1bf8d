"""Ask the pod's own Triton about the expected pictures, and compare the answers with what they must be.

Runs as the pod's startup probe: plain Python 3.8, no packages but ours that lie beside it. Exit status 0 only
when of every expected picture the answer is what this pod was declared with, every label is the expected one, every
score agrees with the golden scores within their tolerance, and pictures that are asked about together get what each
gets alone. While Triton is loading it says 'not yet'. A wrong answer is written to the container's termination log
too, so that it stands in the pod's status; it is cut to what a status holds.

    python3 prove_answer.py --port 8080 --repository /mnt/model --expected /proof/expected.json
"""

from __future__ import annotations

import argparse
import array
import hashlib
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.comparison import disagreement, ranked
from contract.errors import ManifestError
from contract.expectation import SHOWN, expectation_from_fields, reasons_against
from contract.fields import Fields
from contract.manifest import manifest_from_json
from contract.served import MANIFEST_FILE
from infra.pod.own_triton import NotYetError, Server, WrongAnswerError, labels_of, scores_of, wait_for_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contract.expectation import Expectation
    from contract.manifest import Golden, Manifest

TERMINATION_LOG = Path("/dev/termination-log")
_MOST_IN_BATCH = 3
_WIDTH = 38
_LABEL_CHARACTERS = 60
_EVIDENCE_BYTES = 4000  # of a longer termination log, kubelet keeps the last 4096 bytes, not the essence


class Picture(NamedTuple):
    """An expected picture: its tensor, what it must be called, and the golden scores, if there are."""

    tensor: bytes
    expectation: Expectation
    golden: Sequence[float] | None


def main() -> int:
    """Prove the answers; the exit status is the probe's."""
    parser = argparse.ArgumentParser(description="Prove the answers of the pod's own Triton.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--termination-log", type=Path, default=TERMINATION_LOG)
    arguments = parser.parse_args()
    expected = json.loads(arguments.expected.read_text(encoding="utf-8"))
    labels = Path(expected["labelsFile"]).read_text(encoding="utf-8").split("\n")[:-1]
    try:
        manifest = manifest_from_repository(arguments.repository, expected["manifestSha256"])
        pictures = pictures_from_repository(arguments.repository, manifest, expected)
        server = Server(arguments.port, expected["model"], manifest.shape, manifest.max_batch_size)
        wait_for_model(server)
        prove(server, pictures, labels, manifest.golden)
    except NotYetError as error:
        sys.stdout.write(f"not yet: {error}\n")
        return 1
    except (WrongAnswerError, ManifestError, OSError) as error:
        evidence = str(error).encode()[:_EVIDENCE_BYTES].decode("utf-8", "ignore") + "\n"
        sys.stdout.write(evidence)
        arguments.termination_log.write_text(evidence, encoding="utf-8")
        return 1
    proven = [f"{expectation.class_index} {expectation.label}" for _, expectation, _ in pictures]
    sys.stdout.write(f"proven: {', '.join(proven)}\n")
    return 0


def manifest_from_repository(repository: Path, sha256: str) -> Manifest:
    """Read the manifest, if it is still the one that was verified before Triton started.

    Raises:
        WrongAnswerError: it is another one.
        ManifestError: it cannot be read.
        OSError: it is gone.
    """
    data = (repository / MANIFEST_FILE).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WrongAnswerError(f"{MANIFEST_FILE} is not the one that the build reported, sha256 {sha256}")
    return manifest_from_json(data.decode())


def pictures_from_repository(repository: Path, manifest: Manifest, expected: Mapping[str, Any]) -> list[Picture]:
    """Read the tensor of every picture that the pod was declared with; what is expected of it, the pod says.

    Raises:
        WrongAnswerError: a picture is not in the manifest.
        OSError: a tensor is gone.
    """
    golden = {picture.sha256: picture for picture in manifest.golden.pictures}
    pictures = []
    for declared in expected["pictures"]:
        known = golden.get(declared["sha256"])
        if known is None:
            raise WrongAnswerError(f"picture {declared['sha256']} is not in {MANIFEST_FILE}")
        tensor = (repository / known.input_file).read_bytes()
        pictures.append(Picture(tensor, expectation_from_fields(Fields(declared)), known.scores))
    return pictures


def prove(server: Server, pictures: Sequence[Picture], labels: Sequence[str], golden: Golden) -> None:
    """Ask about every picture by itself, then about several together.

    Raises:
        NotYetError: nobody answered.
        WrongAnswerError: with every reason, and both tables, of each picture that is answered wrongly.
    """
    alone, evidence = {}, []
    for position, picture in enumerate(pictures):
        scores = alone[picture.tensor] = scores_of(server, [picture.tensor])
        served = dict(enumerate(labels))
        if position == 0:
            served = labels_of(server, picture.tensor, len(labels))
        reasons = list(reasons_against_answer(picture, scores, labels, served, golden))
        if reasons:
            which = f" to picture {position + 1} of {len(pictures)}" if len(pictures) > 1 else ""
            table = tables_of(wanted_entries(picture, labels), entries(scores, served))
            evidence += [f"the answer{which} is wrong", *reasons, *table]
    if evidence:
        raise WrongAnswerError("\n".join(evidence))
    prove_batches(server, alone, labels, golden)


def reasons_against_answer(
    picture: Picture, scores: Sequence[float], labels: Sequence[str], served: Mapping[int, str], golden: Golden
) -> Iterator[str]:
    """Yield a line for everything that is wrong with one picture's answer.

    Args:
        picture: was asked about.
        scores: of each class.
        labels: that each class must have.
        served: labels that Triton gives the classes.
        golden: how scores are compared.
    """
    if len(scores) != len(labels):
        yield f"scores: {len(scores)}, and there are {len(labels)} labels"
        return
    if not all(map(math.isfinite, scores)):
        yield "scores: not all are finite numbers"
        return
    yield from reasons_against(scores, picture.expectation)
    yield from reasons_against_labels(picture, scores, labels, served)
    if picture.golden is not None:
        wrong = disagreement(scores, picture.golden, scale=golden.scale, tolerance=golden.tolerance)
        if wrong:
            yield f"scores: {wrong}"


def reasons_against_labels(
    picture: Picture, scores: Sequence[float], labels: Sequence[str], served: Mapping[int, str]
) -> Iterator[str]:
    """Yield a line for the number of wrong labels, and one for the expected class's and those that score highest."""
    wrong = [index for index, label in enumerate(labels) if served.get(index) != label]
    if wrong:
        yield f"labels: {len(wrong)} of {len(labels)} differ"
    wrong.sort(key=lambda index: (index != picture.expectation.class_index, -scores[index]))
    for index in wrong[:SHOWN]:
        yield f"labels: class {index} is {label_shown(served.get(index))}, expected {label_shown(labels[index])}"


def label_shown(label: str | None) -> str:
    """A label in quotes, cut where it is long."""
    return repr(label if label is None else label[:_LABEL_CHARACTERS])


def prove_batches(
    server: Server, alone: Mapping[bytes, Sequence[float]], labels: Sequence[str], golden: Golden
) -> None:
    """Ask about two and three tensors in one request: each must get what it gets alone, whoever is beside it.

    Args:
        server: is asked, if its model takes batches.
        alone: each expected picture's scores, by its tensor; where they are few, tensors are made of the first one.
        labels: of the classes.
        golden: how scores are compared.

    Raises:
        NotYetError: nobody answered.
        WrongAnswerError: with every row that is answered wrongly.
    """
    most = min(server.max_batch_size, _MOST_IN_BATCH)
    if most <= 1:
        return
    tensors = list(dict.fromkeys([*alone, *tensors_like(next(iter(alone)))]))[:most]
    rows = [alone[tensor] if tensor in alone else scores_of(server, [tensor]) for tensor in tensors]
    for size in range(2, len(tensors) + 1):
        together = scores_of(server, tensors[:size])
        evidence = list(evidence_against_batch(together, rows[:size], labels, golden))
        if evidence:
            raise WrongAnswerError("\n".join([f"a batch of {size} is answered wrongly", *evidence]))


def tensors_like(tensor: bytes) -> list[bytes]:
    """Two more tensors of the same values, which no model confuses: all in reverse order, and one half first."""
    middle = len(tensor) // 8 * 4
    return [array.array("f", tensor)[::-1].tobytes(), tensor[middle:] + tensor[:middle]]


def evidence_against_batch(
    together: Sequence[float], rows: Sequence[Sequence[float]], labels: Sequence[str], golden: Golden
) -> Iterator[str]:
    """Yield a line and both tables for every row that is not what the same tensor gets alone."""
    classes = len(rows[0])
    if len(together) != classes * len(rows):
        yield f"scores: {len(together)}, and {len(rows)} rows of {classes} were asked for"
        return
    for position, row in enumerate(rows):
        served = together[position * classes : (position + 1) * classes]
        wrong = disagreement(served, row, scale=golden.scale, tolerance=golden.tolerance)
        if wrong:
            yield f"row {position + 1}: {wrong}"
            yield from tables_of(*(entries(scores, dict(enumerate(labels))) for scores in (row, served)))


def tables_of(expected: Sequence[str], served: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the expected and the served top classes, side by side."""
    yield f"    {'expected':<{_WIDTH}}served"
    for rank in range(max(len(expected), len(served))):
        first, second = ("".join(side[rank : rank + 1]) for side in (expected, served))
        yield f"    {first[: _WIDTH - 1]:<{_WIDTH}}{second}".rstrip()


def wanted_entries(picture: Picture, labels: Sequence[str]) -> list[str]:
    """The expected table: golden's, or the expected class where there are no golden scores."""
    expected = picture.expectation
    if picture.golden is None:
        return [f"({expected.class_index}) = {expected.label}"]
    return entries(picture.golden, dict(enumerate(labels)))


def entries(scores: Sequence[float], labels: Mapping[int, str]) -> list[str]:
    """The lines of a table, as image_client prints it."""
    best = ranked(scores)[:SHOWN]
    return [f"{scores[index]:.6f} ({index}) = {labels.get(index, '')[:_LABEL_CHARACTERS]}" for index in best]


if __name__ == "__main__":
    sys.exit(main())
