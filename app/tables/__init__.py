from app.tables.calendar import (
    CalendarFeed,
    Card,
    CardTemplate,
    CardWish,
    CelebrationSettings,
    Digest,
    Occasion,
    Reminder,
    Unsubscription,
)
from app.tables.idempotency import IdempotencyRecord
from app.tables.metrics import Release, ReleaseResult
from app.tables.organizations import ApiKey, Credential, Organization
from app.tables.people import Employment, Person, Team, Tombstone
from app.tables.recognition import Recognition, RecognitionReceiver
from app.tables.surveys import Questionnaire, Response, Survey, SurveyGroup, SurveyMember

__all__ = [
    "ApiKey",
    "CalendarFeed",
    "Card",
    "CardTemplate",
    "CardWish",
    "CelebrationSettings",
    "Credential",
    "Digest",
    "Employment",
    "IdempotencyRecord",
    "Occasion",
    "Organization",
    "Person",
    "Questionnaire",
    "Recognition",
    "RecognitionReceiver",
    "Release",
    "ReleaseResult",
    "Reminder",
    "Response",
    "Survey",
    "SurveyGroup",
    "SurveyMember",
    "Team",
    "Tombstone",
    "Unsubscription",
]
