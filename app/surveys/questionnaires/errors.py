from app.core.errors import Conflict, Unprocessable


class BuiltInQuestionnaire(Conflict):
    code = "built_in_questionnaire"
    detail = "The built-in questionnaire cannot be replaced: send your own under another key."


class UnknownQuestionnaire(Unprocessable):
    code = "unknown_questionnaire"
    detail = "There is no questionnaire with this key: create it first."
