"""With CITUS_URL, the address of a database of a Citus coordinator, the service of this folder runs on it.

Without, nothing runs on Citus: tests/test_citus.py and tests/core/test_citus.py look at what it refuses.
"""

import asyncpg
import pytest

from tests.acceptance.conftest import CITUS_URL
from tests.acceptance.process import run
from tests.statements import EXEMPT

pytestmark = pytest.mark.skipif(not CITUS_URL, reason="CITUS_URL is not set: nothing runs on Citus")
LEFT_OUT = """
SELECT relname FROM pg_class c
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'pgqueuer%'
    AND NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = c.oid)
"""


async def test_every_table_is_spread_and_stays_so(served: dict[str, str]) -> None:
    assert "already" in run(served, "migrate", "--citus").stdout
    line = await asyncpg.connect(served["DATABASE_URL"])
    try:
        assert {row["relname"] for row in await line.fetch(LEFT_OUT)} <= EXEMPT
    finally:
        await line.close()
