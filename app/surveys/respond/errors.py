from app.core.errors import Conflict


class SurveyNotYetOpen(Conflict):
    code = "survey_not_yet_open"
    detail = "This survey has not opened yet: try again when it has."


class SurveyClosed(Conflict):
    code = "survey_closed"
    detail = "This survey has closed: it takes no more answers."
