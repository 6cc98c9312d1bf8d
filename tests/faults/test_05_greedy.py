"""A client that asks without end: it is told so, and nobody else notices it."""

from local_cluster.awaiting import await_condition
from tests.faults.bed import Bed
from tests.faults.greedy import Greedy

IN_FLIGHT = 6
PER_S = 100
ANSWERS = 60
REFUSALS = 100


def test_one_greedy_client_is_told_so_and_the_polite_ones_are_answered(bed: Bed) -> None:
    limits = {"bodyBytes": 16777216, "requestsPerS": PER_S, "inFlight": IN_FLIGHT}
    bed.stack.configure(endpoint={"limits": limits})
    limited = bed.stack.gate()
    assert limited.status == 0, limited.said

    with bed.load() as load:
        wanted = load.right_answers + ANSWERS
        with Greedy(bed.stack.url, load.path, load.message) as greedy:
            await_condition(
                "answers for the polite and refusals for the greedy",
                lambda: (
                    None
                    if load.right_answers >= wanted and len(greedy.refusals) >= REFUSALS
                    else f"{load.right_answers} of {wanted}, {greedy.statuses}"
                ),
                deadline_s=120,
            )
    account, (answered, refused) = load.account(), (greedy.statuses[200], greedy.statuses[429])
    fault = (
        f"A client that asks without end, {IN_FLIGHT} at once allowed: {answered} answered, {refused} refused by 429"
    )
    bed.record(fault, account, str(limited), bed.stack.serving())

    assert (account.failed, account.wrong) == (0, 0), account
    assert greedy.statuses.keys() == {200, 429}
    policy = f'"requests";q={PER_S};w=1, "inFlight";q={IN_FLIGHT};qu="concurrent-requests"'
    assert {refusal.headers.get("Ratelimit-Policy") for refusal in greedy.refusals} == {policy}
    assert all(refusal.body for refusal in greedy.refusals)
