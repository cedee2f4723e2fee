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
from app.tables.chat import ChatConnection, ChatIdentity
from app.tables.idempotency import IdempotencyRecord
from app.tables.invitations import Invitation, InvitationDelivery
from app.tables.kpis import Kpi, KpiValue
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
from app.tables.scim import ScimGroup, ScimUser
from app.tables.surveys import Comment, Questionnaire, Response, Survey, SurveyCell, SurveyGroup, SurveyMember

__all__ = [
    "ApiKey",
    "CalendarFeed",
    "Card",
    "CardTemplate",
    "CardWish",
    "CelebrationSettings",
    "ChatConnection",
    "ChatIdentity",
    "Comment",
    "Credential",
    "Digest",
    "Employment",
    "IdempotencyRecord",
    "Invitation",
    "InvitationDelivery",
    "Kpi",
    "KpiValue",
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
    "Reminder",
    "Response",
    "ScimGroup",
    "ScimUser",
    "Survey",
    "SurveyCell",
    "SurveyGroup",
    "SurveyMember",
    "Team",
    "Tombstone",
    "Unsubscription",
]
