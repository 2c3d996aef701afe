-- Counters of failed log-ins: accounts, browsers that logged in before, addresses, networks, spraying. Unlogged: after a crash of
-- the database they begin anew, and what each process remembers of addresses still holds.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
ALTER TABLE identity.throttle SET UNLOGGED;
ALTER TABLE identity.throttle
  ADD COLUMN level double precision NOT NULL DEFAULT 0 CHECK (level >= 0),  -- how full a leaky bucket was at updated_at
  ADD COLUMN strikes int NOT NULL DEFAULT 0 CHECK (strikes >= 0),           -- blocks so far
  ADD COLUMN seen bytea NOT NULL DEFAULT '' CHECK (length(seen) <= 12 * 60); -- accounts failed on, for spraying
GRANT INSERT (updated_at), UPDATE (level, strikes, seen) ON identity.throttle TO kg_auth;
-- What a new password must not be made of.
GRANT SELECT (id, name) ON rbac.tenant TO kg_auth;
CREATE POLICY auth_r ON rbac.tenant FOR SELECT TO kg_auth USING (id = (SELECT gate.worker()));

-- A session changes its own principal's password, and only in place of the verifier that the front desk has just compared: the
-- service's role can't read it, so it can't name its hash.
GRANT SELECT (tenant_id, principal_id, phc), UPDATE (phc, changed_at) ON identity.password TO kg_sec;
CREATE POLICY sec_r ON identity.password FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_u ON identity.password FOR UPDATE TO kg_sec USING (true) WITH CHECK (true);
SET LOCAL ROLE kg_sec;
CREATE FUNCTION gate.renew_password(p_present bytea, p_new text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF gate.tenant(1, 7) IS NULL OR (gate.ctx())[2] IS DISTINCT FROM 'ses' THEN RAISE EXCEPTION 'kg: a session changes its own password' USING ERRCODE = '42501'; END IF;
  UPDATE identity.password w SET phc = p_new, changed_at = now()
   WHERE w.tenant_id = gate.tenant(1, 7) AND w.principal_id = gate.subject() AND sha256(convert_to(w.phc, 'UTF8')) = p_present;
  RETURN FOUND;
END $$;
GRANT EXECUTE ON FUNCTION gate.renew_password(bytea, text) TO kg_app;
RESET ROLE;
