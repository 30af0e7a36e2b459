"""What a second judge says of a plan: it stands on the card and under the digest, and can ask for one more person."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_REASONS, LONGEST_REASON = 5, 300
Answer = Literal["agree", "disagree", "cannot tell"]


class Opinion(BaseModel):
    """`reasons` are untrusted words; `by` is the model's name, or `rules`. `able` is set where a disagreement asks for
    more people than there are: so many could sign at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Answer
    reasons: Annotated[tuple[Annotated[str, Field(max_length=LONGEST_REASON)], ...], Field(max_length=MOST_REASONS)]
    by: str
    able: int | None = None


def cannot_tell(why: str, by: str) -> Opinion:
    """Return the answer that changes nothing."""
    return Opinion(answer="cannot tell", reasons=(why[:LONGEST_REASON],), by=by)
