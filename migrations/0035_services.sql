-- A key acts as a live service below its issuer, also when the service was there before.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
CREATE FUNCTION sec.guard_bearer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine int;
BEGIN
  IF sec.in_genesis() THEN RETURN NEW; END IF;
  SELECT r.level INTO mine FROM rbac.role_assignment r
   WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = gate.subject() AND r.revoked_at IS NULL FOR SHARE;
  PERFORM FROM rbac.role_assignment r JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.kind = 'service' AND p.status = 'active'
    WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.revoked_at IS NULL AND r.level < mine FOR SHARE OF r, p;
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_bearer() TO kg_owner;
SET LOCAL ROLE kg_owner;
CREATE TRIGGER bearer BEFORE INSERT ON identity.api_key FOR EACH ROW EXECUTE FUNCTION sec.guard_bearer();
ALTER TABLE identity.api_key ENABLE ALWAYS TRIGGER bearer;
RESET ROLE;
