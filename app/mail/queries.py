"""The SQL of mails that are planned for a moment, for whatever table of a slice has the columns for it."""

from dataclasses import dataclass

from sqlalchemy import TextClause, text


@dataclass(frozen=True)
class PlannedMails:
    """Of one table, in which a row is a mail."""

    kind: str
    """Also the name of the table."""
    count_due: TextClause
    claim: TextClause
    finish: TextClause
    give_up: TextClause


DUE = """
    organization_id = :organization_id AND status IN ('planned', 'sending') AND send_at <= :now
    AND expires_at > :now AND coalesce(held_until <= :now, true)
"""


def planned_mails(table: str) -> PlannedMails:
    return PlannedMails(
        kind=table,
        count_due=text(f"""SELECT count(*) FROM {table} WHERE {DUE}"""),  # noqa: S608
        claim=text(f"""
UPDATE {table} SET status = 'sending', held_until = :held_until, attempts = attempts + 1
WHERE organization_id = :organization_id AND id = (
    SELECT id FROM {table} WHERE {DUE} ORDER BY send_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING *, CAST(:now AS timestamptz) AS now
"""),  # noqa: S608
        finish=text(f"""
UPDATE {table} SET status = :status, held_until = :held_until, sent_at = :sent_at, failure = :failure
WHERE organization_id = :organization_id AND id = :id AND status = 'sending'
RETURNING id
"""),  # noqa: S608
        give_up=text(f"""
UPDATE {table} SET status = 'missed', held_until = NULL, failure = coalesce(failure, 'too_late')
WHERE organization_id = :organization_id AND expires_at <= :now
    AND (status IN ('planned', 'held') OR (status = 'sending' AND held_until <= :now))
RETURNING id
"""),  # noqa: S608
    )
