"""One file a step; each says what it adds and imports nothing of ours."""
