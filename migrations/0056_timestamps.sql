-- Time stamps (RFC 3161) over the text of checkpoints of the log of logs. Append-only; for everybody who may read a log.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.meta_timestamp (
  size       bigint PRIMARY KEY CHECK (size > 0),
  root       bytea NOT NULL CHECK (length(root) = 32),
  token      bytea NOT NULL CHECK (length(token) BETWEEN 1 AND 65536),
  stamped_at timestamptz NOT NULL, -- by the authority's clock
  policy     text NOT NULL CHECK (policy ~ '^[0-9.]{3,200}$'),
  at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE audit.meta_timestamp ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.meta_timestamp FORCE ROW LEVEL SECURITY;
GRANT SELECT ON audit.meta_timestamp TO kg_app, kg_auditor, kg_integrator;
GRANT INSERT (size, root, token, stamped_at, policy) ON audit.meta_timestamp TO kg_integrator;
CREATE POLICY integrator ON audit.meta_timestamp TO kg_integrator USING (true) WITH CHECK (true);
CREATE POLICY auditor_r ON audit.meta_timestamp FOR SELECT TO kg_auditor USING (true);
CREATE POLICY app_r ON audit.meta_timestamp FOR SELECT TO kg_app
  USING ((SELECT gate.tenant(4, 5)) IS NOT NULL OR (SELECT gate.tenant(7, 7)) IS NOT NULL);
CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.meta_timestamp FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.meta_timestamp FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.meta_timestamp ENABLE ALWAYS TRIGGER nochange;
ALTER TABLE audit.meta_timestamp ENABLE ALWAYS TRIGGER notruncate;
RESET ROLE;
