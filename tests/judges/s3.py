"""Judges what was put into an S3-compatible store. Reads {"port": …, "put": {…}?} and answers with the objects in the order of their names,
and with the signature that botocore makes for the request `put`."""
import datetime
import json
import sys
import urllib.parse

sys.path.insert(0, sys.argv[1])
import boto3  # noqa: E402
import botocore.auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

asked = json.load(sys.stdin)
answer = {}
if "port" in asked:
    store = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{asked['port']}",
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="x",
    )
    if asked.get("make"):
        store.create_bucket(Bucket="logs")
    names = [found["Key"] for found in store.list_objects_v2(Bucket="logs").get("Contents", [])]
    answer["objects"] = [[name, store.get_object(Bucket="logs", Key=name)["Body"].read().decode(errors="replace")] for name in names]
if "put" in asked:
    put = asked["put"]
    url = urllib.parse.urlsplit(put["url"])
    given = dict(urllib.parse.parse_qsl(url.query))
    at = datetime.datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: at.replace(tzinfo=None) if remove_tzinfo else at
    request = AWSRequest(method="PUT", url=f"{url.scheme}://{url.netloc}{url.path}", headers=put["headers"])
    signer = botocore.auth.S3SigV4QueryAuth(
        Credentials(put["id"], put["secret"]), "s3", "us-east-1", expires=int(given["X-Amz-Expires"])
    )
    signer.add_auth(request)
    wanted = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.url).query))
    answer["wanted"] = wanted["X-Amz-Signature"]
    answer["given"] = given["X-Amz-Signature"]
print(json.dumps(answer))
