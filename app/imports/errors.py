"""What can go wrong with an import as a whole, and with a row of it."""

from app.core.errors import Unprocessable
from app.imports.files.values.rules import Flaw


class SurveyRequired(Unprocessable):
    code = "survey_required"
    detail = "Responses belong to a survey: send its id as survey_id."


class NotForThisImport(Unprocessable):
    code = "not_for_this_import"


class UnknownMapping(Unprocessable):
    code = "unknown_mapping"


class BadMapping(Unprocessable):
    code = "bad_mapping"


class EmptyFile(Unprocessable):
    code = "empty_file"
    detail = "The body is empty: send the file as it is, not as a form."


class TooManyMissing(Unprocessable):
    code = "too_many_missing"


class UnreadableRows(Unprocessable):
    code = "unreadable_rows"


class TooManyProblems(Unprocessable):
    code = "too_many_problems"
    detail = "The report is full: correct the rows it lists and send the file again."


class RowRefused(Unprocessable):
    """A row that cannot be read, under a code of its own."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.detail, code=flaw.code)
        self.pointer = flaw.pointer
