"""The secret that signs links to the timeline page: given, or made once and kept in the data folder."""

import os
import secrets
from contextlib import suppress

from bot.settings import Settings
from core.errors import ConfigurationError


def link_secret(settings: Settings) -> str:
    """Return WEB_LINK_SECRET, or the one in DATA_DIR, which is made on first use and readable by its owner alone."""
    if given := settings.web.link_secret.get_secret_value():
        return given
    path = settings.files.data_dir / "link-secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Written aside and linked into place, so that of two processes both read the same whole secret.
            draft = path.with_name(f"link-secret.{os.getpid()}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR {settings.files.data_dir} cannot be used ({error.strerror})") from error


def known_link_secret(settings: Settings) -> str:
    """Return it without making one; an empty text where there is none yet."""
    with suppress(FileNotFoundError):
        return (
            settings.web.link_secret.get_secret_value() or (settings.files.data_dir / "link-secret").read_text().strip()
        )
    return ""
