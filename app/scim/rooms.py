"""All that is under /scim/v2, to be mounted."""

from app.core.requests import routes_of
from app.scim.discovery.api import router as discovery_router
from app.scim.groups.api import router as groups_router
from app.scim.users.api import router as users_router

SCIM_ROUTERS = (users_router, groups_router, discovery_router)
SCIM_ROUTES = routes_of(*SCIM_ROUTERS)
