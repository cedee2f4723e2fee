"""What can go wrong with teams, named."""

from app.core.errors import Conflict, Unprocessable
from app.people.teams import rules


class UnknownParent(Unprocessable):
    code = "unknown_parent"
    detail = "There is no team with this identifier: create it first, or in the same batch."


class TeamCycle(Unprocessable):
    code = "team_cycle"
    detail = "With this parent the team would be below itself: send another parent."


class TeamTooDeep(Unprocessable):
    code = "team_too_deep"
    detail = (
        f"With this parent the tree would have more than {rules.MAXIMUM_LEVELS} levels: send another parent."
    )


class TeamInUse(Conflict):
    code = "team_in_use"
    detail = "This team still has people or teams in it: move them first."
