-- What a root key wrapped is wrapped anew: by its next version, or by another root key. Seeds and the installation's key get a copy for
-- the recovery key too, as tenants' keys have. No data is touched.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['keys.signing_key', 'keys.instance_key', 'identity.signing_key'] LOOP
    EXECUTE format('ALTER TABLE %s ADD COLUMN recovery_to text CHECK (recovery_to ~ ''^[!-~]+$'' AND length(recovery_to) <= 300)', t);
    EXECUTE format('ALTER TABLE %s ADD COLUMN recovery bytea CHECK (length(recovery) = 80)', t);
    -- A seed that is gone has no copy.
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT recovery_copy CHECK ((recovery_to IS NULL) = (recovery IS NULL) AND (recovery IS NULL OR kek IS NOT NULL)) NOT VALID', t);
    EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT recovery_copy', t);
  END LOOP;
END $$;
GRANT UPDATE (recovery_to, recovery) ON keys.signing_key, keys.instance_key TO kg_integrator;
GRANT UPDATE (recovery_to, recovery) ON identity.signing_key TO kg_sec;
GRANT SELECT (kek, wrapped, recovery_to, recovery), UPDATE (kek) ON keys.data_key TO kg_sec;
GRANT SELECT (kek, recovery_to) ON keys.signing_key, keys.instance_key TO kg_sec;
CREATE POLICY sec_r ON keys.instance_key FOR SELECT TO kg_sec USING (true);

SET LOCAL ROLE kg_sec;
-- Whoever wraps anew names another root key, or another version of it.
CREATE OR REPLACE FUNCTION sec.guard_data_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.destroyed_at IS NOT NULL OR (NEW.tenant_id, NEW.version, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.version, OLD.created_at)
     OR (NEW.wrapped IS NOT NULL AND (NEW.wrapped IS DISTINCT FROM OLD.wrapped) <> (NEW.kek IS DISTINCT FROM OLD.kek)) THEN
    RAISE EXCEPTION 'kg: a data key only moves forward' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION sec.guard_log_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.tenant_id, NEW.purpose, NEW.version, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.purpose, OLD.version, OLD.created_at)
     OR (OLD.public IS NOT NULL AND NEW.public IS DISTINCT FROM OLD.public)
     OR (OLD.signs_until IS NOT NULL AND NEW.signs_until IS DISTINCT FROM OLD.signs_until)
     OR (OLD.destroyed_at IS NOT NULL AND NEW.destroyed_at IS DISTINCT FROM OLD.destroyed_at)
     OR (NEW.destroyed_at IS NOT NULL AND NEW.signs_until > clock_timestamp())
     OR (NEW.wrapped IS NOT NULL AND NEW.wrapped IS DISTINCT FROM OLD.wrapped AND NEW.kek IS NOT DISTINCT FROM OLD.kek) THEN
    RAISE EXCEPTION 'kg: a key of a log only moves forward' USING ERRCODE = '42501'; END IF;
  IF NEW.wrapped IS NULL THEN NEW.recovery_to := NULL; NEW.recovery := NULL; END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION sec.guard_signing_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.kid, NEW.public, NEW.created_at) IS DISTINCT FROM (OLD.kid, OLD.public, OLD.created_at)
     OR (OLD.activated_at IS NOT NULL AND NEW.activated_at IS DISTINCT FROM OLD.activated_at)
     OR (OLD.retired_at IS NOT NULL AND NEW.retired_at IS DISTINCT FROM OLD.retired_at)
     OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
     OR (NEW.sealed IS NOT NULL AND NEW.sealed IS DISTINCT FROM OLD.sealed AND NEW.kek IS NOT DISTINCT FROM OLD.kek) THEN
    RAISE EXCEPTION 'kg: a signing key only moves forward' USING ERRCODE = '42501'; END IF;
  IF NEW.sealed IS NULL THEN NEW.recovery_to := NULL; NEW.recovery := NULL; END IF;
  RETURN NEW;
END $$;

