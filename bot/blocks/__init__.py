"""Pure builders: domain objects in, lists of Block Kit dicts out. No I/O, no clock, no Slack client."""
