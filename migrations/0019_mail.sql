-- Mail to people about their accounts, and one-time codes for forgotten passwords. No code lies here: the worker makes it when it
-- sends the mail, and keeps its hash alone.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE identity.mail (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  id           uuid NOT NULL,
  -- 'recovery': somebody typed an address (sealed; in the platform's tenant, so that known and unknown ones look alike).
  -- 'reset': a code is to be made for the principal. Anything else: a notice.
  kind         text NOT NULL CHECK (kind ~ '^[a-z]+(-[a-z]+)*$' AND length(kind) <= 40),
  principal_id uuid,
  sealed       bytea CHECK (length(sealed) <= 1024),
  attempts     int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_at      timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK ((kind = 'recovery') = (principal_id IS NULL) AND (kind = 'recovery') = (sealed IS NOT NULL)),
  CHECK (expires_at <= created_at + interval '3 days')
);
CREATE INDEX mail_due ON identity.mail (next_at);
CREATE TABLE identity.reset (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  principal_id uuid NOT NULL,
  code_hash    bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz, -- used, or replaced by a newer one
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK (expires_at <= created_at + interval '30 minutes')
);
CREATE INDEX reset_principal ON identity.reset (tenant_id, principal_id);
ALTER TABLE identity.mail ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.mail FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.reset ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.reset FORCE ROW LEVEL SECURITY;
GRANT INSERT (tenant_id, id, kind, principal_id, expires_at) ON identity.mail TO kg_app;
GRANT SELECT, INSERT (tenant_id, id, kind, principal_id, sealed, expires_at), UPDATE (attempts, next_at), DELETE ON identity.mail TO kg_auth;
GRANT SELECT, INSERT (tenant_id, id, principal_id, code_hash, expires_at), UPDATE (used_at) ON identity.reset TO kg_auth;
GRANT SELECT (tenant_id, kind, next_at) ON identity.mail TO kg_sec;
GRANT SELECT (tenant_id, code_hash) ON identity.reset TO kg_sec;
-- People cause notices to themselves, and from level 4 up to others; a code is asked for through the guard alone.
CREATE POLICY app_i ON identity.mail FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(1, 7))
  AND (principal_id = (SELECT gate.subject()) AND kind <> 'reset' OR (SELECT gate.level()) >= 4));
CREATE POLICY hat_i ON identity.mail AS RESTRICTIVE FOR INSERT TO kg_app WITH CHECK ((SELECT gate.hat()) IS NULL OR principal_id = (SELECT gate.subject()));
CREATE POLICY hat_u ON identity.mail AS RESTRICTIVE FOR UPDATE TO kg_app USING ((SELECT gate.hat()) IS NULL) WITH CHECK ((SELECT gate.hat()) IS NULL);
CREATE POLICY hat_d ON identity.mail AS RESTRICTIVE FOR DELETE TO kg_app USING ((SELECT gate.hat()) IS NULL);
CREATE POLICY auth ON identity.mail TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth ON identity.reset TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY sec_r ON identity.mail FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON identity.reset FOR SELECT TO kg_sec USING (true);

SET LOCAL ROLE kg_sec;
-- A code for somebody else is asked for from above only, by somebody who has just proved who it is; the code goes to its owner.
CREATE FUNCTION sec.guard_mail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me int; them int;
BEGIN
  IF NEW.kind = 'reset' AND gate.level() IS DISTINCT FROM 0 THEN
    PERFORM sec.demand_fresh(NEW.tenant_id, NEW.principal_id);
    SELECT r.level INTO me FROM rbac.role_assignment r
     WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = gate.subject() AND r.revoked_at IS NULL AND r.hat IS NULL FOR SHARE;
    SELECT r.level INTO them FROM rbac.role_assignment r WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.revoked_at IS NULL;
    IF me IS NULL OR me < 4 OR them IS NULL OR them >= me THEN RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_mail() TO kg_owner;
-- Where mail is due, and where a code lives: for the platform's own worker only.
CREATE FUNCTION gate.due_mail(p_limit int) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.tenant_id FROM identity.mail m JOIN rbac.tenant t ON t.id = m.tenant_id AND t.status = 'active'
   WHERE gate.platform_worker() AND m.next_at <= clock_timestamp() GROUP BY m.tenant_id ORDER BY min(m.next_at) LIMIT p_limit $$;
CREATE FUNCTION gate.home_of_reset(p_hash bytea) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.tenant_id FROM identity.reset r WHERE gate.platform_worker() AND r.code_hash = p_hash $$;
GRANT EXECUTE ON FUNCTION gate.due_mail(int), gate.home_of_reset(bytea) TO kg_auth;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE INSERT ON identity.mail FOR EACH ROW EXECUTE FUNCTION sec.guard_mail();
ALTER TABLE identity.mail ENABLE ALWAYS TRIGGER guard;
-- What asks for mail is part of an operation; sending and dropping it is bookkeeping.
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON identity.mail DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE identity.mail ENABLE ALWAYS TRIGGER audited;
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON identity.reset DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE identity.reset ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
