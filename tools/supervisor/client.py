"""The supervisor's HTTP API as four reads, one change and one look back."""

from collections.abc import Mapping
from typing import NoReturn

import httpx
from pydantic import JsonValue

from core.errors import NoDataError, StaleApprovalError, ToolArgumentsError, ToolError
from tools.fetch import Answer, fetch
from tools.secrets import SecretFilter
from tools.spec import OutcomeUnknownError, Preview, Stamp

Json = dict[str, JsonValue]


class SupervisorClient:
    """Talks to one supervisor; the token goes with changes and dry runs only."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str, secrets: SecretFilter) -> None:
        self._http = http
        self._url = url
        self.secrets = secrets
        self._headers = {"Authorization": f"Bearer {token}"}

    async def service(self, name: str) -> Json:
        """Return the service's present state."""
        return await self._get(f"/services/{name}")

    async def deploys(self, name: str) -> list[JsonValue]:
        """Return the deploys, newest first."""
        return _list(await self._get(f"/services/{name}/deploys"), "deploys")

    async def config_changes(self, name: str) -> list[JsonValue]:
        """Return the configuration's changes, newest first."""
        return _list(await self._get(f"/services/{name}/config"), "history")

    async def dry_run(self, name: str, operation: str, args: Json) -> Preview:
        """Ask what a change would do; ToolArgumentsError when the supervisor does not accept the arguments."""
        answer = await self._post(name, operation, {**args, "dry_run": True}, timeout=5.0)
        if answer.status != 200:
            _refused(answer)
        body = _object(answer)
        before, after = body.get("before"), body.get("after")
        version, diff = body.get("resource_version"), body.get("diff")
        if not isinstance(before, dict) or not isinstance(after, dict) or not isinstance(diff, str):
            raise ToolError("the supervisor's dry run has no before, after or diff")
        if not isinstance(version, int) or isinstance(version, bool) or body.get("dry_run") is not True:
            raise ToolError("the supervisor's dry run has no resource version")
        return Preview(before=before, after=after, diff=diff, resource_version=version)

    async def act(self, name: str, operation: str, args: Json, stamp: Stamp, timeout: float) -> Json:
        """Carry the change out and return the supervisor's row of it.

        ToolError: nothing was changed. StaleApprovalError: nothing was changed, because the service has moved on.
        OutcomeUnknownError or ToolTimeoutError: it may have been changed.
        """
        body: Json = {
            **args,
            "action_id": stamp.action_id,
            "resource_version": stamp.precondition["resource_version"],
            "by": stamp.by,
            "dry_run": False,
        }
        answer = await self._post(name, operation, body, timeout=timeout)
        if answer.status == 409:
            raise StaleApprovalError(f"{name} has changed since the request was made")
        if 300 <= answer.status < 500:
            _refused(answer)
        if answer.status != 200:
            raise OutcomeUnknownError(f"the supervisor answered {answer.status} to {operation}")
        try:
            row = _object(answer)
        except ToolError as error:
            raise OutcomeUnknownError(str(error)) from error
        if row.get("action_id") != stamp.action_id or row.get("status") != "done":
            raise OutcomeUnknownError(f"the supervisor's answer to {operation} is not about this action")
        return row

    async def action(self, action_id: str) -> Json | None:
        """Return the supervisor's row of an action, or None when it knows of none."""
        answer = await self._fetch("GET", f"/actions/{action_id}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ToolError(f"the supervisor answered {answer.status} when asked for {action_id}")
        return _object(answer)

    async def _get(self, path: str) -> Json:
        answer = await self._fetch("GET", path)
        if answer.status == 404:
            raise NoDataError(f"the supervisor does not know {path.split('/')[2]}")
        if answer.status != 200:
            raise ToolError(f"the supervisor answered {answer.status}")
        return _object(answer)

    async def _post(self, name: str, operation: str, body: Json, timeout: float) -> Answer:
        path = f"/services/{name}/{operation}"
        return await self._fetch("POST", path, headers=self._headers, json_body=body, timeout=timeout)

    async def _fetch(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: JsonValue = None,
        timeout: float = 5.0,
    ) -> Answer:
        url = f"{self._url}{path}"
        return await fetch(self._http, method, url, headers=headers, json_body=json_body, timeout=timeout)


def _refused(answer: Answer) -> NoReturn:
    try:
        body = answer.json()
    except ValueError:
        body = None
    reason = str(body.get("detail") or body.get("error") or "") if isinstance(body, dict) else ""
    if answer.status == 401:
        raise ToolError("the supervisor does not accept our token; nothing was changed")
    if answer.status in (404, 422):
        raise ToolArgumentsError(f"The supervisor refuses: {reason[:5000] or answer.status}; nothing was changed.")
    raise ToolError(f"the supervisor answered {answer.status} ({reason[:5000] or 'no reason given'})")


def _object(answer: Answer) -> Json:
    try:
        body = answer.json()
    except ValueError as error:
        raise ToolError(f"the supervisor answered {answer.status} with something that is not JSON") from error
    if not isinstance(body, dict):
        raise ToolError("the supervisor answered with something that is no object")
    return body


def _list(body: Json, name: str) -> list[JsonValue]:
    found = body.get(name)
    if not isinstance(found, list):
        raise ToolError(f"the supervisor answered without {name}")
    return found
