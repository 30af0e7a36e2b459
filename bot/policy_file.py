"""Reads the policy file; what cannot be read whole and made sense of stops the start."""

from datetime import timedelta
from pathlib import Path

from core.errors import ConfigurationError
from core.policy import Policy
from tools.operator_file import read_yaml

_SWEEP = timedelta(minutes=1)


def load_policy(path: Path, checkpoint_ttl: timedelta) -> Policy:
    """Return the validated policy; ConfigurationError in one line names the first fault.

    A graph that waits at its gate must be kept for longer than any request may wait.
    """
    raw, parsed = read_yaml(path, "POLICY_FILE")
    try:
        policy = Policy.parse(raw, parsed)
    except ConfigurationError as error:
        raise ConfigurationError(f"POLICY_FILE {path}: {str(error).removeprefix('policy file: ')}") from error
    if policy.longest_wait + _SWEEP >= checkpoint_ttl:
        raise ConfigurationError(
            f"CHECKPOINT_TTL_SECONDS is {checkpoint_ttl.total_seconds():g}, but by {path} a request may wait for "
            f"{policy.longest_wait.total_seconds():g} s: raise the first or lower the second"
        )
    return policy
