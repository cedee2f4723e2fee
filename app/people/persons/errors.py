"""What can go wrong with people, named."""

from app.core.errors import Conflict, NotFound, Unprocessable


class UnknownPerson(Unprocessable):
    code = "unknown_person"
    detail = "There is no such person: check the identifier, or create the person first."


class OwnManager(Unprocessable):
    code = "own_manager"
    detail = "People cannot be their own manager: send another person, or null."


class EffectiveInFuture(Unprocessable):
    code = "effective_in_future"
    detail = "A change cannot start in the future: send it on its day."


class PersonIdTaken(Conflict):
    code = "external_id_conflict"
    detail = "Another person has this identifier: send another one."


class EndsBeforeStarts(Unprocessable):
    code = "ends_before_starts"
    detail = "The last day employed (ends_on) is before the first (starts_on): correct one of them."


class PersonInUse(Conflict):
    code = "person_in_use"
    detail = "Surveys, answers or recognition events refer to this person: send ends_on if the person leaves."


class PersonErased(Conflict):
    code = "person_erased"
    detail = "This person was erased. If the person agrees to be stored again, send DELETE .../erasure first."


def no_person(external_id: str) -> NotFound:
    return NotFound(f"There is no person {external_id}: check the identifier, or create the person first.")
