# Runs scim2-tester's checks against a service and prints what failed, as JSON.
# argv: URL of /scim/v2, CA certificate, token.
import json
import ssl
import sys

import httpx2 as httpx
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

url, ca, token = sys.argv[1:4]
http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, verify=ssl.create_default_context(cafile=ca), timeout=60)
results = check_server(SyncSCIMClient(http))
bad = [f"{r.status.name} {r.title}: {r.reason}" for r in results if r.status not in (Status.SUCCESS, Status.SKIPPED, Status.ACCEPTABLE)]
skipped = [f"{r.title}: {r.reason}" for r in results if r.status == Status.SKIPPED]
print(json.dumps({"checks": len(results), "bad": bad, "skipped": skipped}))
