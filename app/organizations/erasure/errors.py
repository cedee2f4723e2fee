from app.core.errors import Unprocessable


class WrongConfirmation(Unprocessable):
    code = "wrong_confirmation"
    detail = (
        "This is no token that was given to you for this, or it is older than 15 minutes: ask for a new one."
    )
