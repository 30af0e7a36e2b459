"""The queue, the leases and the checkpoints.

The queue is as precious as SQL: what it took was acknowledged to its sender, and is nowhere else until it has been
handled. Leases and heartbeats may be lost; a lost checkpoint ends an investigation or a gate that waits."""
