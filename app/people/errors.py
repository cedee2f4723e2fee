"""What can go wrong with people and teams, named."""

from app.core.errors import Conflict, Unprocessable
from app.people import rules


class UnknownParent(Unprocessable):
    code = "unknown_parent"
    detail = "There is no team of this identifier: put it first, or in the same batch."


class TeamCycle(Unprocessable):
    code = "team_cycle"
    detail = "With this parent the team would be below itself."


class TeamTooDeep(Unprocessable):
    code = "team_too_deep"
    detail = f"With this parent the tree would have more than {rules.MAXIMUM_LEVELS} levels."


class TeamInUse(Conflict):
    code = "team_in_use"
    detail = "There are people in this team or teams below it: move them first."


class UnknownTeam(Unprocessable):
    code = "unknown_team"
    detail = "There is no team with this identifier."


class OwnManager(Unprocessable):
    code = "own_manager"
    detail = "Nobody manages themselves: name another person, or null."


class EffectiveInFuture(Unprocessable):
    code = "effective_in_future"
    detail = "A change is effective today or on an earlier day: send it when its day has come."


class PersonIdTaken(Conflict):
    code = "external_id_conflict"
    detail = "Another person has this identifier."


class EndsBeforeStarts(Unprocessable):
    code = "ends_before_starts"
    detail = "The last day employed is before the first."


class PersonInUse(Conflict):
    code = "person_in_use"
    detail = "Surveys, answers or recognition events refer to this person: send ends_on for a leaver."


class PersonErased(Conflict):
    code = "person_erased"
    detail = (
        "This person was erased. Whoever is on file again with consent is let in by DELETE .../erasure first."
    )
