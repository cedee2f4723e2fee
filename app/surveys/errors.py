from app.core.errors import Conflict, Unprocessable


class OpenNeedsAnonymous(Unprocessable):
    code = "open_needs_anonymous"
    detail = "Open access is possible for anonymous surveys only: send mode anonymous, or access invited."


class RollingNeedsIdentity(Unprocessable):
    code = "rolling_needs_identity"
    detail = (
        "An anonymous survey has results only after it closes: send release_policy on_close, or another mode."
    )


class ChangesNotPossible(Unprocessable):
    code = "changes_not_possible"
    detail = (
        "Answers can be changed only where they bear a person or a code, and nothing is released before the"
        " survey closes: send another mode and release_policy on_close, or leave allow_changes false."
    )


class BelowOrganizationMinimum(Unprocessable):
    code = "below_organization_minimum"
    detail = "The minimum group size is below the organisation's: send that number or more."


class ClosesBeforeOpens(Unprocessable):
    code = "closes_before_opens"
    detail = "The survey would close before it opens: send a later closes_at."


class InThePast(Unprocessable):
    code = "in_the_past"
    detail = "A survey opens and closes by itself at a time to come: to do so now, use its /open or /close."


class SurveyIdTaken(Conflict):
    code = "external_id_conflict"
    detail = "Another survey has this external_id: send another one, or change that survey."


class AudienceTooSmall(Unprocessable):
    code = "audience_too_small"
    detail = (
        "Fewer people would be asked than the minimum group size, so little would be hidden:"
        " widen the audience."
    )


class SurveyLocked(Conflict):
    code = "survey_locked"
    detail = (
        "This cannot be changed any more: an open survey takes name and a later closes_at,"
        " a released one name and archived."
    )


class InvalidTransition(Conflict):
    code = "invalid_transition"
    detail = (
        "A survey goes from draft to open to closed to released, and not back; a draft or an open one can be"
        " cancelled: create a new survey instead."
    )


class SurveyNotOpen(Conflict):
    code = "survey_not_open"
    detail = "The survey is not open, so it accepts no responses: check opens_at and closes_at."


class SurveyCancelled(SurveyNotOpen):
    code = "survey_cancelled"
    detail = "This survey was withdrawn: it asks nothing any more, and what was answered is destroyed."
