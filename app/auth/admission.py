"""Whose body is read at all, and how much of it: settled from the head of a request.

A stranger's body costs next to nothing, whatever it says: what may be large is read from known keys alone.
"""

from fastapi import FastAPI
from fastapi.security.utils import get_authorization_scheme_param
from starlette.datastructures import Headers
from starlette.types import Scope

from app.auth.dependencies import PROOF, principal_of, proof_of
from app.auth.limits import IMPORT, KnownKeys, door_of
from app.core.bodies import STRANGER, BodyLimits, is_small
from app.core.contract import SCIM
from app.core.errors import Unauthorized
from app.core.fairness import FairQueue
from app.core.settings import Settings

LISTS = ("/batch", "/invitations", "/audience")
"""Ends of addresses to which many things are sent at once."""
LARGEST_THING = 2 * 2**20


class Admission:
    def __init__(self, app: FastAPI, settings: Settings, queue: FairQueue, keys: KnownKeys) -> None:
        self.app = app
        self.keys = keys
        self.queue = queue
        self.file = BodyLimits(settings.max_import_bytes, settings.max_import_decompressed_bytes)
        self.batch = BodyLimits(settings.max_body_bytes, settings.max_decompressed_bytes)
        self.thing = BodyLimits(
            min(LARGEST_THING, self.batch.on_wire), min(LARGEST_THING, self.batch.decompressed)
        )

    async def limits_of(self, scope: Scope) -> BodyLimits:
        """Raises Unauthorized where a key is needed and none is proven."""
        if door_of(scope) != "key":
            return STRANGER
        if self.keys.proof_of(scope) is not None and is_small(Headers(scope=scope)):
            await self.prove(scope)
        else:
            async with self.queue.place(self.keys.whose(scope)):
                await self.prove(scope)
        if (scope["method"], scope["path"]) == IMPORT:
            return self.file
        return self.batch if takes_many(scope["path"]) else self.thing

    async def prove(self, scope: Scope) -> None:
        """Also that the key is not deleted, which the hash of it does not say."""
        headers = Headers(scope=scope)
        scheme, token = get_authorization_scheme_param(headers.get("authorization"))
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        proof = scope[PROOF] = await proof_of(self.app, scope, token)
        if proof.key_id is None or is_small(headers):
            return
        await principal_of(self.app, proof)


def takes_many(path: str) -> bool:
    return path.startswith(SCIM) or path.endswith(LISTS)
