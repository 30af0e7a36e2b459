"""What has to coincide for a protection to be missed, told step by step where chance would take too long."""

from core.approval import ApprovalStatus
from tests.chaos.inside.board import ALICE, BOB, CAROL
from tests.chaos.inside.knobs import SERVICES
from tests.chaos.machine import Schedule


def frozen_over(told: Schedule) -> None:
    """Everything is frozen while two people agree."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("freeze", 0)
    told.agree(0, ALICE, 300)


def frozen_after_the_vote(told: Schedule) -> None:
    """Two people agree, and everything is frozen before that is carried out."""
    told.begin("restart checkout", BOB, 1)
    told.agree(0, ALICE, 0)
    told.wait_for(ApprovalStatus.APPROVED)
    told.mischief("freeze", 0)
    told.time_passes("sweep", 300)


def decided_too_late(told: Schedule) -> None:
    """Two people agree when the time to decide is over."""
    told.begin("restart checkout", BOB, 1)
    told.time_passes(1801.0, 0)
    told.agree(0, ALICE, 300)


def carried_out_too_late(told: Schedule) -> None:
    """Two people agree, and it takes too long until somebody could carry it out."""
    told.begin("restart checkout", BOB, 1)
    told.agree(0, ALICE, 0)
    told.wait_for(ApprovalStatus.APPROVED)
    told.time_passes(301.0, 300)


def decided_under_the_next_policy(told: Schedule) -> None:
    """Another policy is put in place before two people agree, and every worker has read it."""
    told.begin("restart checkout", BOB, 1)
    told.time_passes("sweep", 100)  # whoever asked for it under the old one is through then
    told.turn_policy("stricter", -1, 0)
    told.agree(0, ALICE, 300)


def carried_out_under_the_next_policy(told: Schedule) -> None:
    """Two people agree, and another policy is put in place while those who would carry that out are killed."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("slow", 1)
    told.agree(0, ALICE, 0)
    told.wait_for(ApprovalStatus.APPROVED)
    for _ in range(2):
        told.crash(0, 0, False, 0)
    told.turn_policy("stricter", -1, 0)
    told.time_passes(10.0, 100)  # so that nobody can think that the job is on its way
    told.time_passes("sweep", 300)


def one_voter_and_a_looser_policy(told: Schedule) -> None:
    """Two have to approve it, one does, and then a policy comes by which one is enough."""
    told.begin("restart payments", BOB, 1)
    told.decide(0, [(ALICE, "approve")], 1, 100)
    told.turn_policy("looser", -1, 0)
    told.decide(0, [(ALICE, "approve")], 1, 300)


def edited_between_two_votes(told: Schedule) -> None:
    """One of two has approved it when somebody asks for more; then the other one approves that."""
    told.begin("scale payments to 4", BOB, 1)
    told.decide(0, [(ALICE, "approve")], 1, 100)
    told.edit(0, BOB, "payments", 6, 1, 300)
    told.decide(0, [(CAROL, "approve")], 1, 300)


def edited_by_two(told: Schedule) -> None:
    """Two people ask for something else in the same moment, and both are approved."""
    told.begin("scale checkout to 5", BOB, 1)
    told.mischief("slow", 1)
    told.edit(0, ALICE, "checkout", 6, 1, 0)
    told.edit(0, CAROL, "checkout", 3, 1, 300)
    told.agree(0, ALICE, 300)
    told.agree(1, ALICE, 300)


def killed_at_the_target(told: Schedule) -> None:
    """The worker that carries it out is killed when the target has done it and nobody has written that down."""
    told.begin("restart checkout", BOB, 1)
    for node in told.system.alive:
        node.plug.burn_at("target act")
    told.system.add_worker()
    told.agree(0, ALICE, 1500)


def edited(told: Schedule) -> None:
    """Somebody edits the waiting request in the database before two people agree."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("tamper", 0)
    told.agree(0, ALICE, 300)


def forged(told: Schedule) -> None:
    """Somebody approves the waiting request in the database, with votes that nobody has cast."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("forge", 0)
    told.time_passes(10.0, 100)  # so that nobody can think that the job is on its way
    told.time_passes("sweep", 300)


def self_made(told: Schedule) -> None:
    """Whoever asked for it approves it."""
    told.begin("restart checkout", BOB, 1)
    told.decide(0, [(BOB, "approve")], 1, 300)


def agreed(told: Schedule) -> None:
    """Two people agree, and nothing befalls anybody."""
    told.begin("restart checkout", BOB, 1)
    told.agree(0, ALICE, 300)


def forgotten(told: Schedule) -> None:
    """The graphs forget what they wait for before two people agree."""
    told.begin("restart checkout", BOB, 1)
    told.outage("forget", 0)
    told.agree(0, ALICE, 300)


def twice_the_same(told: Schedule) -> None:
    """One person approves twice what two have to."""
    told.begin("restart payments", BOB, 1)
    for _ in range(2):
        told.decide(0, [(ALICE, "approve")], 1, 100)


def old_verdict_at_a_new_gate(told: Schedule) -> None:
    """An action does not help, its undo is asked for, and the verdict on the action is delivered once more."""
    told.begin("scale checkout to 5", BOB, 1)
    told.mischief("ill", tuple(SERVICES).index("checkout"))
    told.agree(0, ALICE, 400)
    told.repeat_verdict(0)
    told.time_passes("sweep", 200)
    told.agree(0, ALICE, 300)


def at_odds(told: Schedule) -> None:
    """One approves and one rejects in the same moment, while every call takes its time."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("slow", 1)
    told.decide(0, [(ALICE, "approve"), (CAROL, "reject")], 1, 100)


def verdicts_at_once(told: Schedule) -> None:
    """A verdict is delivered three times while every call takes its time."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("slow", 1)
    told.agree(0, ALICE, 0)
    told.wait_for(ApprovalStatus.APPROVED)
    told.repeat_verdict(0)
    told.repeat_verdict(0)
