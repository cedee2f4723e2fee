"""The languages the service speaks, and which of them a caller is answered in."""

LANGUAGES = ("en", "nl")


def language_of(accept_language: str | None, default: str) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110), else the default, else English."""
    offers = (_offer(part) for part in (accept_language or "").split(","))
    wanted = [tag for weight, tag in sorted(offers, key=lambda offer: -offer[0]) if weight > 0]
    primary = [tag.partition("-")[0] for tag in [*wanted, default.lower()]]
    return next((tag for tag in primary if tag in LANGUAGES), LANGUAGES[0])


def _offer(part: str) -> tuple[float, str]:
    tag, _, parameter = part.strip().lower().partition(";")
    try:
        weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
    except ValueError:
        weight = 0.0
    return weight, tag.strip()
