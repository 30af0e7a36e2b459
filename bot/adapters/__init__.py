"""Effects on our own systems: each implements a port of the core and imports nothing else of ours."""
