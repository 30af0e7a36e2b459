"""Events that Slack tells us of."""
