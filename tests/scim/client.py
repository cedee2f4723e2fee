"""A SCIM client that holds every answer to RFC 7644: media type, schemas, and errors in their form."""

from typing import Any

import httpx
from fastapi import FastAPI

from tests.conftest import Tenant

PREFIX = "/scim/v2"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PEOPLE = "urn:betrokken:params:scim:schemas:extension:people:1.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class ScimClient(httpx.AsyncClient):
    async def request(self, method: str, url: Any, **kwargs: Any) -> httpx.Response:
        response = await super().request(method, url, **kwargs)
        check(response)
        return response

    async def made(self, kind: str, **attributes: Any) -> dict[str, Any]:
        """A resource that was created."""
        response = await self.post(f"/{kind}", json=attributes)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def patched(self, place: str, *operations: dict[str, Any]) -> dict[str, Any]:
        response = await self.patch(place, json={"schemas": [PATCH], "Operations": operations})
        if response.status_code == 204:
            response = await self.get(place)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def found(self, kind: str, **query: Any) -> list[dict[str, Any]]:
        response = await self.get(f"/{kind}", params=query)
        assert response.status_code == 200, response.text
        return list(response.json()["Resources"])


def check(response: httpx.Response) -> None:
    if not response.content:
        assert response.status_code in (204, 304), response.status_code
        return
    assert response.headers["content-type"] == "application/scim+json", response.text
    body = response.json()
    assert body["schemas"]
    if response.status_code >= 400:
        assert body["schemas"] == [ERROR]
        assert body["status"] == str(response.status_code)
        assert body["detail"]


def scim_for(app: FastAPI, key: str | None) -> ScimClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return ScimClient(transport=transport, base_url=f"http://test{PREFIX}", headers=headers)


async def scim_of(tenant: Tenant, *scopes: str) -> ScimClient:
    return scim_for(tenant.app, await tenant.key(*scopes))
