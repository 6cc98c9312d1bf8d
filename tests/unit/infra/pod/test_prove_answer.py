"""The startup probe: right answers pass, and every kind of wrong one is shown."""

from __future__ import annotations

import array
import ast
import math
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from contract.comparison import PROBABILITIES
from contract.expectation import Expectation
from infra.components.proof import PROOF_MODULES, PROOF_SCRIPTS, script_texts
from infra.config import REPOSITORY
from tests.unit.infra.pod.conftest import MUG, OLD_PYTHON, SCORES, TENSOR, Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.unit.infra.pod.conftest import Pod, Triton


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
    assert set(triton.inputs) == {Asked().tensor}


def test_a_batching_model_is_asked_alone_and_in_batches_of_unlike_tensors(pod: Pod, triton: Triton) -> None:
    pod.publish(Asked(), max_batch_size=8)
    assert proved(pod, triton.port).returncode == 0
    sizes = [1, 1, 1, 1, 2, 3]  # scores, labels, and two tensors made of the picture's
    assert triton.shapes == [[size, 3, 2, 2] for size in sizes]
    alone = [Asked().tensor, *triton.inputs[2:4]]
    assert len({*alone}) == 3
    assert all(sorted(array.array("f", tensor)) == list(TENSOR) for tensor in alone)
    assert triton.inputs[4:] == [b"".join(alone[:2]), b"".join(alone)]


def test_a_batch_is_no_larger_than_the_model_takes(pod: Pod, triton: Triton) -> None:
    pod.publish(Asked(), max_batch_size=2)
    assert proved(pod, triton.port).returncode == 0
    assert [shape[0] for shape in triton.shapes] == [1, 1, 1, 2]
    triton.shapes.clear()
    pod.publish(Asked(), max_batch_size=1)
    assert proved(pod, triton.port).returncode == 0
    assert [shape[0] for shape in triton.shapes] == [1, 1]


@pytest.mark.parametrize(
    ("mixed", "evidence"),
    [
        (lambda rows: [rows[0]] * len(rows), "a batch of 2 is answered wrongly\nrow 2: a score differs by "),
        (lambda rows: rows[::-1], "a batch of 2 is answered wrongly\nrow 1: a score differs by "),
        (lambda rows: rows[:1], "a batch of 2 is answered wrongly\nscores: 4, and 2 rows of 4 were asked for\n"),
        (
            lambda rows: rows if len(rows) == 2 else [rows[0], rows[2], rows[1]],
            "a batch of 3 is answered wrongly\nrow 2: a score differs by ",
        ),
    ],
    ids=["first-for-all", "reversed", "one-row", "exchanged-in-three"],
)
def test_a_batch_that_is_answered_with_somebody_elses_row(
    pod: Pod, triton: Triton, mixed: Callable[[list[Sequence[float]]], list[Sequence[float]]], evidence: str
) -> None:
    mug = Expectation(1, "COFFEE MUG")
    scores = {range(12, 24): (0.0, 9.0, 3.0, -2.0), range(24, 36): (0.0, 5.0, -3.0, 3.0)}
    others = [Asked(values, mug, golden) for values, golden in scores.items()]
    pod.publish(Asked(), *others, max_batch_size=4)
    triton.scores_by_tensor = {picture.tensor: picture.scores or () for picture in others}
    assert proved(pod, triton.port).returncode == 0
    triton.mixed = mixed
    assert refused(pod, triton).startswith(evidence)


def test_a_batch_shows_what_the_row_gets_alone_beside_what_was_served(pod: Pod, triton: Triton) -> None:
    second = Asked(range(12, 24), Expectation(1, "COFFEE MUG"), (0.0, 9.0, 3.0, -2.0))
    pod.publish(Asked(), second, max_batch_size=2)
    triton.scores_by_tensor = {second.tensor: (0.0, 9.0, 3.0, -2.0)}
    triton.mixed = lambda rows: [rows[0]] * len(rows)
    assert refused(pod, triton).endswith(
        "    expected                              served\n"
        "    9.000000 (1) = COFFEE MUG             7.250000 (1) = COFFEE MUG\n"
        "    3.000000 (2) = COFFEEPOT              2.500000 (0) = CUP\n"
        "    0.000000 (0) = CUP                    0.500000 (3) = SOAP: BAR\n"
    )


