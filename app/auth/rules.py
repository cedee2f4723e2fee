"""What opens a door to what others have told or are: an address, a lead, a manager (disclosure.md R14).

Whoever may write an attribute must not thereby become the person it names. So what was written last counts
only for what was opened later: a survey, a reminder, a subscription, a feed; and for all of it once it has
stood for a while, in which somebody can see it in the audit log and say that it is wrong.
"""

from datetime import datetime, timedelta

PROVEN = timedelta(days=30)


def latest(opened_at: datetime, now: datetime) -> datetime:
    """What was written last until then counts for what was opened at `opened_at`."""
    return max(opened_at, now - PROVEN)


def stands(since: datetime, opened_at: datetime, now: datetime) -> bool:
    return since <= latest(opened_at, now)
