"""Block Kit as Slack checks it."""

from .ids import assign_ids
from .validate import check_blocks, check_view, text_length

__all__ = ["assign_ids", "check_blocks", "check_view", "text_length"]
