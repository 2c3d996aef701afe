-- Passkeys: a credential belongs to one person of all tenants, and what verifies it never changes.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE UNIQUE INDEX factor_credential_once ON identity.factor (credential_id) WHERE credential_id IS NOT NULL;
REVOKE UPDATE (material) ON identity.factor FROM kg_auth;
RESET ROLE;
SET LOCAL ROLE kg_sec;
CREATE OR REPLACE FUNCTION sec.guard_factor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.counter < OLD.counter THEN RAISE EXCEPTION 'kg: a factor''s count never goes back' USING ERRCODE = '42501'; END IF;
  IF OLD.confirmed_at IS NOT NULL AND NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at THEN
    RAISE EXCEPTION 'kg: a factor is confirmed once' USING ERRCODE = '42501'; END IF;
  IF (NEW.material, NEW.credential_id, NEW.kind, NEW.principal_id) IS DISTINCT FROM (OLD.material, OLD.credential_id, OLD.kind, OLD.principal_id) THEN
    RAISE EXCEPTION 'kg: what verifies a factor never changes' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
RESET ROLE;
