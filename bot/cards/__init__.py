"""The Slack messages that project rows: posted once, updated in place, found again after a crash."""

from bot.cards.slack_cards import SlackCards

__all__ = ["SlackCards"]
