from app.tables.calendar import Occasion
from app.tables.chat import ChatConnection, ChatIdentity
from app.tables.idempotency import IdempotencyRecord
from app.tables.metrics import Release, ReleaseResult
from app.tables.organizations import ApiKey, Credential, Organization
from app.tables.people import Employment, Person, Team, Tombstone
from app.tables.recognition import (
    Recognition,
    RecognitionMonth,
    RecognitionMonthPair,
    RecognitionMonthPerson,
    RecognitionNumber,
    RecognitionReaction,
    RecognitionReceiver,
    RecognitionReport,
)
from app.tables.surveys import Questionnaire, Response, Survey, SurveyGroup, SurveyMember

__all__ = [
    "ApiKey",
    "ChatConnection",
    "ChatIdentity",
    "Credential",
    "Employment",
    "IdempotencyRecord",
    "Occasion",
    "Organization",
    "Person",
    "Questionnaire",
    "Recognition",
    "RecognitionMonth",
    "RecognitionMonthPair",
    "RecognitionMonthPerson",
    "RecognitionNumber",
    "RecognitionReaction",
    "RecognitionReceiver",
    "RecognitionReport",
    "Release",
    "ReleaseResult",
    "Response",
    "Survey",
    "SurveyGroup",
    "SurveyMember",
    "Team",
    "Tombstone",
]
