"""What can go wrong with a survey, named."""

from app.core.errors import Conflict, Unauthorized, Unprocessable


class BuiltInQuestionnaire(Conflict):
    code = "built_in_questionnaire"
    detail = "The built-in questionnaire cannot be replaced: put your own under another key."


class UnknownQuestionnaire(Unprocessable):
    code = "unknown_questionnaire"
    detail = "There is no questionnaire under this key: put it first."


class OpenNeedsAnonymous(Unprocessable):
    code = "open_needs_anonymous"
    detail = "Access open goes with mode anonymous only."


class RollingNeedsIdentity(Unprocessable):
    code = "rolling_needs_identity"
    detail = (
        "Rolling releases need to know which responses they took: an anonymous survey is released on closing."
    )


class BelowOrganizationMinimum(Unprocessable):
    code = "below_organization_minimum"
    detail = "The minimum group size is at least the organisation's."


class ClosesBeforeOpens(Unprocessable):
    code = "closes_before_opens"
    detail = "A survey closes after it opens."


class ExternalIdConflict(Conflict):
    code = "external_id_conflict"
    detail = "Another survey has this external_id."


class SurveyLocked(Conflict):
    code = "survey_locked"
    detail = "The survey is not a draft any more; an open one takes name and a later closes_at."


class InvalidTransition(Conflict):
    code = "invalid_transition"
    detail = "A survey goes from draft to open to closed to released, and not back."


class SurveyNotOpen(Conflict):
    code = "survey_not_open"
    detail = "The survey takes responses only while it is open."


class NoInvitation(Unauthorized):
    detail = "Send a genuine invitation token as Authorization: Bearer <token>."


class NotByInvitation(Conflict):
    code = "not_by_invitation"
    detail = "This survey is open to whoever comes: there is nobody to invite."


class MailNotSetUp(Unprocessable):
    code = "mail_not_set_up"
    detail = "There is no mail server: set BETROKKEN_SMTP_URL and BETROKKEN_RESPOND_URL, or leave send false."


class TooFewAtOnce(Unprocessable):
    code = "too_few_at_once"
    detail = (
        "Tokens of an anonymous survey are given for at least as many people of a cell at once as its minimum"
        " group size: fewer would tell whose token is whose. Ask for more of them, or have them mailed."
    )


class InvitationRequired(Conflict):
    code = "invitation_required"
    detail = "This anonymous survey takes responses through /v1/respond only, with an invitation."


class ModeHasNoReadableResponses(Conflict):
    code = "mode_has_no_readable_responses"
    detail = "Single responses can be read in attributed mode only."


class UnknownQuestion(Unprocessable):
    code = "unknown_question"


class OffScale(Unprocessable):
    code = "off_scale"


class NotInvited(Unprocessable):
    code = "not_invited"
    detail = "This person was not invited when the survey opened."


class RespondentRequired(Unprocessable):
    code = "respondent_required"
    detail = "This survey takes responses of invited persons: name the respondent."


class RespondentNotAllowed(Unprocessable):
    code = "respondent_not_allowed"
    detail = "This survey is anonymous: a response names nobody."


class UnknownSegment(Unprocessable):
    code = "unknown_segment"
    detail = "The survey does not report by this segment: send those of report_by only."


class NotInThisMode(Unprocessable):
    code = "not_in_this_mode"
    detail = "This survey's mode does not take it: leave it out."


class AlreadyResponded(Conflict):
    code = "already_responded"
    detail = "This person has responded already; the first response counts."


class InvitationUsed(AlreadyResponded):
    detail = (
        "This invitation was used, or a newer one took its place. Answers sent with it before are stored."
    )