def test_the_second_of_two_pictures_is_proven_too(pod: Pod, triton: Triton) -> None:
    cup = Asked(range(12, 24), Expectation(0, "CUP"), (8.0, 2.0, -1.0, 0.0))
    pod.publish(Asked(), cup)
    triton.scores_by_tensor = {cup.tensor: (8.0, 2.0, -1.0, 0.0)}
    result = proved(pod, triton.port)
    assert (result.returncode, result.stdout) == (0, "proven: 1 COFFEE MUG, 0 CUP\n")
    triton.scores_by_tensor = {}
    evidence = refused(pod, triton)
    assert evidence.startswith("the answer to picture 2 of 2 is wrong\nfirst: class 1, expected 0\nscores: a score ")
    assert "    8.000000 (0) = CUP                    7.250000 (1) = COFFEE MUG\n" in evidence


def test_another_order_of_the_first_classes(pod: Pod, triton: Triton) -> None:
    pod.publish(Asked(expectation=Expectation(1, "COFFEE MUG", top=(1, 3, 0)), scores=None))
    assert "top: classes [1, 0, 3], expected [1, 3, 0]\n" in refused(pod, triton)


@pytest.mark.parametrize(("margin", "status"), [(4.75, 0), (4.76, 1)])
def test_the_expected_class_leads_by_its_margin(pod: Pod, triton: Triton, margin: float, status: int) -> None:
    pod.publish(Asked(expectation=Expectation(1, "COFFEE MUG", margin=margin)))
    result = proved(pod, triton.port)
    assert result.returncode == status
    assert ("margin: class 1 leads class 0 by 4.75, expected 4.76 or more" in result.stdout) == bool(status)


def test_what_is_expected_the_pod_says_and_not_the_manifest(pod: Pod, triton: Triton) -> None:
    pod.expects(pictures=[{"sha256": Asked().sha256, **Expectation(0, "CUP").document()}])
    assert "first: class 1, expected 0\n" in refused(pod, triton)


CERTAIN = (0.003, 0.99, 0.005, 0.002)


@pytest.mark.parametrize(
    "served", [(0.005, 0.99, 0.002, 0.003), (0.08, 0.75, 0.12, 0.05)], ids=["lesser-ones-permuted", "flattened"]
)
def test_probabilities_are_compared_where_they_are_small_too(pod: Pod, triton: Triton, served: Sequence[float]) -> None:
    pod.publish(Asked(expectation=Expectation(1, "COFFEE MUG"), scores=CERTAIN), scale=PROBABILITIES)
    triton.scores = CERTAIN
    assert proved(pod, triton.port).returncode == 0
    triton.scores = served
    assert "scores: a score differs by " in refused(pod, triton)


def test_a_model_of_one_channel_and_two_classes(pod: Pod, triton: Triton) -> None:
    digit = Asked([index / 784 for index in range(784)], Expectation(1, "odd"), (-1.5, 2.5))
    pod.publish(digit, labels=("even", "odd"), shape=(1, 28, 28))
    triton.scores, triton.labels = (-1.5, 2.5), ("even", "odd")
    result = proved(pod, triton.port)
    assert (result.returncode, result.stdout) == (0, "proven: 1 odd\n")
    assert triton.shapes == [[1, 28, 28], [1, 28, 28]]


def test_a_manifest_that_was_changed_since_it_was_verified(pod: Pod, triton: Triton) -> None:
    reported = pod.manifest_sha256
    pod.publish(Asked(scores=(0.0, 9.0, 1.0, 2.0)))
    pod.expects(manifestSha256=reported)
    assert refused(pod, triton) == f"manifest.json is not the one that the build reported, sha256 {reported}\n"
    assert triton.shapes == []


def test_a_picture_that_the_repository_does_not_have(pod: Pod, triton: Triton) -> None:
    pod.expects(pictures=[{"sha256": "0" * 64, **MUG.document()}])
    assert refused(pod, triton) == f"picture {'0' * 64} is not in manifest.json\n"


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


def of_imagenet(pod: Pod, triton: Triton, labels: Sequence[str]) -> list[str]:
    """A thousand classes, with the scores of a mug; returns the labels that the stand-in gives, to change."""
    scores = [index / 1024 for index in range(1000)]
    for index, score in ((504, 9.0), (968, 7.0), (505, 6.0)):
        scores[index] = score
    served = list(labels)
    triton.scores, triton.labels = scores, served
    pod.publish(Asked(expectation=Expectation(504, labels[504]), scores=tuple(scores)), labels=labels)
    return served


