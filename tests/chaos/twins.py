"""Each protection with what catches its absence."""

from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection

import pytest

from tests.chaos.machine import Schedule
from tests.chaos.twin_stories import (
    agreed,
    at_odds,
    carried_out_too_late,
    carried_out_under_the_next_policy,
    decided_too_late,
    decided_under_the_next_policy,
    edited,
    edited_between_two_votes,
    edited_by_two,
    forged,
    forgotten,
    frozen_after_the_vote,
    frozen_over,
    killed_at_the_target,
    old_verdict_at_a_new_gate,
    one_voter_and_a_looser_policy,
    self_made,
    twice_the_same,
    verdicts_at_once,
)
from tests.chaos.unguarded import (
    anybody_may_vote,
    attempts_leave_no_intent,
    cards_are_posted_anew,
    claims_are_unconditional,
    digests_are_not_compared,
    edits_end_nothing,
    effects_run_under_any_policy,
    entries_are_struck_off_when_read,
    events_are_not_remembered,
    freezes_are_not_asked_for,
    history_is_not_asked,
    late_effects_run,
    late_votes_count,
    lost_gates_are_not_told,
    nobody_holds_a_lease,
    nobody_sweeps,
    only_votes_ask_for_freezes,
    outcomes_are_not_written,
    requests_are_not_noted,
    requirements_follow_the_file,
    resumes_are_bare,
    secrets_are_not_filtered,
    votes_are_counted_not_people,
    votes_count_by_any_policy,
    votes_move_to_the_edited,
    without_unique_votes,
)


@dataclass(frozen=True)
class Twin:
    """`caught_by` are the invariants of which at least one has to find it, within so many schedules of that seed.
    `only` names the rules that matter to it: what has to coincide comes sooner without the rest. A `story` is told in
    place of schedules, for what takes too many coincidences."""

    take_out: Callable[[pytest.MonkeyPatch], None]
    caught_by: frozenset[str]
    only: tuple[str, ...] = ()
    story: Callable[[Schedule], None] | None = None
    seed: int = 1
    within: int = 40
    prepare: Callable[[Connection], None] = lambda connection: None

    @property
    def name(self) -> str:
        return self.take_out.__name__


TWINS = [
    Twin(claims_are_unconditional, frozenset({"I2", "I5"}), story=at_odds, within=20),
    Twin(attempts_leave_no_intent, frozenset({"I1"}), story=killed_at_the_target, within=5),
    Twin(digests_are_not_compared, frozenset({"I2"}), story=edited, within=5),
    Twin(resumes_are_bare, frozenset({"I5"}), story=old_verdict_at_a_new_gate, within=5),
    Twin(nobody_holds_a_lease, frozenset({"I1", "I5"}), story=verdicts_at_once, within=20),
    Twin(votes_are_counted_not_people, frozenset({"I2"}), story=twice_the_same, within=5, prepare=without_unique_votes),
    Twin(events_are_not_remembered, frozenset({"I3"})),
    Twin(nobody_sweeps, frozenset({"I5"})),
    Twin(lost_gates_are_not_told, frozenset({"I5"}), story=forgotten, within=5),
    Twin(entries_are_struck_off_when_read, frozenset({"I3"})),
    Twin(freezes_are_not_asked_for, frozenset({"I2"}), story=frozen_over, within=5),
    Twin(only_votes_ask_for_freezes, frozenset({"I2"}), story=frozen_after_the_vote, within=20),
    Twin(late_votes_count, frozenset({"I2"}), story=decided_too_late, within=5),
    Twin(late_effects_run, frozenset({"I2"}), story=carried_out_too_late, within=20),
    Twin(votes_count_by_any_policy, frozenset({"I2"}), story=decided_under_the_next_policy, within=5),
    Twin(effects_run_under_any_policy, frozenset({"I2"}), story=carried_out_under_the_next_policy, within=20),
    Twin(requirements_follow_the_file, frozenset({"I2"}), story=one_voter_and_a_looser_policy, within=5),
    Twin(history_is_not_asked, frozenset({"I2"}), story=forged, within=5),
    Twin(votes_move_to_the_edited, frozenset({"I2"}), story=edited_between_two_votes, within=5),
    Twin(edits_end_nothing, frozenset({"I2", "I5"}), story=edited_by_two, within=5),
    Twin(anybody_may_vote, frozenset({"I2"}), story=self_made, within=5),
    Twin(outcomes_are_not_written, frozenset({"I4"}), story=agreed, within=5),
    Twin(requests_are_not_noted, frozenset({"I4"}), story=agreed, within=5),
    Twin(cards_are_posted_anew, frozenset({"I5"})),
    Twin(secrets_are_not_filtered, frozenset({"I6"}), story=agreed, within=5),
]
