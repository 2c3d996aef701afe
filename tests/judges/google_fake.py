"""Google Cloud on loopback: the metadata server, Secret Manager and Cloud KMS, as far as Keepgate speaks to them. Ours, so it proves nothing
by itself: Google's own clients run against it too (google_clients.py), and whatever they do not take is a mistake here. Prints its port."""
import base64
import datetime
import http.server
import json
import re
import secrets
import sys
import time

sys.path.insert(0, sys.argv[1])
from cryptography.exceptions import InvalidTag  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return str(crc ^ 0xFFFFFFFF)


class Refused(Exception):
    def __init__(self, code, status, message):
        self.code, self.status, self.message = code, status, message


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


tokens, stored, keys = {}, {}, {}


def metadata(path, query):
    account = "/computeMetadata/v1/instance/service-accounts/default"
    if path == account + "/token":
        token = "ya29." + secrets.token_hex(16)
        tokens[token] = time.time() + 3600
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
    if path == account + "/":
        return {"aliases": ["default"], "email": "keepgate@p.iam.gserviceaccount.com", "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
    if path == "/":
        return {}
    raise Refused(404, "NOT_FOUND", "no such metadata")


def found(table, name):
    if name not in table:
        raise Refused(404, "NOT_FOUND", f"{name} not found")
    return table[name]


def checked(data, told, what):
    if told is not None and str(told) != crc32c(data):
        raise Refused(400, "INVALID_ARGUMENT", f"the checksum of {what} does not match")


# Secret Manager


def create_secret(project, query, body):
    name = f"projects/{project}/secrets/{query['secretId']}"
    if name in stored:
        raise Refused(409, "ALREADY_EXISTS", "it exists")
    stored[name] = []
    return {"name": name, "createTime": now(), "replication": {"automatic": {}}}


def add_version(name, query, body):
    versions = found(stored, name)
    data = base64.b64decode(body["payload"]["data"])
    checked(data, body["payload"].get("dataCrc32c"), "the payload")
    versions.append({"data": data, "state": "ENABLED"})
    return {"name": f"{name}/versions/{len(versions)}", "createTime": now(), "state": "ENABLED"}


def version_of(name, number):
    versions = found(stored, name)
    index = len(versions) if number == "latest" else int(number) if number.isdecimal() else 0
    if not 1 <= index <= len(versions):
        raise Refused(404, "NOT_FOUND", "no such version")
    return index, versions[index - 1]


def access(name, number, query, body):
    index, version = version_of(name, number)
    full = f"{name}/versions/{index}"
    if version["state"] != "ENABLED":
        raise Refused(400, "FAILED_PRECONDITION", f"Secret Version [{full}] is in {version['state']} state.")
    data = base64.b64encode(version["data"]).decode()
    return {"name": full, "payload": {"data": data, "dataCrc32c": crc32c(version["data"])}}


def change(name, number, verb, query, body):
    index, version = version_of(name, number)
    version["state"] = {"disable": "DISABLED", "enable": "ENABLED", "destroy": "DESTROYED"}[verb]
    return {"name": f"{name}/versions/{index}", "state": version["state"]}


# Cloud KMS


def create_ring(place, query, body):
    return {"name": f"{place}/keyRings/{query['keyRingId']}", "createTime": now()}


def create_key(ring, query, body):
    name = f"{ring}/cryptoKeys/{query['cryptoKeyId']}"
    keys[name] = {"purpose": body.get("purpose"), "versions": [], "primary": 1}
    create_key_version(name, query, body)
    return get_key(name, query, body)


def create_key_version(name, query, body):
    versions = found(keys, name)["versions"]
    versions.append({"key": AESGCM(secrets.token_bytes(32)), "state": "ENABLED", "made": now()})
    return shown(name, len(versions))


def shown(name, number):
    version = keys[name]["versions"][number - 1]
    return {"name": f"{name}/cryptoKeyVersions/{number}", "state": version["state"], "createTime": version["made"], "protectionLevel": "SOFTWARE"}


def get_key(name, query, body):
    key = found(keys, name)
    purpose = {1: "ENCRYPT_DECRYPT", 5: "ASYMMETRIC_SIGN"}.get(key["purpose"], key["purpose"])
    told = {"name": name, "purpose": purpose, "createTime": key["versions"][0]["made"]}
    return {**told, "primary": shown(name, key["primary"])} if purpose == "ENCRYPT_DECRYPT" else told


def list_versions(name, query, body):
    # Two a page, so that pages are tried.
    every = [shown(name, number + 1) for number in range(len(found(keys, name)["versions"]))]
    begin = int(query.get("pageToken") or 0)
    more = {"nextPageToken": str(begin + 2)} if begin + 2 < len(every) else {}
    return {"cryptoKeyVersions": every[begin : begin + 2], "totalSize": len(every), **more}


def set_primary(name, query, body):
    found(keys, name)["primary"] = int(body["cryptoKeyVersionId"])
    return get_key(name, query, body)


def change_key_version(name, number, query, body):
    state = {1: "ENABLED", 2: "DISABLED"}.get(body["state"], body["state"])
    found(keys, name)["versions"][int(number) - 1]["state"] = state
    return shown(name, int(number))


def usable(name, number):
    version = keys[name]["versions"][number - 1]
    if version["state"] != "ENABLED":
        raise Refused(400, "FAILED_PRECONDITION", f"{name}/cryptoKeyVersions/{number} is not enabled")
    return version["key"]


def encrypt(name, query, body):
    number = found(keys, name)["primary"]
    plain = base64.b64decode(body["plaintext"])
    bound = base64.b64decode(body.get("additionalAuthenticatedData", ""))
    checked(plain, body.get("plaintextCrc32c"), "the plaintext")
    checked(bound, body.get("additionalAuthenticatedDataCrc32c"), "the additional data")
    nonce = secrets.token_bytes(12)
    sealed = number.to_bytes(4, "big") + nonce + usable(name, number).encrypt(nonce, plain, bound)
    return {
        "name": f"{name}/cryptoKeyVersions/{number}",
        "ciphertext": base64.b64encode(sealed).decode(),
        "ciphertextCrc32c": crc32c(sealed),
        "verifiedPlaintextCrc32c": "plaintextCrc32c" in body,
        "verifiedAdditionalAuthenticatedDataCrc32c": "additionalAuthenticatedDataCrc32c" in body,
        "protectionLevel": "SOFTWARE",
    }


def decrypt(name, query, body):
    key = found(keys, name)
    sealed = base64.b64decode(body.get("ciphertext", ""))
    bound = base64.b64decode(body.get("additionalAuthenticatedData", ""))
    checked(sealed, body.get("ciphertextCrc32c"), "the ciphertext")
    checked(bound, body.get("additionalAuthenticatedDataCrc32c"), "the additional data")
    number = int.from_bytes(sealed[:4], "big")
    wrong = Refused(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey.")
    if len(sealed) < 32 or not 1 <= number <= len(key["versions"]):
        raise wrong
    try:
        plain = usable(name, number).decrypt(sealed[4:16], sealed[16:], bound)
    except InvalidTag:
        raise wrong from None
    return {
        "plaintext": base64.b64encode(plain).decode(),
        "plaintextCrc32c": crc32c(plain),
        "usedPrimary": number == key["primary"],
        "protectionLevel": "SOFTWARE",
    }


SECRET = r"(projects/[^/]+/secrets/[^/:]+)"
KEY = r"(projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/:]+)"
ROUTES = [
    ("POST", r"projects/([^/]+)/secrets", create_secret),
    ("POST", SECRET + ":addVersion", add_version),
    ("GET", SECRET + r"/versions/([^/:]+):access", access),
    ("POST", SECRET + r"/versions/([^/:]+):(disable|enable|destroy)", change),
    ("POST", r"(projects/[^/]+/locations/[^/]+)/keyRings", create_ring),
    ("POST", r"(projects/[^/]+/locations/[^/]+/keyRings/[^/]+)/cryptoKeys", create_key),
    ("GET", KEY, get_key),
    ("POST", KEY + "/cryptoKeyVersions", create_key_version),
    ("GET", KEY + "/cryptoKeyVersions", list_versions),
    ("PATCH", KEY + r"/cryptoKeyVersions/(\d+)", change_key_version),
    ("POST", KEY + ":updatePrimaryVersion", set_primary),
    ("POST", KEY + ":encrypt", encrypt),
    ("POST", KEY + ":decrypt", decrypt),
]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path, _, query = self.path.partition("?")
        query = dict(pair.partition("=")[::2] for pair in query.split("&"))
        flavor = self.headers.get("Metadata-Flavor") == "Google"
        try:
            if flavor or not path.startswith("/v1/"):
                if not flavor:
                    raise Refused(403, "PERMISSION_DENIED", "Missing Metadata-Flavor:Google header.")
                code, told = 200, metadata(path, query)
            else:
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                if tokens.get(token, 0) < time.time():
                    raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
                code, told = 200, self.routed(path.removeprefix("/v1/"), query, body)
        except Refused as why:
            code, told = why.code, {"error": {"code": why.code, "status": why.status, "message": why.message}}
        text = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        if flavor:
            self.send_header("Metadata-Flavor", "Google")
        self.end_headers()
        self.wfile.write(text)

    def routed(self, path, query, body):
        for method, pattern, does in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                return does(*match.groups(), query, body)
        raise Refused(404, "NOT_FOUND", "no such method")

    do_GET = do_POST = do_PATCH = answer


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
