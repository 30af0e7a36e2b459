"""Faults of processes, of Redis and of whoever sends: what becomes of them, and which test shows it."""

from tests.chaos.matrix_row import Row

ROWS = (
    Row(
        "1",
        "kill -9 at each of 16 points, and at any write of the saver",
        "at most 1 effect, none without approval, one visible end each; the next effect within 8 s",
        (
            "chaos/test_kills_asked.py::test_a_kill_there_leaves_one_effect_and_one_end",
            "chaos/test_kills_decided.py::test_a_kill_there_leaves_one_effect_and_one_end",
            "chaos/test_kills_undone.py::test_a_kill_there_leaves_one_effect_and_one_end",
            "chaos/test_half_steps.py::test_whoever_comes_after_a_death_at_any_write_of_the_saver_finishes_the_run",
        ),
        (
            "chaos/test_crash_points.py::test_without_the_intent_row_a_kill_after_the_effect_is_a_second_effect",
            "chaos/test_crash_points.py::test_an_answer_before_the_durable_write_is_a_click_lost",
            "chaos/test_half_steps.py::"
            "test_a_runner_that_asks_only_for_the_next_step_forgets_a_run_whose_last_step_was_stored",
        ),
        "pytest -m slow -s tests/chaos/test_crash_points.py tests/chaos/test_recovery.py",
    ),
    Row(
        "2",
        "the same event four times",
        "1 run, each answered 200 within 0.5 s",
        (
            "chaos/test_repeats.py::test_an_event_that_comes_four_times_is_one_run_and_each_is_answered_at_once",
            "contracts/test_redeliveries.py::test_the_same_event_four_times_is_run_once_though_redis_forgot_it",
        ),
        (
            "chaos/test_repeats.py::test_without_de_duplication_the_same_deliveries_are_several_runs",
            "contracts/test_redeliveries.py::test_without_its_row_an_event_that_redis_forgot_is_run_again",
        ),
    ),
    Row(
        "3",
        "a retry is the only delivery",
        "1 run, not 0",
        ("chaos/test_repeats.py::test_a_retry_that_is_the_only_delivery_is_a_run",),
        ("chaos/test_repeats.py::test_a_bot_that_drops_retries_leaves_that_question_unanswered",),
    ),
    Row(
        "4",
        "ten clicks at once through two processes",
        "1 decision, the others hear by whom",
        (
            "chaos/test_races.py::test_the_same_click_ten_times_in_two_processes_is_one_decision",
            "chaos/test_races.py::test_ten_clicks_of_two_people_are_one_decision_and_the_others_hear_by_whom",
        ),
        ("chaos/test_races.py::test_a_decision_in_graph_state_is_won_by_both",),
        "pytest -m slow -s tests/chaos/test_races.py",
    ),
    Row(
        "5",
        "approve and reject in the same millisecond",
        "1 winner in each of 1,000 rounds, 0 contradictions, both in the history",
        ("chaos/test_races.py::test_approve_and_reject_in_the_same_millisecond_have_one_winner",),
        (
            "chaos/test_races.py::test_a_decision_in_graph_state_is_won_by_both",
            "contracts/test_claim_race.py::test_a_claim_that_looks_before_it_writes_has_two_winners",
        ),
        "pytest -m slow -s tests/chaos/test_races.py",
    ),
    Row(
        "6",
        "a click replayed after a restart and after the end",
        "0 further effects",
        ("chaos/test_repeats.py::test_a_click_that_is_replayed_after_a_restart_and_after_the_end_changes_nothing",),
        ("chaos/test_repeats.py::test_a_claim_that_does_not_look_decides_the_replayed_click_anew",),
    ),
    Row(
        "7",
        "Redis killed while events are acknowledged",
        "0 of 5,000 lost, back within 10 s",
        (
            "chaos/test_outages.py::test_a_redis_that_is_killed_while_we_acknowledge_loses_nothing",
            "contracts/test_embedded_kill.py::test_nothing_acknowledged_is_lost",
        ),
        (
            "chaos/test_outages.py::test_a_redis_without_its_file_loses_what_was_acknowledged",
            "contracts/test_embedded_kill.py::test_a_server_that_syncs_every_second_itself_loses_answers_it_gave",
        ),
        "pytest -m slow -s tests/chaos/test_outages.py tests/contracts/test_redeliveries.py",
    ),
    Row(
        "8",
        "Redis away for a minute",
        "503 at the edge within 3 s, no effect, all well afterwards",
        (
            "chaos/test_outages.py::test_while_redis_is_away_nothing_is_taken_nothing_runs_and_afterwards_all_works",
            "security/test_redis_gone.py::test_without_redis_nothing_is_acknowledged",
        ),
        ("security/test_redis_gone.py::test_a_web_role_that_errs_without_redis_would_be_caught",),
        "pytest -m slow -s tests/chaos/test_outages.py",
    ),
    Row(
        "9",
        "Redis empty, or a replica that was behind",
        "0 requests lost, 0 second effects",
        (
            "chaos/test_outages.py::test_a_redis_that_loses_everything_costs_no_request_and_no_second_effect",
            "chaos/test_outages.py::test_a_failover_to_a_replica_that_was_behind_costs_no_request_and_no_second_effect",
        ),
        ("chaos/test_outages.py::test_without_the_intent_row_a_lost_redis_is_a_second_effect",),
    ),
    Row(
        "10",
        "a Redis that forgets",
        "start refused in one line; found while running, reads only",
        (
            "security/test_refused_starts.py::test_a_redis_that_forgets_is_refused",
            "bot/test_reads_only.py::"
            "test_a_redis_that_forgets_is_told_on_readyz_and_on_every_open_card_until_it_is_mended",
        ),
        ("chaos/test_outages.py::test_a_redis_without_its_file_loses_what_was_acknowledged",),
    ),
    Row(
        "11",
        "Redis full",
        "503 for what is new, what was taken ends, 0 lost",
        ("contracts/test_pressure.py::test_a_full_redis_refuses_the_new_and_still_ends_what_it_took",),
        ("contracts/test_pressure.py::test_without_a_reserve_a_full_redis_ends_nothing",),
    ),
    Row(
        "22",
        "bodies that are too large, too deep, bombs, or full of labels",
        "400 or 413 within 100 ms and 50 MB",
        (
            "security/test_oversize.py::test_what_is_too_much_is_refused_within_100_ms_and_50_mb",
            "security/test_oversize.py::test_what_is_just_within_is_taken",
        ),
        ("security/test_oversize.py::test_without_the_limits_each_would_be_caught",),
    ),
    Row(
        "23",
        "forged, missing and odd signatures",
        "401 always, 500 never, in 10,000 odd requests",
        (
            "security/test_signatures.py::test_what_slack_did_not_sign_is_refused",
            "security/test_signatures.py::test_five_hundred_odd_requests_are_all_answered_401",
        ),
        (
            "security/test_signatures.py::test_a_verifier_that_believes_everybody_would_be_caught",
            "security/test_signatures.py::test_the_verifier_of_bolt_would_have_failed_on_an_odd_timestamp",
        ),
        "pytest -m slow -s tests/security/test_signatures.py",
    ),
    Row(
        "24",
        "a signed request replayed within five minutes",
        "200 and 0 new runs, in two processes",
        ("security/test_replays.py::test_a_replay_is_answered_200_and_taken_once_by_two_processes",),
        (
            "security/test_replays.py::test_a_queue_without_memory_would_take_every_replay",
            "security/test_replays.py::test_ids_alone_would_not_remember_it",
        ),
    ),
    Row(
        "25",
        "alerts with a wrong token, and odd JSON",
        "401; 0 answers of 5xx to 100,000 odd bodies",
        (
            "security/test_alert_senders.py::test_a_wrong_credential_is_answered_401_and_queues_nothing",
            "security/test_alert_senders.py::test_odd_bodies_are_never_answered_5xx",
        ),
        (
            "security/test_alert_senders.py::test_a_door_without_a_lock_would_be_caught",
            "security/test_alert_senders.py::test_a_parser_that_trusts_its_input_is_caught",
        ),
        "pytest -m slow -s tests/security/test_alert_senders.py",
    ),
    Row(
        "41",
        "crafted bytes and flipped bits in a checkpoint",
        "refused, nothing imported, the run ends in front of a human",
        (
            "security/test_crafted_checkpoints.py::test_crafted_bytes_run_nothing_and_end_the_run_in_front_of_a_human",
            "security/test_crafted_checkpoints.py::test_a_flipped_bit_is_refused_or_was_in_nothing_that_is_read",
        ),
        (
            "security/test_crafted_checkpoints.py::test_a_permissive_serializer_is_caught_by_the_same_bytes",
            "security/test_crafted_checkpoints.py::test_a_saver_that_finds_no_flipped_bit_is_caught",
        ),
    ),
    Row(
        "46",
        "an event that kills its worker",
        "dead letter after 3 deaths, the others done",
        ("contracts/test_poison.py::test_a_poison_is_given_up_after_three_deaths_and_the_innocent_are_done",),
        ("bot/test_delivery.py::test_if_suspects_run_side_by_side_the_innocent_are_given_up_too",),
    ),
    Row(
        "47",
        "a worker that sleeps past its lease",
        "the stale one is refused, at most 1 effect",
        (
            "chaos/test_pauses.py::test_a_worker_that_sleeps_during_the_call_is_overtaken_and_runs_nothing_again",
            "contracts/test_stopped_worker.py::test_the_stale_worker_is_refused_on_its_next_write",
        ),
        (
            "chaos/test_pauses.py::test_without_the_intent_row_the_one_that_takes_over_acts_again",
            "contracts/test_stopped_worker.py::test_without_the_epoch_the_stale_worker_overwrites_the_state",
        ),
    ),
    Row(
        "order",
        "two messages at once on one thread",
        "0 of 200 forgotten (stock langgraph: one of each two)",
        (
            "chaos/test_two_messages.py::test_two_messages_at_once_are_both_remembered",
            "contracts/test_two_workers.py::"
            "test_of_two_messages_at_once_on_one_thread_none_is_lost_in_a_hundred_rounds",
        ),
        (
            "chaos/test_two_messages.py::test_without_a_lease_a_thread_forgets_one_of_the_two",
            "contracts/test_two_workers.py::test_without_turns_two_workers_run_one_key_at_once",
        ),
        "pytest -m slow -s tests/chaos/test_two_messages.py",
    ),
    Row(
        "all",
        "whatever comes together: seeded schedules over several workers",
        "seven invariants in each of 300 schedules (20,000 by the command)",
        (
            "chaos/test_schedules.py::test_twenty_schedules_keep_every_promise",
            "chaos/test_schedules_second.py::test_twenty_of_the_second_hundred_keep_every_promise",
            "chaos/test_schedules_third.py::test_twenty_of_the_third_hundred_keep_every_promise",
        ),
        (
            "chaos/test_twins.py::test_a_missing_protection_is_caught",
            "chaos/test_checker.py::test_one_fault_is_found_by_the_invariant_it_breaks",
        ),
        "python -m tests.chaos.schedules --count 20000 --seed 1",
    ),
)
