"""usergroups.*: who is behind @sre."""

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.methods.registry import method
from demo.slack.objects import usergroup_json
from demo.slack.rates import TIER_2
from demo.slack.state import Json


@method("usergroups.list", TIER_2, "usergroups:read")
async def usergroups_list(call: Call) -> Json:
    """All groups; members with `include_users`."""
    groups = call.ws.state.usergroups.values()
    return {"usergroups": [usergroup_json(g, call.flag("include_users")) for g in groups]}


@method("usergroups.users.list", TIER_2, "usergroups:read")
async def usergroups_users_list(call: Call) -> Json:
    """Members of one group."""
    group = call.ws.state.usergroups.get(str(call.require("usergroup")))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group["users"])}
