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
from app.tables.imports import Import, ImportChunk, ImportReportLine
from app.tables.invitations import (
    Invitation,
    InvitationDelivery,
    InvitationMailing,
    InvitationReminder,
    InvitationReminderMail,
    ReplacedInvitation,
)
from app.tables.kpis import Kpi, KpiValue
from app.tables.metrics import CelebrationReport, Release, ReleaseCell, ReleaseResult
from app.tables.newsletter import Newsletter, NewsletterSubscription
from app.tables.organizations import ApiKey, Credential, Organization, SetupLink
from app.tables.people import AddressNotice, Employment, Person, PersonHistory, Team, Tombstone
from app.tables.privacy import AnswersLink, AuditEntry, ErasedPerson
from app.tables.recognition import (
    Recognition,
    RecognitionMonth,
    RecognitionMonthPair,
    RecognitionMonthPerson,
    RecognitionNumber,
    RecognitionReaction,
    RecognitionReceiver,
    RecognitionReport,
    RecognitionToldMonth,
)
from app.tables.scim import ScimEmail, ScimGroup, ScimMember, ScimUser
from app.tables.surveys import Comment, Questionnaire, Response, Survey, SurveyCell, SurveyGroup, SurveyMember
from app.tables.webhooks import Webhook, WebhookDelivery

__all__ = [
    "AddressNotice",
    "AnswersLink",
    "ApiKey",
    "AuditEntry",
    "CalendarFeed",
    "Card",
    "CardTemplate",
    "CardWish",
    "CelebrationReport",
    "CelebrationSettings",
    "ChatConnection",
    "ChatIdentity",
    "Comment",
    "Credential",
    "Digest",
    "Employment",
    "ErasedPerson",
    "IdempotencyRecord",
    "Import",
    "ImportChunk",
    "ImportReportLine",
    "Invitation",
    "InvitationDelivery",
    "InvitationMailing",
    "InvitationReminder",
    "InvitationReminderMail",
    "Kpi",
    "KpiValue",
    "Newsletter",
    "NewsletterSubscription",
    "Occasion",
    "Organization",
    "Person",
    "PersonHistory",
    "Questionnaire",
    "Recognition",
    "RecognitionMonth",
    "RecognitionMonthPair",
    "RecognitionMonthPerson",
    "RecognitionNumber",
    "RecognitionReaction",
    "RecognitionReceiver",
    "RecognitionReport",
    "RecognitionToldMonth",
    "Release",
    "ReleaseCell",
    "ReleaseResult",
    "Reminder",
    "ReplacedInvitation",
    "Response",
    "ScimEmail",
    "ScimGroup",
    "ScimMember",
    "ScimUser",
    "SetupLink",
    "Survey",
    "SurveyCell",
    "SurveyGroup",
    "SurveyMember",
    "Team",
    "Tombstone",
    "Unsubscription",
    "Webhook",
    "WebhookDelivery",
]
