-- A password too short to be the only factor stands beside a second one (NIST SP 800-63B-4, 3.1.1.2), whatever the service asks for; and
-- whoever two people let in again begins without the factors of before.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
ALTER TABLE identity.password ADD COLUMN short boolean NOT NULL DEFAULT false;
GRANT INSERT (short), UPDATE (short) ON identity.password TO kg_auth;
GRANT SELECT (short), UPDATE (short), DELETE ON identity.password TO kg_sec;
CREATE POLICY sec_d ON identity.password FOR DELETE TO kg_sec USING (short);
RESET ROLE;

SET LOCAL ROLE kg_sec;
-- The function of two arguments stays for earlier versions, whose passwords are never short.
CREATE FUNCTION gate.renew_password(p_present bytea, p_new text, p_short boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF gate.tenant(1, 7) IS NULL OR (gate.ctx())[2] IS DISTINCT FROM 'ses' THEN RAISE EXCEPTION 'kg: a session changes its own password' USING ERRCODE = '42501'; END IF;
  UPDATE identity.password w SET phc = p_new, short = p_short, changed_at = now()
   WHERE w.tenant_id = gate.tenant(1, 7) AND w.principal_id = gate.subject() AND sha256(convert_to(w.phc, 'UTF8')) = p_present;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM identity.mfa_challenge WHERE tenant_id = gate.tenant(1, 7) AND principal_id = gate.subject();
  RETURN true;
END $$;
GRANT EXECUTE ON FUNCTION gate.renew_password(bytea, text, boolean) TO kg_app;

-- At the commit, so that an app may take the place of another. The lock makes a password that is set and a factor that goes at the
-- same time see each other.
CREATE FUNCTION sec.guard_short_password() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := coalesce(NEW.tenant_id, OLD.tenant_id); who uuid := coalesce(NEW.principal_id, OLD.principal_id);
BEGIN
  PERFORM FROM rbac.principal p WHERE p.tenant_id = t AND p.id = who FOR NO KEY UPDATE;
  IF EXISTS (SELECT FROM identity.password w WHERE w.tenant_id = t AND w.principal_id = who AND w.short)
     AND NOT EXISTS (SELECT FROM identity.factor f WHERE f.tenant_id = t AND f.principal_id = who AND f.confirmed_at IS NOT NULL) THEN
    RAISE EXCEPTION 'kg: a short password stands beside a second factor' USING ERRCODE = '42501'; END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_short_password() TO kg_owner;

CREATE OR REPLACE FUNCTION sec.clear_factors(p_tenant uuid, p_principal uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE cleared bigint;
BEGIN
  DELETE FROM identity.mfa_challenge WHERE tenant_id = p_tenant AND principal_id = p_principal;
  DELETE FROM identity.recovery_code WHERE tenant_id = p_tenant AND principal_id = p_principal;
  DELETE FROM identity.password WHERE tenant_id = p_tenant AND principal_id = p_principal AND short;
  DELETE FROM identity.factor WHERE tenant_id = p_tenant AND principal_id = p_principal;
  GET DIAGNOSTICS cleared = ROW_COUNT;
  RETURN cleared;
END $$;
CREATE OR REPLACE FUNCTION sec.let_in_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.session s SET revoked_at = now()
   WHERE s.tenant_id = NEW.tenant_id AND s.principal_id = NEW.principal_id AND s.revoked_at IS NULL;
  PERFORM sec.clear_factors(NEW.tenant_id, NEW.principal_id);
  RETURN NULL;
END $$;

SET LOCAL ROLE kg_owner;
CREATE CONSTRAINT TRIGGER beside AFTER INSERT OR UPDATE ON identity.password DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.short) EXECUTE FUNCTION sec.guard_short_password();
CREATE CONSTRAINT TRIGGER beside AFTER DELETE ON identity.factor DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.confirmed_at IS NOT NULL) EXECUTE FUNCTION sec.guard_short_password();
ALTER TABLE identity.password ENABLE ALWAYS TRIGGER beside;
ALTER TABLE identity.factor ENABLE ALWAYS TRIGGER beside;
RESET ROLE;
