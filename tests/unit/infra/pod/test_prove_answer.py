"""The startup probe: right answers pass, and every kind of wrong one is shown."""

from __future__ import annotations

import ast
import math
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.unit.infra.pod.conftest import Pod, Triton

from infra.components.triton import PROOF_SCRIPTS
from infra.config import REPOSITORY


def proved(pod: Pod, port: int) -> subprocess.CompletedProcess[str]:
    log = str(pod.termination_log)
    return pod.run("prove_answer.py", "--port", str(port), "--termination-log", log)


def refused(pod: Pod, triton: Triton) -> str:
    """The evidence, which is the same on stdout and in the termination log."""
    result = proved(pod, triton.port)
    assert (result.returncode, result.stderr) == (1, "")
    assert pod.termination_log.read_text() == result.stdout
    return result.stdout


def test_the_right_answer_is_proven(pod: Pod, triton: Triton) -> None:
    result = proved(pod, triton.port)
    assert (result.returncode, result.stdout) == (0, "proven: 1 COFFEE MUG\n")
    assert not pod.termination_log.exists()
    assert triton.shapes == [[3, 2, 2], [3, 2, 2]]
    assert set(triton.inputs) == {bytes(range(48))}


def test_a_batching_model_is_asked_with_a_batch_of_one(pod: Pod, triton: Triton) -> None:
    pod.change(pod.proof / "expected.json", maxBatchSize=8)
    assert proved(pod, triton.port).returncode == 0
    assert triton.shapes == [[1, 3, 2, 2], [1, 3, 2, 2]]


def test_while_triton_is_not_there_it_is_not_yet(pod: Pod) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = proved(pod, unused.getsockname()[1])
    assert (result.returncode, result.stdout[:9]) == (1, "not yet: ")
    assert not pod.termination_log.exists()


def test_while_the_model_loads_it_is_not_yet(pod: Pod, triton: Triton) -> None:
    triton.ready = 503
    result = proved(pod, triton.port)
    assert (result.returncode, result.stdout) == (1, "not yet: Triton says 503 about mug\n")
    assert not pod.termination_log.exists()


def test_permuted_labels_show_both_tables(pod: Pod, triton: Triton) -> None:
    triton.labels = [*triton.labels[1:], triton.labels[0]]
    assert refused(pod, triton) == (
        "the answer is wrong\n"
        "labels: 4 of 4 differ\n"
        "labels: class 1 is 'COFFEEPOT', expected 'COFFEE MUG'\n"
        "labels: class 0 is 'COFFEE MUG', expected 'CUP'\n"
        "labels: class 3 is 'CUP', expected 'SOAP: BAR'\n"
        "    expected                              served\n"
        "    7.250000 (1) = COFFEE MUG             7.250000 (1) = COFFEEPOT\n"
        "    2.500000 (0) = CUP                    2.500000 (0) = COFFEE MUG\n"
        "    0.500000 (3) = SOAP: BAR              0.500000 (3) = CUP\n"
    )


