"""Refusals as RFC 9457 problems: the status tells machines who must change something, the sentence tells people."""

from http import HTTPStatus

from bot.api_models import ApiAnswer, ProblemAnswer
from core import errors

_STATUSES: dict[type[errors.WatchkeeperError], int] = {
    errors.NotAnApproverError: 403,
    errors.SelfApprovalError: 403,
    errors.ClientMayNotError: 403,
    errors.PolicyDeniedError: 403,
    errors.NoDataError: 404,
    errors.AlreadyVotedError: 409,
    errors.AlreadyDecidedError: 409,
    errors.ApprovalExpiredError: 409,
    errors.StaleApprovalError: 409,
    errors.FrozenError: 409,
    errors.ConfirmationError: 422,
    errors.ToolArgumentsError: 422,
    errors.UnfitError: 503,
}


def problem(status: int, word: str, detail: str) -> ProblemAnswer:
    """Return the problem; `word` names it for machines."""
    return ProblemAnswer(type=f"urn:watchkeeper:{word}", title=HTTPStatus(status).phrase, status=status, detail=detail)


def refusal_answer(error: errors.WatchkeeperError) -> ApiAnswer:
    """Return what the caller reads for a refusal of ours."""
    status = next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), 422)
    word = type(error).__name__.removesuffix("Error")
    kebab = "".join(f"-{char.lower()}" if char.isupper() else char for char in word).lstrip("-")
    return ApiAnswer(status=status, body=problem(status, kebab, str(error)).model_dump())
