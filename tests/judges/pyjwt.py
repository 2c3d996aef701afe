"""Reads {jwks, issuer, audience, ca, tokens: {name: token}} and tells which tokens PyJWT believes."""

import json
import ssl
import sys

import jwt

asked = json.load(sys.stdin)
keys = jwt.PyJWKClient(asked["jwks"], ssl_context=ssl.create_default_context(cafile=asked["ca"]))
told = {}
for name, token in asked["tokens"].items():
    try:
        key = keys.get_signing_key_from_jwt(token)
        required = {"require": ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]}
        claims = jwt.decode(
            token, key, algorithms=["EdDSA"], issuer=asked["issuer"], audience=asked["audience"], options=required
        )
        told[name] = claims["sub"]
    except jwt.PyJWTError:
        told[name] = None
print(json.dumps(told))
