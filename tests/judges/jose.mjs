// Reads {jwks, issuer, audience, tokens: {name: token}} and tells which tokens jose (npm) believes.
// Usage: node jose.mjs NODE_MODULES; the service's certificate comes in NODE_EXTRA_CA_CERTS.
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const jose = await import(pathToFileURL(`${process.argv[2]}/jose/dist/webapi/index.js`));
const asked = JSON.parse(readFileSync(0, "utf8"));
const keys = jose.createRemoteJWKSet(new URL(asked.jwks));
const told = {};
for (const [name, token] of Object.entries(asked.tokens)) {
  try {
    const options = { issuer: asked.issuer, audience: asked.audience, algorithms: ["EdDSA"], typ: "at+jwt" };
    told[name] = (await jose.jwtVerify(token, keys, options)).payload.sub;
  } catch (error) {
    told[name] = null;
  }
}
console.log(JSON.stringify(told));