def of_imagenet(pod: Pod, triton: Triton, labels: list[str]) -> None:
    """A thousand classes, with the scores of a mug."""
    (pod.proof / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    triton.scores, triton.labels = [index / 1024 for index in range(1000)], list(labels)
    for index, score in ((504, 9.0), (968, 7.0), (505, 6.0)):
        triton.scores[index] = score
    golden = {"class": 504, "tolerance": 0.01, "scores": list(triton.scores)}
    pod.change(pod.repository / "manifest.json", golden=golden)
    pod.change(pod.proof / "expected.json", **{"class": 504})


def test_two_swapped_labels_of_a_thousand_show_both_tables(pod: Pod, triton: Triton) -> None:
    of_imagenet(pod, triton, (REPOSITORY / "infra/data/imagenet_labels.txt").read_text().splitlines())
    triton.labels[968], triton.labels[505] = triton.labels[505], triton.labels[968]
    assert refused(pod, triton) == (
        "the answer is wrong\n"
        "labels: 2 of 1000 differ\n"
        "labels: class 968 is 'COFFEEPOT', expected 'CUP'\n"
        "labels: class 505 is 'CUP', expected 'COFFEEPOT'\n"
        "    expected                              served\n"
        "    9.000000 (504) = COFFEE MUG           9.000000 (504) = COFFEE MUG\n"
        "    7.000000 (968) = CUP                  7.000000 (968) = COFFEEPOT\n"
        "    6.000000 (505) = COFFEEPOT            6.000000 (505) = CUP\n"
    )


def test_the_evidence_fits_into_a_termination_message(pod: Pod, triton: Triton) -> None:
    of_imagenet(pod, triton, [f"{index} " + "\N{HOT BEVERAGE}" * 2000 for index in range(1000)])
    triton.labels = [*triton.labels[1:], triton.labels[0]]
    evidence = refused(pod, triton)
    assert len(evidence.encode()) <= 4096
    assert evidence.startswith("the answer is wrong\nlabels: 1000 of 1000 differ\nlabels: class 504 is '505 ")
    assert len(evidence.splitlines()) == 9
    assert evidence.splitlines()[-3].lstrip().startswith("9.000000 (504) = 504 ")
    assert "9.000000 (504) = 505 " in evidence.splitlines()[-3]


def test_a_long_refusal_is_cut(pod: Pod, triton: Triton) -> None:
    triton.refusal = (400, "\N{HOT BEVERAGE}" * 2000)
    evidence = refused(pod, triton)
    assert evidence.startswith("mug refuses the expected picture: 400 ")
    assert 3900 < len(evidence.encode()) <= 4096


def test_one_wrong_label_anywhere_is_found(pod: Pod, triton: Triton) -> None:
    triton.labels[3] = "SOAP"
    assert "labels: 1 of 4 differ\nlabels: class 3 is 'SOAP', expected 'SOAP: BAR'\n" in refused(pod, triton)


def test_another_class_first(pod: Pod, triton: Triton) -> None:
    triton.scores = [9.0, 7.25, -1.0, 0.5]
    evidence = refused(pod, triton)
    assert "first: class 0, expected 1" in evidence
    assert "scores: 1 are more than 0.01 from golden, class 0 is 9.000000, golden 2.500000" in evidence


@pytest.mark.parametrize(("apart", "status"), [(0.0099, 0), (0.0101, 1), (-0.0099, 0), (-0.0101, 1)])
def test_tolerance_is_for_every_score(pod: Pod, triton: Triton, apart: float, status: int) -> None:
    triton.scores[2] += apart
    assert proved(pod, triton.port).returncode == status


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_wrong(pod: Pod, triton: Triton, value: float) -> None:
    triton.scores[3] = value
    assert "scores: not all are finite numbers" in refused(pod, triton)


def test_a_golden_that_is_no_number_is_agreed_with_by_nothing(pod: Pod, triton: Triton) -> None:
    golden = {"class": 1, "tolerance": 0.01, "scores": [2.5, 7.25, -1.0, math.nan]}
    pod.change(pod.repository / "manifest.json", golden=golden)
    assert "class 3 is 0.500000, golden nan" in refused(pod, triton)


def test_without_golden_scores_class_and_labels_are_proven(pod: Pod, triton: Triton) -> None:
    pod.change(pod.repository / "manifest.json", golden={"class": 1, "tolerance": 0.01, "scores": None})
    triton.scores = [2.0, 5.0, 1.0, 0.0]
    assert proved(pod, triton.port).returncode == 0
    triton.labels[1] = "CUP"
    assert "    (1) = COFFEE MUG                      5.000000 (1) = CUP\n" in refused(pod, triton)


@pytest.mark.parametrize("scores", [[1.0], [1.0, 7.0, 3.0, 2.0, 0.0]])
def test_another_number_of_scores(pod: Pod, triton: Triton, scores: list[float]) -> None:
    triton.scores, triton.labels = scores, ["A", "B", "C", "D", "E"]
    assert f"scores: {len(scores)}, and there are 4 labels" in refused(pod, triton)


def test_a_refusal_is_shown_with_tritons_reason(pod: Pod, triton: Triton) -> None:
    triton.refusal = (400, '{"error":"unexpected shape for input"}')
    assert refused(pod, triton) == 'mug refuses the expected picture: 400 {"error":"unexpected shape for input"}\n'


@pytest.mark.parametrize("script", PROOF_SCRIPTS)
def test_scripts_run_on_an_old_python(script: str) -> None:
    text = (REPOSITORY / "infra" / "pod" / script).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 8))
    assert "strict=" not in text
