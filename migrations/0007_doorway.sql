-- Idempotency keys: one acceptance for each, the answer kept sealed.
SET LOCAL ROLE kg_owner;
CREATE TABLE doorway.idempotency (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  principal_id uuid NOT NULL,
  key_hash     bytea NOT NULL CHECK (length(key_hash) = 32),
  request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
  entity       text NOT NULL,
  status       smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
  answer       bytea NOT NULL, -- sealed under the tenant's data key
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, principal_id, key_hash)
);
CREATE INDEX idempotency_age ON doorway.idempotency (tenant_id, principal_id, created_at);
ALTER TABLE doorway.idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE doorway.idempotency FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON doorway.idempotency TO kg_app;
CREATE POLICY app ON doorway.idempotency TO kg_app
  USING ((tenant_id = (SELECT gate.tenant(1, 7)) AND principal_id = (SELECT gate.subject())))
  WITH CHECK (tenant_id = (SELECT gate.tenant(1, 7)) AND principal_id = (SELECT gate.subject()));
RESET ROLE;
