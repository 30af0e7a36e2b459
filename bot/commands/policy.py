"""`policy check`: is the policy file whole, and would a waiting graph outlive its longest wait."""

from argparse import Namespace

from bot.policy_file import load_policy
from bot.settings import Settings

NEEDS = ("files", "checkpoint")


def run(settings: Settings, _: Namespace) -> int:
    """Print one line about the file; ConfigurationError names its first fault."""
    policy = load_policy(settings.files.policy_file, settings.checkpoint.ttl_seconds)
    print(f"{settings.files.policy_file}: valid, sha256 {policy.sha256[:12]}, longest wait {policy.longest_wait}")
    return 0
