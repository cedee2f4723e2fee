"""What can go wrong with a survey, named."""

from app.core.errors import Conflict, Unauthorized, Unprocessable


class BuiltInQuestionnaire(Conflict):
    code = "built_in_questionnaire"
    detail = "The built-in questionnaire cannot be replaced: send your own under another key."


class UnknownQuestionnaire(Unprocessable):
    code = "unknown_questionnaire"
    detail = "There is no questionnaire with this key: create it first."


class OpenNeedsAnonymous(Unprocessable):
    code = "open_needs_anonymous"
    detail = "Open access is possible for anonymous surveys only: send mode anonymous, or access invited."


class RollingNeedsIdentity(Unprocessable):
    code = "rolling_needs_identity"
    detail = (
        "An anonymous survey has results only after it closes: send release_policy on_close, or another mode."
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


class ExternalIdConflict(Conflict):
    code = "external_id_conflict"
    detail = "Another survey has this external_id: send another one, or change that survey."


class SurveyLocked(Conflict):
    code = "survey_locked"
    detail = "The survey is no longer a draft: while it is open, only name and a later closes_at can be sent."


class InvalidTransition(Conflict):
    code = "invalid_transition"
    detail = (
        "A survey goes from draft to open to closed to released, and not back: create a new survey instead."
    )


class SurveyNotOpen(Conflict):
    code = "survey_not_open"
    detail = "The survey is not open, so it accepts no responses: check opens_at and closes_at."


class NoInvitation(Unauthorized):
    detail = "This invitation is not valid: send its token as Authorization: Bearer <token>."


class NotByInvitation(Conflict):
    code = "not_by_invitation"
    detail = (
        "This survey is open to everyone, so nobody is invited: send its responses without an invitation."
    )


class MailNotSetUp(Unprocessable):
    code = "mail_not_set_up"
    detail = "There is no mail server: set BETROKKEN_SMTP_URL and BETROKKEN_RESPOND_URL, or leave send false."


class TooFewAtOnce(Unprocessable):
    code = "too_few_at_once"
    detail = (
        "Too few people at once, which could show whose link is whose: invite at least as many people of a"
        " group together as the minimum group size, or let the service mail the links."
    )


class InvitationRequired(Conflict):
    code = "invitation_required"
    detail = "This anonymous survey needs an invitation: send the response to /v1/respond with its token."


class ModeHasNoReadableResponses(Conflict):
    code = "mode_has_no_readable_responses"
    detail = (
        "Single responses can be read only in a survey with mode attributed: read the group results instead."
    )


class UnknownQuestion(Unprocessable):
    code = "unknown_question"


class OffScale(Unprocessable):
    code = "off_scale"


class NotInvited(Unprocessable):
    code = "not_invited"
    detail = "This person was not invited when the survey opened: only invited people can respond."


class RespondentRequired(Unprocessable):
    code = "respondent_required"
    detail = "This survey accepts responses of invited people only: send respondent."


class RespondentNotAllowed(Unprocessable):
    code = "respondent_not_allowed"
    detail = "This survey is anonymous: leave respondent out."


class UnknownSegment(Unprocessable):
    code = "unknown_segment"
    detail = "The survey does not report by this segment: send only segments of report_by."


class NotInThisMode(Unprocessable):
    code = "not_in_this_mode"
    detail = "A survey with this mode does not accept this field: leave it out."


class AlreadyResponded(Conflict):
    code = "already_responded"
    detail = "This person has already responded: the first response counts, and this one is not stored."


class InvitationUsed(AlreadyResponded):
    detail = (
        "This invitation was used, or replaced by a newer one: use the newest."
        " Answers sent with it before are stored."
    )
