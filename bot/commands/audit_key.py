"""`audit key`: the public key, to be kept by those who will want to verify without the bot's help."""

from argparse import Namespace

from bot.adapters.audit_key import load_key, public_text
from bot.settings import Settings


def run(settings: Settings, options: Namespace) -> int:
    """Print the key and the name that the heads call it by."""
    key = load_key(settings.audit_key_file)
    print(f"{public_text(key.public)} (key {key.key_id})", flush=True)
    return 0
