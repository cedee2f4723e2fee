from app.core.errors import Conflict, Unprocessable


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
    detail = "The questionnaire has no such question: take one of those that it lists."


class OffScale(Unprocessable):
    code = "off_scale"


class UnknownOption(Unprocessable):
    code = "unknown_option"


class InvalidText(Unprocessable):
    code = "invalid_value"


class AnswerRequired(Unprocessable):
    code = "answer_required"
    detail = "This question has to be answered: send an answer, or null for don't know."


class NoAnswers(Unprocessable):
    code = "no_answers"
    detail = "No question is answered: send answers; null says that a question does not apply."


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
    detail = "This invitation has been used. If answers were sent with it, they are stored."


class InvitationReplaced(Conflict):
    code = "invitation_replaced"
    detail = (
        "A newer invitation has taken the place of this one, and nothing more is stored with this one:"
        " send the answers with the newest."
    )
