"""Amazon's own client. Reads {"port": …, "calls": [[service, method, arguments], …]} and answers what the calls answered, or
{"signed": {…}} and answers with the header `authorization` that botocore makes for that request."""
import datetime
import json
import sys

sys.path.insert(0, sys.argv[1])
import boto3  # noqa: E402
import botocore.auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402


def as_arguments(value):
    if isinstance(value, dict):
        return bytes(value["bytes"]) if set(value) == {"bytes"} else {key: as_arguments(inner) for key, inner in value.items()}
    return value


def as_json(value):
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    return str(value)


def call(port, service, method, arguments):
    client = boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-central-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="x",
    )
    return getattr(client, method)(**as_arguments(arguments))


def wanted(signed):
    given = {name.lower(): value for name, value in signed["headers"]}
    at = datetime.datetime.strptime(given["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: at.replace(tzinfo=None) if remove_tzinfo else at
    names = given["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: given[name] for name in names if name not in ("host", "x-amz-date", "x-amz-security-token")}
    request = AWSRequest(method="POST", url=signed["url"] + "/", headers=headers, data=signed["body"].encode())
    credentials = Credentials(signed["id"], signed["secret"], signed["token"])
    botocore.auth.SigV4Auth(credentials, signed["service"], "eu-central-1").add_auth(request)
    return request.headers["Authorization"]


asked = json.load(sys.stdin)
if "calls" in asked:
    answer = [call(asked["port"], *one) for one in asked["calls"]]
else:
    answer = {"wanted": wanted(asked["signed"])}
print(json.dumps(answer, default=as_json))
