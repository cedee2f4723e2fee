from app.core.errors import Conflict, InvalidToken, Unauthorized, Unprocessable


class NoInvitation(Unauthorized):
    detail = "This invitation is not valid: send its token as Authorization: Bearer <token>."


class UnknownInvitation(InvalidToken):
    detail = NoInvitation.detail


class NotByInvitation(Conflict):
    code = "not_by_invitation"
    detail = (
        "This survey is open to everyone, so nobody is invited: send its responses without an invitation."
    )


class MailNotSetUp(Unprocessable):
    code = "mail_not_set_up"
    detail = (
        "Invitations cannot be mailed: set BETROKKEN_SMTP_URL or BETROKKEN_POSTMARK_TOKEN, and"
        " BETROKKEN_RESPOND_URL where BETROKKEN_PAGES is false; or leave send false."
    )


class TooFewAtOnce(Unprocessable):
    code = "too_few_at_once"
    detail = (
        "Too few people at once, which could show whose link is whose: invite at least as many people of a"
        " group together as the minimum group size, or let the service mail the links."
    )
