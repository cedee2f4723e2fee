"""From a command in a chat to a recognition event, and to the answer the chat shows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.auth.queries import add_credential
from app.core import audit
from app.core.batches import Effect
from app.core.database import Row, TenantSession
from app.core.errors import AppError, NotFound, Unprocessable, validated
from app.core.schema import one_spelling
from app.core.secrets import Keyring, token_hash
from app.core.shipped import read_yaml
from app.organizations.queries import organization
from app.recognition import service
from app.recognition.chat import queries
from app.recognition.chat.queries import Colleague
from app.recognition.chat.rules import Handle, Parts, Said, handles, said
from app.recognition.chat.schemas import (
    ChatConnection,
    ChatConnectionWrite,
    ChatIdentity,
    Product,
    TeamsMessage,
    TeamsUser,
)
from app.recognition.chat.signatures import is_teams_secret
from app.recognition.schemas import RecognitionWrite
from app.tables import ChatConnection as ConnectionRow

CHAT_CONNECTION = "chat_connection"
SEAL = "chat connection"
FILE = Path(__file__).parent / "chat.yaml"


class NotASecurityToken(Unprocessable):
    code = "invalid_value"
    detail = "This is not a security token of Teams: copy all of it from the dialog that made the webhook."


@dataclass(frozen=True)
class Command:
    """What a user of a product said; `key` is the product's own for it, the same if it comes again."""

    product: Product
    key: str | None
    senders: Sequence[str]
    """The ids of who sends it, the one that is best known first."""
    parts: Parts
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Another id of somebody mentioned, by that in the parts."""


@dataclass(frozen=True)
class Answer:
    """`is_public`: for everybody who saw the command, not for its sender alone."""

    text: str
    is_public: bool


# ---------------------------------------------------------------------------------------- connections


def represent_connection(row: ConnectionRow | Row[Any]) -> ChatConnection:
    path = f"/v1/recognitions/{row.product}?connection={row.id}"
    return ChatConnection.model_validate(
        {"id": row.id, "product": row.product, "name": row.name, "path": path, "created_at": row.created_at}
    )


async def connect(session: TenantSession, wanted: ChatConnectionWrite, keyring: Keyring) -> ChatConnection:
    """Its random id is in the address the product is given, and leads to the organisation."""
    if wanted.product == "teams" and not is_teams_secret(wanted.secret):
        raise NotASecurityToken.at("#/secret")
    connection_id = uuid4()
    row = await queries.add_connection(
        session,
        {
            "id": connection_id,
            "product": wanted.product,
            "name": wanted.name,
            "sealed_secret": keyring.seal(session.organization_id, SEAL, wanted.secret.encode()),
        },
    )
    await add_credential(
        session,
        {
            "token_hash": token_hash(str(connection_id)),
            "kind": CHAT_CONNECTION,
            "credential_id": connection_id,
        },
    )
    return represent_connection(row)


async def secret_of(
    session: TenantSession, connection_id: UUID, product: Product, keyring: Keyring
) -> str | None:
    """None where the organisation has no such connection of this product."""
    row = await queries.connection(session, connection_id)
    if row is None or row.product != product:
        return None
    plain = keyring.unseal(session.organization_id, SEAL, row.sealed_secret)
    return None if plain is None else plain.decode()


# ----------------------------------------------------------------------------------------- identities


async def put_identity(
    session: TenantSession, product: Product, chat_id: str, email: str, *, is_vouched: bool
) -> tuple[ChatIdentity, bool]:
    """The identity, and whether it is new."""
    key = (session.organization_id, product, chat_id)
    is_new = await queries.identity(session, key) is None
    values = dict(zip(("organization_id", "product", "chat_id"), key, strict=True))
    if await queries.put_identity(session, {**values, "email": email, "is_vouched": is_vouched}):
        await audit.record_each(session, "change_chat_identity", targets=[product])
    return ChatIdentity.model_validate(await queries.identity(session, key), from_attributes=True), is_new


async def delete_identity(session: TenantSession, product: Product, chat_id: str) -> None:
    key = {"product": product, "chat_id": chat_id}
    if not await queries.delete_identity(session, key):
        raise NotFound


# ------------------------------------------------------------------------------------------- commands


def teams_mentions(message: TeamsMessage) -> list[tuple[str, str]]:
    """How each mention is written, and the user's id, in order."""
    found = ((entity.text, entity.mentioned) for entity in message.entities)
    return [(text, ids_of(user)[0]) for text, user in found if text and user]