def test_two_swapped_labels_of_a_thousand_show_both_tables(pod: Pod, triton: Triton) -> None:
    served = of_imagenet(pod, triton, (REPOSITORY / "infra/data/imagenet_labels.txt").read_text().splitlines())
    served[968], served[505] = served[505], served[968]
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
    triton.labels = [*triton.labels[:3], "SOAP"]
    assert "labels: 1 of 4 differ\nlabels: class 3 is 'SOAP', expected 'SOAP: BAR'\n" in refused(pod, triton)


def test_another_class_first(pod: Pod, triton: Triton) -> None:
    triton.scores = (9.0, 7.25, -1.0, 0.5)
    evidence = refused(pod, triton)
    assert "first: class 0, expected 1" in evidence
    assert "scores: a score differs by 2.09 spreads, more than 0.01 and the cosine is " in evidence
    assert "the worst is class 0: 9 instead of 2.5; 4 of golden's first 4 are among the first\n" in evidence


@pytest.mark.parametrize(("apart", "status"), [(0.0309, 0), (0.0312, 1), (-0.0309, 0), (-0.0312, 1)])
def test_tolerance_is_for_every_score_in_spreads_of_golden(pod: Pod, triton: Triton, apart: float, status: int) -> None:
    triton.scores = (*SCORES[:2], SCORES[2] + apart, SCORES[3])
    assert proved(pod, triton.port).returncode == status


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_wrong(pod: Pod, triton: Triton, value: float) -> None:
    triton.scores = (*SCORES[:3], value)
    assert "scores: not all are finite numbers" in refused(pod, triton)


def test_without_golden_scores_class_and_labels_are_proven(pod: Pod, triton: Triton) -> None:
    pod.publish(Asked(scores=None))
    triton.scores = [2.0, 5.0, 1.0, 0.0]
    assert proved(pod, triton.port).returncode == 0
    triton.labels = ["CUP", *triton.labels[:1], *triton.labels[2:]]
    assert "    (1) = COFFEE MUG                      5.000000 (1) = CUP\n" in refused(pod, triton)


@pytest.mark.parametrize("scores", [[1.0], [1.0, 7.0, 3.0, 2.0, 0.0]])
def test_another_number_of_scores(pod: Pod, triton: Triton, scores: list[float]) -> None:
    triton.scores, triton.labels = scores, ["A", "B", "C", "D", "E"]
    assert f"scores: {len(scores)}, and there are 4 labels" in refused(pod, triton)


def test_a_refusal_is_shown_with_tritons_reason(pod: Pod, triton: Triton) -> None:
    triton.refusal = (400, '{"error":"unexpected shape for input"}')
    assert refused(pod, triton) == 'mug refuses the expected picture: 400 {"error":"unexpected shape for input"}\n'


@pytest.mark.parametrize("path", [*PROOF_SCRIPTS, *PROOF_MODULES])
def test_what_the_pod_gets_is_read_by_an_old_python(path: str) -> None:
    text = script_texts()[path]
    ast.parse(text, feature_version=(3, 8))
    assert "strict=" not in text


@pytest.mark.skipif(OLD_PYTHON is None, reason="no Python 3.8: pyenv install 3.8")
def test_the_scripts_run_on_an_old_python_with_nothing_but_what_the_pod_gets(pod: Pod, triton: Triton) -> None:
    pod.python = str(OLD_PYTHON)
    pod.publish(Asked(), max_batch_size=8)
    verified, result = pod.run("verify_repository.py"), proved(pod, triton.port)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert (result.returncode, result.stderr) == (0, "")


def test_the_pod_gets_no_module_that_no_script_imports(pod: Pod) -> None:
    program = (
        "import prove_answer, verify_repository, sys;"
        "print(*(found.__file__ for name, found in sys.modules.items() if name.startswith(('contract', 'infra'))))"
    )
    command = [sys.executable, "-E", "-s", "-S", "-B", "-c", program]
    found = subprocess.run(
        command, cwd=pod.proof, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert {path.removeprefix(f"{pod.proof}/") for path in found} == {*PROOF_MODULES}
