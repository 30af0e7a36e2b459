"""Who somebody is, as Slack's verified payload and directory say."""

from pydantic import BaseModel, ConfigDict

GUESTS_MAY_NOT = "Guests may not ask for changes."


class Person(BaseModel):
    """A Slack user as far as rights depend on it."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    is_bot: bool = False
    is_guest: bool = False
    is_outsider: bool = False
    is_deactivated: bool = False

    @property
    def may_decide(self) -> bool:
        """Only full, active, human members of this workspace may countersign."""
        return not (self.is_bot or self.is_guest or self.is_outsider or self.is_deactivated)
