"""Cards are made in a process of their own, which has a limit of time and of memory.

A template is written by a stranger. Time is counted in seconds of the processor, so that a busy machine
refuses no card.
"""

import base64
import json
import math
import resource
import sys
import time
from dataclasses import asdict
from typing import IO, Any
from uuid import UUID

from app.calendar.cards.rendering import Occasion, Rendered, Wish, rendered
from app.calendar.cards.templates import Template, TemplateRefused
from app.core.errors import Unavailable
from app.core.press import Press, Unprinted, Unstarted

SECONDS = 3
MEMORY = 1 << 30
COSTLY = TemplateRefused("template_too_costly", "making the card takes too long, or too much memory")
PRESS = Press(__name__, hands=2)


async def printed(template: Template, occasion: Occasion, whose: UUID) -> Rendered:
    """As `rendered`, elsewhere; raises TemplateRefused also where that costs too much."""
    order = json.dumps([asdict(template), asdict(occasion)]).encode()
    try:
        made = json.loads(await PRESS.make(order, whose))
    except Unstarted:
        raise Unavailable from None
    except Unprinted:
        raise COSTLY from None
    if "code" in made:
        raise TemplateRefused(made["code"], made["message"])
    return Rendered(**made | {"picture": made["picture"] and base64.b64decode(made["picture"])})


# ------------------------------------------------------------------ inside the process


def main(orders: IO[bytes], answers: IO[bytes]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for order in orders:
        spent = math.ceil(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        answers.write(json.dumps(answer(*json.loads(order))).encode() + b"\n")
        answers.flush()


def answer(template: dict[str, Any], occasion: dict[str, Any]) -> dict[str, Any]:
    wishes = [Wish(**wish) for wish in occasion["wishes"]]
    try:
        made = asdict(rendered(Template(**template), Occasion(**occasion | {"wishes": wishes})))
    except TemplateRefused as error:
        return {"code": error.code, "message": str(error)}
    except (MemoryError, RecursionError):
        return {"code": COSTLY.code, "message": str(COSTLY)}
    return made | {"picture": made["picture"] and base64.b64encode(made["picture"]).decode()}


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
