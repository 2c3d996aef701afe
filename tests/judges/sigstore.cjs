// Asks @sigstore/verify about proofs: {"origin", "spki", "id", "proofs": [{"name", "index", "hashes", "checkpoint", "entry"}]}
// -> {name: null or what is wrong}. Bytes are base64. The first argument is the folder of node_modules.
const path = require("node:path");
const { createPublicKey } = require("node:crypto");
const dist = path.join(process.argv[2], "@sigstore/verify/dist/tlog");
const { verifyCheckpoint } = require(path.join(dist, "checkpoint.js"));
const { verifyMerkleInclusion } = require(path.join(dist, "merkle.js"));

const bytes = (text) => Buffer.from(text, "base64");

function verdict(asked, proof) {
  const log = {
    logID: bytes(asked.id),
    baseURL: asked.origin,
    publicKey: createPublicKey({ key: bytes(asked.spki), format: "der", type: "spki" }),
  };
  const entry = {
    canonicalizedBody: bytes(proof.entry),
    inclusionProof: {
      logIndex: String(proof.index),
      hashes: proof.hashes.map(bytes),
      checkpoint: { envelope: proof.checkpoint },
    },
  };
  try {
    verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
    return null;
  } catch (error) {
    return String(error.message);
  }
}

const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(asked.proofs.map((proof) => [proof.name, verdict(asked, proof)]))));
