-- Wrapped keys: the key that opens them is not in the database.
SET LOCAL ROLE kg_owner;
CREATE TABLE keys.data_key (
  tenant_id  uuid NOT NULL REFERENCES rbac.tenant,
  version    int NOT NULL CHECK (version >= 1),
  kek        text NOT NULL CHECK (kek ~ '^[0-9a-f]{16}$'),
  wrapped    bytea NOT NULL CHECK (length(wrapped) = 60), -- nonce, key, tag
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, version)
);
CREATE TABLE keys.signing_key (
  tenant_id  uuid NOT NULL REFERENCES rbac.tenant,
  purpose    text NOT NULL CHECK (purpose IN ('audit-log')),
  kek        text NOT NULL CHECK (kek ~ '^[0-9a-f]{16}$'),
  wrapped    bytea NOT NULL CHECK (length(wrapped) = 60),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, purpose)
);
ALTER TABLE keys.data_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys.data_key FORCE ROW LEVEL SECURITY;
ALTER TABLE keys.signing_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys.signing_key FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (tenant_id, version, kek, wrapped) ON keys.data_key TO kg_app;
GRANT SELECT, INSERT (tenant_id, purpose, kek, wrapped) ON keys.signing_key TO kg_integrator;
CREATE POLICY worker ON keys.data_key TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY integrator ON keys.signing_key TO kg_integrator USING (true) WITH CHECK (true);
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON keys.data_key
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE keys.data_key ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
