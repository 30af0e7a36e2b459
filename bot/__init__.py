"""The edge: Slack, HTTP, processes, and the only place that knows SQL, Redis and the environment."""
