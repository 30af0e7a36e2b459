"""Slack-shaped JSON of users, channels, bots and files."""

import time

from demo.slack.state import TEAM_DOMAIN, TEAM_ID, TEAM_NAME, App, Channel, File, Json, Session, State, User

_UPDATED = 1_700_000_000
_KINDS = {
    "png": ("image/png", "PNG"),
    "jpg": ("image/jpeg", "JPEG"),
    "gif": ("image/gif", "GIF"),
    "svg": ("image/svg+xml", "SVG"),
    "csv": ("text/csv", "CSV"),
    "json": ("application/json", "JSON"),
    "md": ("text/markdown", "Markdown"),
    "html": ("text/html", "HTML"),
    "pdf": ("application/pdf", "PDF"),
    "log": ("text/plain", "Plain Text"),
    "txt": ("text/plain", "Plain Text"),
}


def icons(name: str) -> Json:
    """Icon addresses of a bot (nothing is served there)."""
    return {f"image_{size}": f"https://watchkeeper.example/{name}_{size}.png" for size in (36, 48, 72)}


def team_json() -> Json:
    """team.info's team."""
    return {
        "id": TEAM_ID,
        "name": TEAM_NAME,
        "domain": TEAM_DOMAIN,
        "url": f"https://{TEAM_DOMAIN}.slack.example/",
        "email_domain": "watchkeeper.example",
        "icon": {"image_default": True},
        "is_verified": False,
    }


def profile_json(user: User) -> Json:
    """users.profile.get's profile."""
    first, _, last = user.real_name.partition(" ")
    profile: Json = {
        "title": user.title,
        "phone": "",
        "skype": "",
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": user.color,
        "first_name": first,
        "last_name": last,
        "team": TEAM_ID,
        **{f"image_{size}": f"https://watchkeeper.example/{user.id}_{size}.png" for size in (24, 32, 48, 72, 192)},
    }
    if user.is_bot:
        profile |= {"api_app_id": user.app_id, "bot_id": user.bot_id, "always_active": True}
    else:
        profile["email"] = user.email
    return profile


def user_json(user: User) -> Json:
    """users.info's user."""
    return {
        "id": user.id,
        "team_id": TEAM_ID,
        "name": user.name,
        "deleted": False,
        "color": user.color,
        "real_name": user.real_name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile_json(user),
        "is_admin": user.id == "U0ALICE",
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": _UPDATED,
        "is_email_confirmed": not user.is_bot,
        "who_can_share_contact_card": "EVERYONE",
    }


def channel_json(channel: Channel, viewer: str, counted: bool = False) -> Json:
    """conversations.info's channel as `viewer` sees it; `counted` adds num_members."""
    if channel.is_im:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_archived": False,
            "is_im": True,
            "is_org_shared": False,
            "user": channel.other_member(viewer),
            "context_team_id": TEAM_ID,
            "updated": channel.created * 1000,
        }
    result: Json = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_general": channel.id == "C0GENERAL",
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [TEAM_ID],
        "context_team_id": TEAM_ID,
        "creator": channel.creator,
        "is_member": viewer in channel.members,
        "topic": {"value": channel.topic, "creator": channel.creator, "last_set": channel.created},
        "purpose": {"value": channel.purpose, "creator": channel.creator, "last_set": channel.created},
        "previous_names": [],
        "updated": channel.created * 1000,
    }
    return result | ({"num_members": len(channel.members)} if counted else {})


def bot_profile(app: App) -> Json:
    """The profile that rides on every message of an app."""
    return {
        "id": app.bot_id,
        "deleted": False,
        "name": app.name,
        "updated": _UPDATED,
        "app_id": app.id,
        "icons": icons(app.id),
        "team_id": TEAM_ID,
    }


def bot_user_profile(user: User) -> Json:
    """The same for an integration that is no app of this workspace."""
    return {
        "id": user.bot_id,
        "deleted": False,
        "name": user.real_name,
        "updated": _UPDATED,
        "app_id": user.app_id,
        "icons": icons(user.id),
        "team_id": TEAM_ID,
    }


def bot_json(user: User) -> Json:
    """bots.info's bot."""
    return {
        "id": user.bot_id,
        "deleted": False,
        "name": user.real_name,
        "updated": _UPDATED,
        "app_id": user.app_id,
        "user_id": user.id,
        "icons": icons(user.id),
    }


def usergroup_json(group: Json, with_users: bool) -> Json:
    """usergroups.list's entry."""
    shown: Json = {
        "id": group["id"],
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group["name"],
        "description": "",
        "handle": group["handle"],
        "is_external": False,
        "date_create": _UPDATED,
        "date_update": _UPDATED,
        "date_delete": 0,
        "auto_provision": False,
        "created_by": "U0ALICE",
        "updated_by": "U0ALICE",
        "prefs": {"channels": [], "groups": []},
        "user_count": len(group["users"]),
    }
    return shown | ({"users": list(group["users"])} if with_users else {})


def file_json(file: File, base_url: str) -> Json:
    """files.info's file; addresses point at this server."""
    extension = file.name.rpartition(".")[2].lower()
    mimetype, pretty = _KINDS.get(extension, ("application/octet-stream", "Binary"))
    url = f"{base_url}/files/{file.id}/{file.name}"
    result: Json = {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": mimetype,
        "filetype": extension if extension in _KINDS else "binary",
        "pretty_type": pretty,
        "user": file.user_id,
        "user_team": TEAM_ID,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": url,
        "url_private_download": url,
        "permalink": url,
        "has_rich_preview": False,
        "file_access": "visible",
        "channels": [c for c, _ in file.shares if c.startswith("C")],
        "ims": [c for c, _ in file.shares if c.startswith("D")],
        "groups": [],
    }
    if mimetype.startswith("image/"):
        result["thumb_360"] = url
    return result | ({"alt_txt": file.alt_txt} if file.alt_txt else {})


def app_card(state: State, app: App, connected: bool) -> Json:
    """An app as the page's /control/state shows it."""
    return {
        "id": app.id,
        "name": app.name,
        "bot_user_id": app.bot_user_id,
        "connected": connected,
        "commands": [{k: c[k] for k in ("command", "description", "usage_hint")} for c in app.commands],
        "shortcuts": app.shortcuts,
        "home": app.home,
        "transport": "http" if app.request_url else "socket",
    }


def session_json(session: Session) -> Json:
    """A session and status line as the page shows them."""
    return {"status": session.status, "title": session.title, "loading": session.loading, "app_id": session.app_id}


def now_seconds() -> int:
    """Whole epoch seconds, for `created` fields."""
    return int(time.time())
