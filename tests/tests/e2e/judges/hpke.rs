//! pyhpke: RFC 9180 as somebody else wrote it.
use std::path::PathBuf;

use serde_json::Value;
use tokio::process::Command;

use super::install::{ask, installed, missing, pip};

/// The judge and its exact version.
const HPKE: &str = "pyhpke==0.6.5";

/// Opens `copies` with `private`, and seals the bytes 0 to 31 to `public` with `aad`.
const SCRIPT: &str = r#"
import json, sys
from pyhpke import AEADId, CipherSuite, KDFId, KEMId
suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
asked = json.load(sys.stdin)
info = asked["info"].encode()
key = suite.kem.deserialize_private_key(bytes.fromhex(asked["private"]))
def opened(copy):
    raw = bytes.fromhex(copy["copy"])
    return suite.create_recipient_context(raw[:32], key, info=info).open(raw[32:], aad=copy["context"].encode()).hex()
public = suite.kem.deserialize_public_key(bytes.fromhex(asked["public"]))
enc, sender = suite.create_sender_context(public, info=info)
own = enc + sender.seal(bytes(range(32)), aad=asked["aad"].encode())
json.dump({"opened": [opened(copy) for copy in asked["copies"]], "own": own.hex()}, sys.stdout)
"#;

/// Its answer; `None`, with a word, where it can't be had.
pub async fn hpke(asked: &Value) -> Option<Value> {
    let packages: Option<PathBuf> = installed(HPKE, "pyhpke", |aside| pip(aside, &[HPKE])).await;
    let Some(packages) = packages else {
        missing(HPKE);
        return None;
    };
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", packages).args(["-c", SCRIPT]);
    Some(ask(python, asked).await)
}
