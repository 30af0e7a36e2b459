"""The command line: `python -m bot run | doctor | tools | policy | migrate | dead | audit`."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.settings import Settings
from core.audit_chain import Head
from core.errors import ConfigurationError

CONFIGURATION_FAULT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 done, 1 failed, 2 the configuration is wrong (each fault in a line of its own on stderr)."""
    options = _parser().parse_args(arguments)
    # By name, so that the web role imports nothing that only other verbs need.
    verb = importlib.import_module(f"bot.commands.{options.verb}")
    try:
        return verb.run(Settings.load(options.env_file, verb.NEEDS), options)
    except ConfigurationError as error:
        for line in str(error).splitlines():
            print(f"watchkeeper: {line}", file=sys.stderr)
        return CONFIGURATION_FAULT
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Watchkeeper, an on-call engineer in Slack")
    parser.add_argument(
        "--env-file", type=Path, default=Path(".env"), metavar="FILE", help="read beneath the environment (.env)"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    run = verbs.add_parser("run", help="run the bot (or one role of it, where a Redis is given)")
    run.add_argument("--role", choices=("web", "worker"), help="one role in this process; without it, both as children")
    verbs.add_parser("doctor", help="look at everything the bot leans on; exit status 1 when something fails")
    verbs.add_parser("tools", help="list the tools with their risk")
    _add_policy(verbs.add_parser("policy", help="check the policy, explain it, test it"))
    verbs.add_parser("migrate", help="bring the SQL schema up to date")
    dead = verbs.add_parser("dead", help="list the events that were given up, or decide about one")
    dead.add_argument("act", choices=("list", "retry", "discard"))
    dead.add_argument("id", nargs="?", metavar="ID", help="a letter's id, as `dead list` shows it")
    _add_audit(verbs.add_parser("audit", help="check that the history is as it was written, or hand it out"))
    return parser


def _add_audit(audit: argparse.ArgumentParser) -> None:
    acts = audit.add_subparsers(dest="act", required=True, metavar="ACT")
    verify = acts.add_parser("verify", help="look at every row, and at every signed head; exit status 1 for a fault")
    verify.add_argument("--expect", type=_head, metavar="SEQ:HASH", help="a head that an earlier check has printed")
    verify.add_argument("--heads", type=Path, metavar="FILE", help="signed heads, or lines copied from the channel")
    verify.add_argument("--key", action="append", metavar="PUBLIC", help="a public key, as `audit key` prints it")
    acts.add_parser("key", help="print the public key that the heads are signed with")
    export = acts.add_parser("export", help="write down everything about each approval")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    for bound, words in (("--since", "asked at that time or later"), ("--until", "asked before that time")):
        export.add_argument(bound, type=_moment, metavar="TIME", help=f"only what was {words} (ISO 8601, else UTC)")
    export.add_argument("--incident", metavar="ID", help="only what belongs to that incident")
    export.add_argument("--out", type=Path, metavar="FILE", help="a new file; without it, standard output")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a time is written 2026-11-22 or 2026-11-22T09:00:00+01:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _add_policy(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    checked = acts.add_parser("check", help="is the file whole, and would a waiting graph outlive its longest wait")
    checked.add_argument("file", nargs="?", type=Path, help="instead of POLICY_FILE, e.g. before it takes that place")
    shown = acts.add_parser("explain", help="which rule decides on a call, and who could approve it")
    shown.add_argument("tool", help="a tool's name, e.g. restart_service")
    shown.add_argument("args", nargs="*", metavar="name=value", help="its arguments; values are JSON, or else text")
    shown.add_argument("--requester", default="alert", metavar="USER", help="Slack user id of whoever asks (an alert)")
    shown.add_argument("--group", action="append", default=[], help="a group of the policy that the requester is in")
    shown.add_argument("--env", help="instead of the catalogue's")
    shown.add_argument("--service", help="instead of the argument of that name")
    risks = ("read", "reversible", "disruptive", "destructive")
    shown.add_argument("--risk", choices=risks, help="instead of the tool's")
    tested = acts.add_parser("test", help="compare with a table of expectations; exit status 1 when one is missed")
    tested.add_argument("file", nargs="?", type=Path, help="the table (policy.tests.yaml beside the policy file)")


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
