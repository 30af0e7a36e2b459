"""Faults and attacks around an approval: what becomes of them, and which test shows it."""

from tests.chaos.matrix_row import Row

ROWS = (
    Row(
        "17",
        "SQL locked or down",
        "no intent row, no action; what was clicked stands in the queue and is done afterwards",
        (
            "chaos/test_outages.py::test_while_sql_is_locked_nothing_runs_and_afterwards_it_does",
            "tools/test_attempts.py::test_without_an_intent_row_nothing_runs",
            "contracts/test_freeze.py::test_a_database_that_is_away_counts_as_frozen",
        ),
        ("tools/test_attempts.py::test_a_ledger_whose_silence_is_taken_for_a_yes_is_caught",),
    ),
    Row(
        "26",
        "an outsider, a guest, somebody who left, a bot approve",
        "0 effects, refused privately, in the history; a removed member within 60 s",
        (
            "fundamentals/test_countersigning.py::test_people_outside_the_groups_guests_leavers_and_bots_are_refused_and_it_is_written_down",
            "fundamentals/test_who_may_decide.py::test_what_slips_past_the_click_is_caught_where_the_decision_is_claimed",
            "bot/test_slack_approvals.py::test_who_is_in_no_group_is_refused_privately_and_audited",
            "bot/test_slack_directory.py::test_people_of_other_workspaces_may_not_decide",
            "bot/test_slack_directory.py::test_a_right_that_was_taken_away_is_gone_within_a_minute",
        ),
        ("fundamentals/test_who_may_decide.py::test_a_desk_that_checks_nobody_lets_all_of_them_through",),
    ),
    Row(
        "27",
        "whoever asked approves, with another account or through the bot",
        "refused unless policy lets them",
        (
            "fundamentals/test_countersigning.py::test_whoever_asked_may_not_countersign",
            "fundamentals/test_who_may_decide.py::test_two_accounts_of_one_human_cannot_countersign_for_each_other",
            "fundamentals/test_who_may_decide.py::test_whom_the_action_is_for_may_not_approve_it",
        ),
        (
            "fundamentals/test_who_may_decide.py::test_a_desk_that_checks_nobody_lets_all_of_them_through",
            "fundamentals/test_who_may_decide.py::test_a_desk_that_knows_accounts_only_would_count_one_human_twice",
        ),
    ),
    Row(
        "28",
        "two of N: one human twice, or in two groups",
        "counts 1",
        (
            "fundamentals/test_countersigning.py::test_two_approvers_means_two_people",
            "fundamentals/test_who_may_decide.py::test_two_accounts_of_one_human_are_one_approver",
            "core/test_requirement.py::test_one_of_each_group_means_two_different_humans",
            "fundamentals/test_standing_grants.py::test_a_hand_beside_its_own_grant_is_one_human",
        ),
        (
            "fundamentals/test_who_may_decide.py::test_a_desk_that_knows_accounts_only_would_count_one_human_twice",
            "core/test_requirement.py::test_counting_groups_instead_of_humans_would_be_caught",
        ),
    ),
    Row(
        "29",
        "the call is changed after it was approved",
        "refused, each of 1,000 single-byte mutations",
        (
            "security/test_stored_mutations.py::test_a_thousand_single_byte_mutations_of_a_stored_request_are_refused",
            "tools/test_grants.py::test_two_hundred_single_byte_mutations_of_plans_are_refused",
            "tools/test_tampered_rows.py::test_a_weakened_requirement_is_refused_as_tampering",
            "tools/test_tampered_rows.py::test_what_the_history_does_not_know_runs_nothing",
            "steps/test_tampering.py::test_an_undo_that_was_written_into_the_rows_does_not_run",
            "steps/test_tampering.py::test_what_a_step_left_behind_is_what_the_history_says",
            "fundamentals/test_undoing_at_once.py::test_what_somebody_has_written_into_the_rows_is_not_undone_at_once",
        ),
        (
            "security/test_stored_mutations.py::test_the_twin_that_trusts_the_row_is_caught_by_the_same_mutations",
            "tools/test_grants.py::test_a_guard_that_trusts_the_row_is_caught_by_the_same_mutations",
            "tools/test_tampered_rows.py::test_the_twin_that_believes_the_row_runs_with_one_vote_of_two",
            "tools/test_tampered_rows.py::test_the_twin_that_asks_no_history_runs_it",
        ),
    ),
    Row(
        "30",
        "the target changed after people looked",
        "nothing runs, asked anew",
        (
            "tools/test_grants.py::test_a_target_that_has_moved_on_makes_the_approval_void",
            "steps/test_plans.py::test_a_step_whose_target_has_moved_on_is_refused_and_those_before_it_are_undone",
        ),
        ("tools/test_grants.py::test_a_guard_blind_to_drift_is_caught_by_the_target_or_by_the_ledger",),
    ),
    Row(
        "31",
        "approved too late, or carried out too late",
        "0 late effects, to the second",
        (
            "tools/test_grants.py::test_the_clock_is_exact_to_the_second",
            "tools/test_grants.py::test_the_clock_is_looked_at_again_after_the_dry_run",
            "contracts/test_approvals.py::test_the_decide_by_clock_is_sharp",
            "fundamentals/test_countersigning.py::test_a_request_that_nobody_decides_expires_and_says_so",
        ),
        ("tools/test_grants.py::test_a_guard_without_clocks_is_caught",),
    ),
    Row(
        "32",
        "a card that reads otherwise than what runs",
        "200 nasty arguments, byte for byte; what is long is a file with its digest, and its target is typed",
        (
            "security/test_exact_calls.py::test_what_two_hundred_cards_show_is_what_the_target_receives",
            "bot/test_blocks_exact_call.py::test_nasty_arguments_arrive_byte_exact_in_slack",
            "bot/test_blocks_exact_call.py::test_a_long_call_is_whole_or_in_a_file_whose_digest_is_shown_and_then_its_target_is_typed",
        ),
        (
            "security/test_exact_calls.py::test_the_twin_whose_card_shows_something_else_is_caught",
            "bot/test_blocks_exact_call.py::test_the_twin_that_does_not_show_the_exact_call_is_caught",
        ),
    ),
    Row(
        "33",
        "frozen while something is open, or between two steps",
        "the next effect is held within 1 s",
        (
            "contracts/test_freeze.py::test_a_freeze_between_two_remediations_stops_the_second_within_a_second",
            "steps/test_plans.py::test_a_freeze_between_two_steps_stops_before_the_next_and_undoes_nothing",
            "tools/test_grants.py::test_the_freeze_switch_stops_an_approved_request",
            "tools/test_grants.py::test_a_freeze_switch_that_cannot_be_read_is_on",
        ),
        ("contracts/test_freeze.py::test_a_worker_that_asks_once_at_its_start_is_caught",),
    ),
    Row(
        "34",
        "a step of a plan fails, its undo fails, or the plan is killed anywhere",
        "undone in reverse, each once; a failing undo is loud",
        (
            "steps/test_plans.py::test_a_failing_step_has_those_before_it_undone_in_reverse_each_once",
            "steps/test_plans.py::test_a_failing_undo_is_loud_and_names_what_stands_where",
            "steps/test_kills.py::test_a_plan_goes_on_where_it_was_killed",
            "steps/test_kills.py::test_a_plan_goes_on_however_often_it_is_killed",
        ),
        ("steps/test_kills.py::test_a_guard_that_forgets_its_attempts_acts_twice_and_is_caught",),
        "pytest -m slow tests/steps/test_kills.py",
    ),
    Row(
        "42",
        "the history edited, cut, swapped, computed anew, or put back to yesterday's",
        "each of the six is found and named",
        (
            "contracts/test_audit_heads.py::test_each_of_the_six_is_found_and_named",
            "bot/test_history.py::test_the_bot_finds_it_by_itself_and_from_then_on_reads_only",
        ),
        (
            "contracts/test_audit_heads.py::test_a_verify_that_does_not_ask_for_the_heads_misses_three_of_the_six",
            "bot/test_history.py::test_a_bot_that_does_not_check_signatures_believes_whoever_owns_the_file",
        ),
    ),
    Row(
        "48",
        "another version of the graph takes over while requests are open",
        "0 lost, each done once, forwards and backwards",
        (
            "chaos/test_upgrades.py::test_what_waits_or_is_being_done_while_the_program_is_replaced_is_done_once",
            "chaos/test_upgrades.py::test_going_back_to_the_earlier_version_loses_nothing_either",
            "graphs/test_other_versions.py::test_what_waited_under_the_old_version_is_carried_out_by_this_one_once",
            "graphs/test_other_versions.py::test_what_the_old_version_had_asked_for_when_it_was_killed_waits_under_this_one",
        ),
        (
            "chaos/test_upgrades.py::test_twin_a_version_that_does_not_ask_who_began_a_run_drops_what_was_approved",
            "graphs/test_other_versions.py::test_twin_that_does_not_ask_for_the_version_drops_what_was_approved",
        ),
    ),
)
