-- What witnesses said about checkpoints: cosignatures, which sizes met the quorum, and contradictions. Append-only.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.cosignature (
  tenant_id uuid NOT NULL,                                          -- of the log; its checkpoint has this size and root
  size      bigint NOT NULL CHECK (size >= 0),
  root      bytea NOT NULL CHECK (length(root) = 32),
  cosigner  text NOT NULL CHECK (length(cosigner) BETWEEN 10 AND 300), -- name+id of the key
  line      text NOT NULL CHECK (length(line) <= 6000),             -- the signature line of the note
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, size, root, cosigner, at)
);
CREATE TABLE audit.witnessed (
  tenant_id uuid NOT NULL,
  size      bigint NOT NULL CHECK (size >= 0),
  root      bytea NOT NULL CHECK (length(root) = 32),
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, size, root)
);
-- A witness saw another past, or a longer one. What was asked and answered is kept as it was.
CREATE TABLE audit.witness_alarm (
  tenant_id uuid NOT NULL,
  witness   text NOT NULL CHECK (length(witness) BETWEEN 1 AND 200),
  kind      text NOT NULL CHECK (kind IN ('inconsistent', 'ahead')),
  told      bigint NOT NULL CHECK (told >= 0),                      -- the size from which on the two differ, as far as is known
  request   text NOT NULL CHECK (length(request) <= 20000),
  answer    text NOT NULL CHECK (length(answer) <= 4000),
  at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, witness, kind, told)
);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['cosignature', 'witnessed', 'witness_alarm'] LOOP
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT ON audit.%I TO kg_integrator, kg_auditor', t);
    EXECUTE format('CREATE POLICY auditor_r ON audit.%I FOR SELECT TO kg_auditor USING (true)', t);
    EXECUTE format('CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.%I FOR EACH ROW EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER nochange', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['cosignature', 'witnessed'] LOOP
    EXECUTE format('GRANT INSERT ON audit.%I TO kg_integrator', t);
    EXECUTE format('GRANT SELECT ON audit.%I TO kg_app', t);
    EXECUTE format('CREATE POLICY integrator ON audit.%I TO kg_integrator USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY app_r ON audit.%I FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))))', t);
  END LOOP;
END $$;
CREATE POLICY integrator_r ON audit.witness_alarm FOR SELECT TO kg_integrator USING (true);
-- By Keepgate's own worker in the tenant of the log, with the entry that tells about it.
GRANT SELECT, INSERT ON audit.witness_alarm TO kg_sec;
CREATE POLICY sec ON audit.witness_alarm TO kg_sec USING (true) WITH CHECK (true);
SET LOCAL ROLE kg_sec;
CREATE FUNCTION gate.witness_alarm(p_witness text, p_kind text, p_told bigint, p_request text, p_answer text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF gate.worker() IS NULL THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  INSERT INTO audit.witness_alarm (tenant_id, witness, kind, told, request, answer)
    VALUES (gate.worker(), p_witness, p_kind, p_told, p_request, p_answer) ON CONFLICT DO NOTHING;
END $$;
GRANT EXECUTE ON FUNCTION gate.witness_alarm(text, text, bigint, text, text) TO kg_app;
SET LOCAL ROLE kg_owner;
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON audit.witness_alarm
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE audit.witness_alarm ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
