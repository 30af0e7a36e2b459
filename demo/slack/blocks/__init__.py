"""Block Kit as Slack checks it."""

from demo.slack.blocks.ids import assign_ids
from demo.slack.blocks.validate import check_blocks, check_view, text_length

__all__ = ["assign_ids", "check_blocks", "check_view", "text_length"]
