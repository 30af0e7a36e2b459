"""A LangGraph checkpointer for Redis and Valkey that needs no modules and is fenced by leases.

See docs/checkpointer.md for what it promises, how it stores, and how another project takes it.
"""

from bot.adapters.redis.checkpointer.errors import FencedError
from bot.adapters.redis.checkpointer.opening import open_saver
from bot.adapters.redis.checkpointer.saver import FENCING_EPOCH, RedisSaver
from bot.adapters.redis.checkpointer.strict import StrictSerializer
from core.errors import CorruptCheckpointError

__all__ = ["FENCING_EPOCH", "CorruptCheckpointError", "FencedError", "RedisSaver", "StrictSerializer", "open_saver"]