def teams_aliases(message: TeamsMessage) -> dict[str, str]:
    users = [entity.mentioned for entity in message.entities if entity.mentioned]
    return {ids[0]: ids[1] for ids in map(ids_of, users) if len(ids) > 1}


def ids_of(user: TeamsUser) -> list[str]:
    """Teams knows a user by the directory's id, and by one of the chat's own."""
    return [one for one in (user.aad_object_id, user.id) if one]


async def learn(session: TenantSession, command: Command) -> None:
    """Of a sender's two ids, what is known of the one is known of the other: their own message has both."""
    for chat_id in command.senders if len(command.senders) > 1 else ():
        others = [one for one in command.senders if one != chat_id]
        learnt = {"product": command.product, "chat_id": chat_id, "others": others}
        if await queries.learn_identity(session, learnt):
            await audit.record_each(session, "change_chat_identity", targets=[command.product])


async def recognise(session: TenantSession, command: Command, now: datetime) -> tuple[Answer, bool]:
    """Records what was said, and answers whatever became of it; whether there is a new event."""
    settings = await organization(session)
    await learn(session, command)
    sender = Handle(chat_id=command.senders[0] if command.senders else "")
    named = handles(command.parts)
    people = await _people(session, command, [sender, *named])
    giver = people.get(sender)
    words = _sentences((giver and giver.locale) or settings.locale)
    if giver is None or not giver.is_known:
        return _private(words, "giver_unknown", names=str(sender.chat_id)), False
    unknown = [handle.chat_id or str(handle.email) for handle in named if handle not in people]
    if unknown:
        return _private(words, "unknown_person", names=", ".join(unknown)), False
    names = {handle: people[handle].name for handle in named}
    content = said(command.parts, names, settings.recognition_values)
    if not named or not content.message:
        return _private(words, "help"), False
    receivers = list({people[handle].external_id: people[handle] for handle in named}.values())
    try:
        wanted = _event(command, giver, receivers, content)
        _, effect = await service.record_one(session, wanted, now)
    except AppError as error:
        return _private(words, error.code if error.code in words else "help"), False
    return _announcement(words, giver, receivers, content), effect is Effect.CREATED


async def _people(
    session: TenantSession, command: Command, wanted: Sequence[Handle]
) -> dict[Handle, Colleague]:
    chat_ids = {handle.chat_id for handle in wanted if handle.chat_id is not None}
    emails = {one_spelling(handle.email) for handle in wanted if handle.email is not None}
    either = chat_ids | {command.aliases[one] for one in chat_ids if one in command.aliases}
    found = await queries.people_of_handles(session, command.product, either, emails)
    keys = {handle: handle.chat_id or one_spelling(handle.email or "") for handle in wanted}
    keyed = {
        handle: found.get(key) or found.get(command.aliases.get(key, "")) for handle, key in keys.items()
    }
    return {handle: colleague for handle, colleague in keyed.items() if colleague is not None}


def _event(
    command: Command, giver: Colleague, receivers: Sequence[Colleague], content: Said
) -> RecognitionWrite:
    digest = command.key and hashlib.sha256(command.key.encode()).hexdigest()[:32]
    return validated(
        RecognitionWrite,
        {
            "external_id": f"{command.product}-{digest}" if digest else None,
            "giver": giver.external_id,
            "receivers": [colleague.external_id for colleague in receivers],
            "message": content.message,
            "value": content.value,
            "source": command.product,
        },
    )


def reached() -> str:
    """For Slack's own look at whether the address works."""
    return _document()["en"]["reached"]


@cache
def _document() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = read_yaml(FILE)
    return document


def _sentences(locale: str) -> Mapping[str, str]:
    """In Dutch where the locale is, else in English."""
    return _document()["nl" if locale.partition("-")[0] == "nl" else "en"]


def _private(words: Mapping[str, str], sentence: str, **filled: str) -> Answer:
    return Answer(words[sentence].format(**filled), is_public=False)


def _announcement(
    words: Mapping[str, str], giver: Colleague, receivers: Sequence[Colleague], content: Said
) -> Answer:
    *others, last = [colleague.name for colleague in receivers]
    names = f"{', '.join(others)} {words['and']} {last}" if others else last
    sentence = words["recognised" if content.value is None else "recognised_for"]
    text = sentence.format(giver=giver.name, names=names, value=content.value, message=content.message)
    return Answer(text, is_public=True)
