# What Keepgate needs of OpenBao: a key `keepgate` of the transit engine, and the secrets below `secret/keepgate/`. Not more: with
# `create` on encrypt, OpenBao would make a key of any name that is asked for.
path "transit/encrypt/keepgate" { capabilities = ["update"] }
path "transit/decrypt/keepgate" { capabilities = ["update"] }
path "transit/keys/keepgate" { capabilities = ["read"] }
# Only where `keepgate keys rotate` is to rotate the root key.
path "transit/keys/keepgate/rotate" { capabilities = ["update"] }
path "secret/data/keepgate/*" { capabilities = ["read"] }