-- Whether the caller wraps a tenant's keys anew: its own worker, or the platform's where the tenant is suspended and nobody enters.
CREATE FUNCTION sec.rewraps(p_tenant uuid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coalesce(gate.worker() = p_tenant, false) OR (gate.platform_worker() AND EXISTS (SELECT FROM rbac.tenant t WHERE t.id = p_tenant AND t.status <> 'active'));
END $$;

-- What the root key wrapped, counted: by its name, and without a copy for that recovery key. For the platform's own worker.
CREATE FUNCTION gate.root_uses(p_recovery_to text) RETURNS TABLE (kind text, kek text, keys bigint, uncopied bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.kind, u.kek, count(*), count(*) FILTER (WHERE u.recovery_to IS DISTINCT FROM p_recovery_to) FROM (
    SELECT 'installation' AS kind, i.kek, i.recovery_to FROM keys.instance_key i
    UNION ALL SELECT 'tenant-key', d.kek, d.recovery_to FROM keys.data_key d WHERE d.destroyed_at IS NULL
    UNION ALL SELECT 'log-seed', l.kek, l.recovery_to FROM keys.signing_key l WHERE l.destroyed_at IS NULL
    UNION ALL SELECT 'token-seed', s.kek, s.recovery_to FROM identity.signing_key s WHERE s.kek IS NOT NULL
    UNION ALL SELECT 'person-key', p.kek, p_recovery_to FROM keys.subject_key p WHERE p.kek NOT LIKE 'tenant:%') u
  WHERE (SELECT gate.platform_worker()) GROUP BY u.kind, u.kek ORDER BY u.kind, u.kek $$;

-- The tenants with keys that another root key wrapped than `p_kek`, or that have no copy for `p_recovery_to`. For the platform's own worker.
CREATE FUNCTION gate.tenants_to_rewrap(p_kek text, p_recovery_to text) RETURNS TABLE (tenant uuid, active bool, keys bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.tenant_id, t.status = 'active', count(*) FROM keys.data_key d JOIN rbac.tenant t ON t.id = d.tenant_id
  WHERE (SELECT gate.platform_worker()) AND d.destroyed_at IS NULL AND (d.kek <> p_kek OR (p_recovery_to IS NOT NULL AND d.recovery_to IS DISTINCT FROM p_recovery_to))
  GROUP BY d.tenant_id, t.status ORDER BY d.tenant_id $$;

-- A tenant's wrapped keys, for whoever wraps them anew.
CREATE FUNCTION gate.root_wrapped_keys(p_tenant uuid) RETURNS TABLE (version int, kek text, wrapped bytea, recovery_to text, recovery bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.version, d.kek, d.wrapped, d.recovery_to, d.recovery FROM keys.data_key d
  WHERE d.tenant_id = p_tenant AND d.destroyed_at IS NULL AND (SELECT sec.rewraps(p_tenant)) ORDER BY d.version $$;

-- One of them, if it still is what `p_was` says. False when it changed meanwhile, or was destroyed.
CREATE FUNCTION gate.rewrap_data_key(p_tenant uuid, p_version int, p_was bytea, p_kek text, p_wrapped bytea, p_recovery_to text, p_recovery bytea) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sec.rewraps(p_tenant) IS NOT TRUE OR p_kek IS NULL OR p_wrapped IS NULL THEN RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  UPDATE keys.data_key d SET kek = p_kek, wrapped = p_wrapped, recovery_to = coalesce(p_recovery_to, d.recovery_to), recovery = coalesce(p_recovery, d.recovery)
   WHERE d.tenant_id = p_tenant AND d.version = p_version AND d.wrapped = p_was AND d.destroyed_at IS NULL;
  RETURN FOUND;
END $$;

-- The same for the seeds of access tokens: for the platform's own worker as kg_auth.
CREATE FUNCTION gate.root_wrapped_seeds() RETURNS TABLE (kid text, kek text, sealed bytea, recovery_to text, recovery bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.kid, s.kek, s.sealed, s.recovery_to, s.recovery FROM identity.signing_key s
  WHERE s.sealed IS NOT NULL AND session_user = 'kg_auth' AND (SELECT gate.platform_worker()) ORDER BY s.kid $$;
CREATE FUNCTION gate.rewrap_seed(p_kid text, p_was bytea, p_kek text, p_sealed bytea, p_recovery_to text, p_recovery bytea) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF session_user <> 'kg_auth' OR gate.platform_worker() IS NOT TRUE OR p_kek IS NULL OR p_sealed IS NULL THEN
    RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  UPDATE identity.signing_key s SET kek = p_kek, sealed = p_sealed, recovery_to = coalesce(p_recovery_to, s.recovery_to), recovery = coalesce(p_recovery, s.recovery)
   WHERE s.kid = p_kid AND s.sealed = p_was;
  RETURN FOUND;
END $$;
GRANT EXECUTE ON FUNCTION gate.root_uses(text), gate.tenants_to_rewrap(text, text), gate.root_wrapped_keys(uuid),
  gate.rewrap_data_key(uuid, int, bytea, text, bytea, text, bytea) TO kg_app;
GRANT EXECUTE ON FUNCTION gate.root_wrapped_seeds(), gate.rewrap_seed(text, bytea, text, bytea, text, bytea) TO kg_auth;
RESET ROLE;
