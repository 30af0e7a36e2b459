"""Errors named by who must react to them: the user, the model, the retry policy or the operator."""


class WatchkeeperError(Exception):
    """Root of every error this project raises on purpose."""


class RefusedError(WatchkeeperError):
    """Shown to the user exactly as written; logged at INFO and audited."""


class NotAnApproverError(RefusedError):
    """The person is not in any group that may decide this request."""


class ClientMayNotError(RefusedError):
    """The system that asks was not given this right."""


class SelfApprovalError(RefusedError):
    """The person who caused the request may not countersign it."""


class AlreadyVotedError(RefusedError):
    """One person counts once."""


class AlreadyDecidedError(RefusedError):
    """The request left `pending` before this vote could count."""


class ApprovalExpiredError(RefusedError):
    """The decide-by or execute-by clock has run out."""


class StaleApprovalError(RefusedError):
    """What would run is no longer what was approved (digest or precondition differ)."""


class TamperedError(RefusedError):
    """The stored request was changed by somebody else than us."""


class ConfirmationError(RefusedError):
    """The targets' names were not typed, or not exactly, where an approval asks for them."""


class PolicyDeniedError(RefusedError):
    """No policy rule allows this call, or one denies it."""


class FrozenError(RefusedError):
    """The freeze switch is on: no effects at all."""


class UnfitError(RefusedError):
    """The self-check is red: nothing may be changed until it is green again."""


class ToolError(WatchkeeperError):
    """Becomes a ToolResult with status failed, refused or no_data for the model; logged at WARNING."""


class ToolTimeoutError(ToolError):
    """The tool did not answer within its spec's timeout."""


class ToolArgumentsError(ToolError):
    """Unknown tool, or arguments that its model does not accept."""


class NoDataError(ToolError):
    """The source answered, but knows nothing of what was asked."""


class GrantMissingError(ToolError):
    """A tool above `read` was called without a valid grant."""


class TransientError(WatchkeeperError):
    """Worth another try with backoff; an operator is told when tries run out."""


class QueueFullError(TransientError):
    """There is room for what is under way, and none for more."""


class CorruptCheckpointError(WatchkeeperError):
    """What is stored of a paused run cannot be trusted or read: it is not loaded, not guessed at and not tried again; a
    human is told once, by whoever ends the run."""


class NeedsHumanError(WatchkeeperError):
    """This job is over, and a human has been told already: nothing is said or tried again."""


class ConfigurationError(WatchkeeperError):
    """Found at start-up only; the message names the field and how to mend it; exit status 2."""
