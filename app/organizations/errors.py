from app.core.errors import Conflict, NotFound, Unprocessable


class MinimumGroupSizeLocked(Conflict):
    code = "minimum_group_size_locked"
    detail = (
        "Respondents were promised a larger minimum: below 5 is possible only before a first survey opens."
    )


class NarrowedTwice(Unprocessable):
    code = "narrowed_twice"
    detail = (
        "A key is limited to the teams it names, or to those a person leads: send teams or person, not both."
    )


class UnknownTeam(Unprocessable):
    code = "unknown_team"
    detail = "There is no team with this identifier: check it, or create the team first."


class UnknownOrganization(NotFound):
    code = "unknown_organization"
