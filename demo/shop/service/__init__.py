"""One shop service: a small HTTP server with real metrics, logs, limits and weaknesses."""
