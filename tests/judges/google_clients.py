"""Google's own clients, with the machine's own credentials. Reads {"port": …, "calls": [[name, arguments…], …]} and answers what they found,
or the name of the exception that they raised."""
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
asked = json.load(sys.stdin)
host = f"127.0.0.1:{asked['port']}"
os.environ["GCE_METADATA_HOST"] = os.environ["GCE_METADATA_IP"] = os.environ["GCE_METADATA_ROOT"] = host

from google.api_core import exceptions  # noqa: E402
from google.auth import compute_engine  # noqa: E402
from google.cloud import kms, secretmanager  # noqa: E402
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport  # noqa: E402
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport  # noqa: E402

given = {"host": host, "url_scheme": "http", "credentials": compute_engine.Credentials()}
secrets = secretmanager.SecretManagerServiceClient(transport=SecretManagerServiceRestTransport(**given))
keys = kms.KeyManagementServiceClient(transport=KeyManagementServiceRestTransport(**given))


def create_secret(project, name):
    return secrets.create_secret(parent=f"projects/{project}", secret_id=name, secret={"replication": {"automatic": {}}}).name


def add_version(name, text):
    return secrets.add_secret_version(parent=name, payload={"data": text.encode()}).name


def access(name):
    found = secrets.access_secret_version(name=name)
    return [found.name, found.payload.data.decode(), str(found.payload.data_crc32c)]


def change(name, verb):
    return getattr(secrets, f"{verb}_secret_version")(name=name).state.name


def create_key(ring, name, purpose):
    return keys.create_crypto_key(parent=ring, crypto_key_id=name, crypto_key={"purpose": kms.CryptoKey.CryptoKeyPurpose[purpose]}).name


def versions(name):
    return [[version.name, version.state.name] for version in keys.list_crypto_key_versions(parent=name)]


def disable(name):
    return keys.update_crypto_key_version(crypto_key_version={"name": name, "state": kms.CryptoKeyVersion.CryptoKeyVersionState.DISABLED}, update_mask="state").state.name


def primary(name):
    return keys.get_crypto_key(name=name).primary.name


def rotate(name):
    made = keys.create_crypto_key_version(parent=name, crypto_key_version={}).name
    return keys.update_crypto_key_primary_version(name=name, crypto_key_version_id=made.rsplit("/", 1)[1]).primary.name


def encrypt(name, plain, bound):
    done = keys.encrypt({"name": name, "plaintext": bytes(plain), "additional_authenticated_data": bound.encode()})
    return [done.name, list(done.ciphertext)]


def decrypt(name, sealed, bound):
    return list(keys.decrypt({"name": name, "ciphertext": bytes(sealed), "additional_authenticated_data": bound.encode()}).plaintext)


def told(name, arguments):
    try:
        return globals()[name](*arguments)
    except exceptions.GoogleAPICallError as error:
        return {"raised": type(error).__name__}


print(json.dumps([told(name, arguments) for name, *arguments in asked["calls"]]))
