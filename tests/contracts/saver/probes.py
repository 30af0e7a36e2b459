"""The probes by name, each with a saver that fails it and the words in which it is caught.

The conformance suite sees none of these. Where a published saver that plain Redis can serve fails one, that is its
twin; else the twin is ours with the very thing taken out that the probe is about."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.contracts.saver import checks_of_runs as runs
from tests.contracts.saver import checks_of_storage as storage
from tests.contracts.saver import savers
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import Opener

Check = Callable[[Opener, Ground], Awaitable[None]]


@dataclass(frozen=True)
class Probe:
    """A check that `saver` passes, and twins that it catches: each a saver and a pattern of what it is caught in."""

    check: Check
    twins: dict[str, tuple[Opener, str]]
    saver: Opener = savers.ours
    kills: bool = False
    """Whether the check needs servers of its own."""

    @property
    def name(self) -> str:
        """Return the check's name."""
        return self.check.__name__


PROBES = (
    Probe(
        runs.an_old_approval_opens_no_other_gate,
        {"keeps_old_answers": (savers.keeps_old_answers, "nobody approved .'drop database'")},
    ),
    Probe(
        runs.a_crash_approves_nothing,
        {"keeps_old_answers": (savers.keeps_old_answers, "nobody approved .'drop database'")},
    ),
    Probe(runs.another_process_goes_on, {"memory": (savers.memory, "the question is gone")}),
    Probe(
        runs.answers_find_their_own_questions,
        {"mixes_tasks": (savers.mixes_tasks, "is gone")},
    ),
    Probe(
        runs.a_gate_within_a_graph_within_a_graph_resumes,
        {"root_only": (savers.root_only, "ran .'outer', 'before', 'before'")},
    ),
    Probe(
        runs.a_finished_sibling_is_not_run_again,
        {"drops_finished": (savers.drops_finished, "a finished node ran again")},
    ),
    Probe(runs.forty_nodes_write_at_once, {"valkey": (savers.valkey, "Too many connections")}),
    Probe(
        runs.a_delta_channel_reads_as_it_ran,
        {"valkey": (savers.valkey, "ran as"), "plainredis": (savers.plainredis, "ran as")},
    ),
    Probe(
        runs.a_late_retry_changes_nothing,
        {"valkey": (savers.valkey, "changed the thread"), "plainredis": (savers.plainredis, "changed the thread")},
    ),
    Probe(
        runs.a_stale_holder_is_refused,
        {"valkey": (savers.valkey, "a stale holder"), "plainredis": (savers.plainredis, "a stale holder")},
    ),
    Probe(
        storage.an_outage_is_no_empty_thread,
        {"valkey": (savers.valkey, "an outage reads as None")},
        kills=True,
    ),
    Probe(
        storage.pending_writes_come_in_their_order,
        {"valkey": (savers.valkey, "read as"), "plainredis": (savers.plainredis, "read as")},
    ),
    Probe(
        storage.the_roots_history_is_the_roots,
        {"lists_all_namespaces": (savers.lists_all_namespaces, "listed .*inner:")},
    ),
    Probe(
        storage.what_does_not_change_lives_on,
        {"plainredis": (savers.plainredis, "read as .'count': 4.$")},
    ),
    Probe(
        storage.a_question_outlives_what_nobody_waits_for,
        {"valkey": (savers.valkey, "the question is gone"), "plainredis": (savers.plainredis, "the question is gone")},
    ),
    Probe(
        storage.everything_runs_out,
        {"plainredis": (savers.plainredis, "kept for ever: .b'lg:seq', b'lg:threads'")},
    ),
    Probe(
        storage.deleting_leaves_nothing_of_an_awkward_id,
        {"valkey": (savers.valkey, "left of 'T1:C1:1699.0001'")},
    ),
    Probe(
        storage.deleting_leaves_the_others,
        {"valkey": (savers.valkey, r"stxr went with st\*r")},
    ),
    Probe(
        storage.an_encrypting_serializer_is_obeyed,
        {"as_text": (savers.as_text, "UnicodeDecodeError")},
    ),
    Probe(
        storage.nothing_encrypted_serves_another_thread,
        {
            "ours_without_a_key": (savers.ours, "another thread reads .'topic': 'the secret"),
            "valkey": (savers.valkey, "another thread reads .'topic': 'the secret"),
            "plainredis": (savers.plainredis, "another thread reads .'topic': 'the secret"),
        },
        saver=savers.ours_encrypted,
    ),
    Probe(storage.values_come_back_as_they_were, {"as_json": (savers.as_json, "read as")}),
)
