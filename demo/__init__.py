"""A local Slack workspace and a small patient to practise on; imports nothing of the product."""
