"""By Pulumi alone: what the product's own commands add is not there."""

import pytest

from tests.guest.guest import Guest
from tests.guest.test_02_story import QUICK, configure

STACK, TEAM = "plain", "team-b"


@pytest.mark.long
def test_the_program_is_an_ordinary_one(guest: Guest) -> None:
    guest.make_class_default()
    guest.do(STACK, "team stack")
    configure(guest, STACK, serving=QUICK, storage={"kind": "claim", "accessMode": "ReadWriteOnce", "sizeGib": 2})

    said = guest.do(STACK, "team plain", "team plain destroy")

    assert "= COFFEE MUG" in said
    assert not guest.kubectl("get", "deployments,services", f"--namespace={TEAM}", "--output=name")


@pytest.mark.long
def test_the_claim_that_it_left_is_taken_up_again(guest: Guest) -> None:
    """It is bound already, where a new one of this class waits for its first pod."""
    said = guest.do(STACK, "team plain", "team plain destroy")

    assert "= COFFEE MUG" in said
