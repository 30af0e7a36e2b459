"""The queue, the leases and the checkpoints: rebuildable, while SQL is not."""
