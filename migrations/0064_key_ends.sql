-- A tenant's key: the next version, the way back within the days of grace, and the end.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
GRANT INSERT (tenant_id, version, kek, wrapped, recovery_to, recovery), UPDATE (wrapped, recovery_to, recovery, destroyed_at),
  SELECT (destroyed_at) ON keys.data_key TO kg_sec;
CREATE POLICY sec_i ON keys.data_key FOR INSERT TO kg_sec WITH CHECK (destroy_after IS NULL AND destroyed_at IS NULL);
ALTER POLICY sec_u ON keys.data_key USING (destroyed_at IS NULL) WITH CHECK (destroyed_at IS NULL OR destroy_after IS NOT NULL);

SET LOCAL ROLE kg_sec;
-- Whichever function it was: a key that is gone stays gone, and no version becomes another.
CREATE FUNCTION sec.guard_data_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.destroyed_at IS NOT NULL OR (NEW.tenant_id, NEW.version, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.version, OLD.created_at) THEN
    RAISE EXCEPTION 'kg: a data key only moves forward' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_data_key() TO kg_owner;

DROP FUNCTION gate.key_states();
CREATE FUNCTION gate.key_states() RETURNS TABLE (version int, created_at timestamptz, destroy_after timestamptz, destroyed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.version, k.created_at, k.destroy_after, k.destroyed_at FROM keys.data_key k WHERE k.tenant_id = (SELECT gate.tenant(4, 5)) ORDER BY k.version $$;

-- The next version, for an owner. False when it is not the next any more.
CREATE FUNCTION gate.rotate_data_key(p_version int, p_kek text, p_wrapped bytea, p_recovery_to text, p_recovery bytea) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.tenant(5, 5);
BEGIN
  IF home IS NULL OR gate.hat() IS NOT NULL THEN RAISE EXCEPTION 'kg: only an owner rotates a key' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(home, NULL);
  IF p_version IS DISTINCT FROM (SELECT coalesce(max(k.version), 0) + 1 FROM keys.data_key k WHERE k.tenant_id = home) THEN RETURN false; END IF;
  INSERT INTO keys.data_key (tenant_id, version, kek, wrapped, recovery_to, recovery) VALUES (home, p_version, p_kek, p_wrapped, p_recovery_to, p_recovery)
    ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

-- Back, while the days of grace last. False when it is not marked, or gone.
CREATE FUNCTION gate.keep_data_key(p_version int) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.tenant(5, 5);
BEGIN
  IF home IS NULL OR gate.hat() IS NOT NULL THEN RAISE EXCEPTION 'kg: only an owner keeps a key' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(home, NULL);
  UPDATE keys.data_key k SET destroy_after = NULL, destroy_approval = NULL
   WHERE k.tenant_id = home AND k.version = p_version AND k.destroy_after > clock_timestamp() AND k.destroyed_at IS NULL;
  RETURN FOUND;
END $$;

-- The end: no copy is left here, nor of the recovery key. For the tenant's worker; `p_again` for one whose end is on record outside,
-- because this database is older than it.
CREATE FUNCTION gate.end_data_key(p_version int, p_again bool) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.worker();
BEGIN
  IF home IS NULL THEN RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  UPDATE keys.data_key k SET wrapped = NULL, recovery_to = NULL, recovery = NULL, destroyed_at = clock_timestamp(),
      destroy_after = coalesce(k.destroy_after, clock_timestamp()), destroy_approval = coalesce(k.destroy_approval, '00000000-0000-0000-0000-000000000000')
   WHERE k.tenant_id = home AND k.version = p_version AND k.destroyed_at IS NULL AND (p_again OR k.destroy_after <= clock_timestamp());
  RETURN FOUND;
END $$;

-- Where keys are due or gone, for the platform's own worker.
CREATE FUNCTION gate.tenants_with_key_ends() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT k.tenant_id FROM keys.data_key k WHERE (SELECT gate.platform_worker()) AND (k.destroyed_at IS NOT NULL OR k.destroy_after <= now()) $$;
GRANT EXECUTE ON FUNCTION gate.key_states(), gate.rotate_data_key(int, text, bytea, text, bytea), gate.keep_data_key(int), gate.end_data_key(int, bool),
  gate.tenants_with_key_ends() TO kg_app;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON keys.data_key FOR EACH ROW EXECUTE FUNCTION sec.guard_data_key();
ALTER TABLE keys.data_key ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER notruncate BEFORE TRUNCATE ON keys.data_key FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE keys.data_key ENABLE ALWAYS TRIGGER notruncate;
RESET ROLE;
