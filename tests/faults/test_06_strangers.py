"""Strangers knock: each of their requests is refused or borne, and nobody else notices them."""

import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus

import pytest

from tests.faults.bed import UNASKED, Bed
from tests.faults.stack import MODEL
from tests.faults.strangers import crowds, disguised, http2, oversized, parsed, unbounded
from tests.faults.strangers.connection import End, Target
from tests.faults.strangers.messages import Attack
from tests.faults.strangers.siege import SERVER_IS_GONE, Cost, assault, counted, watched

PATIENCE_S = 10
CLOSED_S = 45
"""The gateway's own patience with a request, and some more."""

STALLED = 480
STALLED_S = 10

REPLICA_MIB = 256
GATEWAY_MIB = 384
ADDRESSES = tuple(f"127.0.0.{number}" for number in range(66, 82))


@pytest.fixture(scope="module", autouse=True)
def _limits_of_dev(bed: Bed) -> None:
    """What a test before these has set of the door's limits is set back."""
    bed.stack.configure()
    gated = bed.stack.gate()
    assert gated.status == 0, gated.said


def target(bed: Bed, address: str = ADDRESSES[0]) -> Target:
    layout = bed.stack.cluster.layout
    return Target(
        host="127.0.0.1", port=layout.gateway_port, base=f"/{bed.stack.namespace}", model=MODEL, address=address
    )


def besieged(bed: Bed, what: str, do: Callable[[], str]) -> None:
    """Have strangers do something under load, and see that nobody else noticed; note it in the table."""
    before = bed.stack.serving()
    with bed.load() as load, watched(bed.stack) as cost:
        done = do()
    account, after = load.account(), bed.stack.serving()
    bed.record(f"{what}: {done}; {cost}", account, UNASKED, after)
    assert (account.failed, account.wrong) == (0, 0), account
    assert after == before
    assert_bounded(cost)


def assert_bounded(cost: Cost) -> None:
    assert cost.restarts == 0, cost
    assert cost.replica_mib < REPLICA_MIB, cost
    assert cost.gateway_mib < GATEWAY_MIB, cost


def assaulted(bed: Bed, attacks: Sequence[Attack], judge: Callable[[End], bool]) -> str:
    ends = assault(target(bed), attacks, patience_s=PATIENCE_S)
    misjudged = {name: str(end) for name, end in ends.items() if not judge(end)}
    assert not misjudged
    return counted(list(ends.values()))


def refused(end: End) -> bool:
    """With a status of its own and a reason, or by the connection's end."""
    if end.status is None:
        return end.closed
    has_reason = bool(end.said) or end.status == HTTPStatus.EXPECTATION_FAILED
    return answered(end) and end.status >= 400 and has_reason


def answered(end: End) -> bool:
    """By the server or by the door, which did not say no because of too many questions: that would prove nothing."""
    return end.status not in {None, HTTPStatus.TOO_MANY_REQUESTS, *SERVER_IS_GONE}


def unharmful(end: End) -> bool:
    """Answered, closed, or left alone: a connection of HTTP/2 stays open."""
    return end.status not in SERVER_IS_GONE


@pytest.mark.parametrize(
    ("what", "attacks", "judge"),
    [
        ("JSON that is too long or too deep", unbounded.UNBOUNDED, refused),
        ("A JSON part that is said to be of another length than it is", disguised.SPELT, refused),
        ("Requests that say something else to the gateway than to the server", disguised.LYING, refused),
        ("JSON within the bounds, as deep and as absurd as it gets", parsed.BOUNDED, answered),
        ("Requests in gzip or deflate, most of them bombs", disguised.PACKED, refused),
        ("Questions with a body", oversized.QUESTIONS, refused),
        ("Endless bodies, fields and addresses", oversized.TOO_MUCH, refused),
        ("Many requests at once, or bodies in crumbs", oversized.BORNE, answered),
        ("The same in HTTP/2, which nobody has asked for", http2.REQUESTS, refused),
        ("Floods of HTTP/2's own frames", http2.FLOODS, unharmful),
    ],
)
def test_strangers(what: str, attacks: Sequence[Attack], judge: Callable[[End], bool], bed: Bed) -> None:
    besieged(bed, f"{what}, {len(attacks)} kinds", lambda: assaulted(bed, attacks, judge))


def test_two_thousand_slow_connections(bed: Bed) -> None:
    manners = (crowds.slow_headers, crowds.slow_bodies, crowds.slow_chunks, crowds.huge_chunks, crowds.idle)

    def crowd() -> str:
        seen = crowded(bed, manners, crowds.CROWD // len(manners))
        assert all(each.opened == each.closed and not each.refused for each in seen.values()), seen
        turned_away = sum(each.answered for each in seen.values())
        return f"all closed within {CLOSED_S} s, {turned_away} with an answer"

    besieged(bed, f"{crowds.CROWD} connections that send slowly or nothing", crowd)


def test_requests_that_stand_still(bed: Bed) -> None:
    def crowd() -> str:
        seen = crowds.hold([target(bed)], crowds.stalled_bodies, count=STALLED, during_s=STALLED_S)
        assert seen.answered, seen
        return f"{seen.answered} of {STALLED} turned away, as too many of one client"

    besieged(bed, f"{STALLED} bodies of one stranger that stop after a megabyte", crowd)


def test_connections_that_break_off(bed: Bed) -> None:
    def break_off() -> str:
        here = target(bed)
        half = crowds.half_of_an_image(here)
        return " and ".join(
            f"{crowds.break_off(here, count=200, half=half, end=end)} {name}" for name, end in crowds.ENDS
        )

    besieged(bed, "Requests cut off halfway", break_off)


def crowded(bed: Bed, manners: Sequence[Callable[[Target], crowds.Manner]], count: int) -> dict[str, crowds.Crowd]:
    """Hold connections of several manners, from all of the strangers' addresses, until they are closed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ThreadPoolExecutor(max_workers=len(manners)) as pool:
            hold = partial(crowds.hold, count=count, during_s=CLOSED_S)
            targets = [target(bed, address) for address in ADDRESSES]
            held = pool.map(lambda manner: hold(targets, manner), manners)
            return dict(zip((manner.__name__ for manner in manners), held, strict=True))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_gate_proves_the_same_release_again(bed: Bed) -> None:
    before = bed.stack.serving()
    gated = bed.prove_again()
    assert gated.status == 0, gated.said
    assert bed.stack.serving().plans == before.plans
