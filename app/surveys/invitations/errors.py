from app.core.errors import Conflict, InvalidToken, Unauthorized, Unprocessable
from app.core.settings import A_WAY_OF_MAIL


class NoInvitation(Unauthorized):
    detail = "This invitation is not valid: send its token as Authorization: Bearer <token>."


class UnknownInvitation(InvalidToken):
    detail = NoInvitation.detail


class NotByInvitation(Conflict):
    code = "not_by_invitation"
    detail = (
        "This survey is open to everyone, so nobody is invited: send its responses without an invitation."
    )


class ByInvitationOnly(Conflict):
    code = "by_invitation_only"
    detail = "Only a survey with access open has a public address: invite the people of this one."


class MailNotSetUp(Unprocessable):
    code = "mail_not_set_up"
    detail = (
        f"Invitations cannot be mailed: set {A_WAY_OF_MAIL}, and"
        " BETROKKEN_PUBLIC_URL or, where BETROKKEN_PAGES is false, BETROKKEN_RESPOND_URL; or leave send"
        " false."
    )


class TooFewAtOnce(Unprocessable):
    code = "too_few_at_once"
    detail = (
        "Too few people at once, which could show whose link is whose: invite at least as many people of a"
        " group together as the minimum group size, or let the service mail the links."
    )


class TooFewCodes(TooFewAtOnce):
    detail = (
        "Too few people at once, which could show whose code is whose: make codes for a larger team, or for"
        " everybody together."
    )


class NotMailed(Unprocessable):
    code = "not_mailed"
    detail = "This is for invitations that are mailed: leave it out where send is false, or form is codes."


class NothingMailed(NotMailed):
    detail = (
        "This is for invitations that are mailed, and this service cannot mail them: leave it out, or set"
        f" {A_WAY_OF_MAIL}, and BETROKKEN_PUBLIC_URL."
    )


class CodesNotMailed(NotMailed):
    detail = "Codes are handed out on paper: leave send out, or have links mailed."


class UnknownPlaceholder(Unprocessable):
    code = "unknown_placeholder"
    detail = "Between braces may stand: {name}, {survey}, {closes_on} and, in a text, {link}."


class BraceAlone(UnknownPlaceholder):
    detail = f"A {{ has no }} after it, or a }} has no {{ before it. {UnknownPlaceholder.detail}"


class NoLinkToRemindWith(UnknownPlaceholder):
    detail = "A reminder of an anonymous survey has no link: leave {link} out of its text."


class LinkMissing(Unprocessable):
    code = "link_missing"
    detail = "Without {link} nobody could answer: put it into the text of each language."


class RuleOfReminder(Unprocessable):
    code = "rule_of_reminder"
    detail = (
        "A reminder comes some days before closing or some days after the invitation: send one of the two."
    )


class ReminderBeforeInvitation(Unprocessable):
    code = "reminder_before_invitation"
    detail = "This reminder would come before the invitation, or on its day: send other days."


class RemindersOnOneDay(Unprocessable):
    code = "reminders_on_one_day"
    detail = "Another reminder comes on the same day: leave one of the two out."


class NobodyMailed(Conflict):
    code = "nobody_mailed"
    detail = "No invitation that people can be reminded of has been mailed yet: mail some first."


class RemindedLately(Conflict):
    code = "reminded_lately"
    detail = "People were reminded within the last 24 hours: wait a day."


class NoClosingDate(Unprocessable):
    code = "no_closing_date"
    detail = "The survey has no closes_at to reckon from or to tell of: send one first."


class MailedInThePast(Unprocessable):
    code = "in_the_past"
    detail = "Mails go out at a time to come: leave send_at out to mail now."


class AfterClosing(Unprocessable):
    code = "after_closing"
    detail = "The survey will have closed by then: send an earlier time, or a later closes_at first."
