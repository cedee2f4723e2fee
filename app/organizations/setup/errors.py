from app.core.errors import Conflict, InvalidToken, Unauthorized


class NoSetupLink(Unauthorized):
    detail = "This set-up link is not valid: send its token as Authorization: Bearer <token>."


class UnknownSetupLink(InvalidToken):
    detail = NoSetupLink.detail


class AlreadySetUp(Conflict):
    code = "already_set_up"
    detail = (
        "There is an organisation already, so no link makes the first: make a key with `betrokken keys"
        " create`, or ask who has one."
    )


class SetupLinkExpired(Conflict):
    code = "setup_link_expired"
    detail = "This set-up link is over an hour old: start `betrokken serve` again, which prints a new one."
