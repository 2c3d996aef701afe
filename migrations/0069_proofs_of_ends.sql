-- Each version of a tenant's key has a proof of its end: random bytes that nobody reads before two people's decision has ended it. They
-- are kept with the tombstone outside. A database from before ends the key again for whoever brings them, and for nobody else.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- There are few rows, and each needs another value.
-- squawk-ignore adding-field-with-default
ALTER TABLE keys.data_key ADD COLUMN end_proof bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
  CHECK (length(end_proof) = 32);
REVOKE SELECT ON keys.data_key FROM kg_app;
GRANT SELECT (tenant_id, version, kek, wrapped, created_at, destroy_after, destroy_approval, recovery_to, recovery, destroyed_at) ON keys.data_key TO kg_app;
GRANT SELECT (end_proof) ON keys.data_key TO kg_sec;

SET LOCAL ROLE kg_sec;
DROP FUNCTION gate.end_data_key(int, bool);
-- The end: no copy is left here, nor of the recovery key. For the tenant's worker: of a key whose days of grace are over, or with the proof
-- that it was ended before, because this database is older than that. Every instance is told.
CREATE FUNCTION gate.end_data_key(p_version int, p_proof bytea) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.worker();
BEGIN
  IF home IS NULL THEN RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  IF p_proof IS NOT NULL AND gate.proves_end(p_version, p_proof) IS FALSE THEN
    RAISE EXCEPTION 'kg: that proves another key''s end' USING ERRCODE = '42501'; END IF;
  UPDATE keys.data_key k SET wrapped = NULL, recovery_to = NULL, recovery = NULL, destroyed_at = clock_timestamp(),
      destroy_after = coalesce(k.destroy_after, clock_timestamp()), destroy_approval = coalesce(k.destroy_approval, '00000000-0000-0000-0000-000000000000')
   WHERE k.tenant_id = home AND k.version = p_version AND k.destroyed_at IS NULL
     AND (k.destroy_after <= clock_timestamp() OR sha256(k.end_proof) = sha256(p_proof));
  IF NOT FOUND THEN RETURN false; END IF;
  NOTIFY kg_key_end; -- a hint without content: anybody can send one
  RETURN true;
END $$;

-- Whether that is the proof of the key that goes by this version here. Null when there is none, or it has ended.
CREATE FUNCTION gate.proves_end(p_version int, p_proof bytea) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(k.end_proof) = sha256(p_proof) FROM keys.data_key k
   WHERE k.tenant_id = (SELECT gate.worker()) AND k.version = p_version AND k.destroyed_at IS NULL $$;

-- What has ended, with the proof that may be known from then on.
CREATE FUNCTION gate.ended_data_keys() RETURNS TABLE (version int, destroyed_at timestamptz, proof bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.version, k.destroyed_at, k.end_proof FROM keys.data_key k
   WHERE k.tenant_id = (SELECT gate.worker()) AND k.destroyed_at IS NOT NULL ORDER BY k.version $$;
GRANT EXECUTE ON FUNCTION gate.end_data_key(int, bytea), gate.proves_end(int, bytea), gate.ended_data_keys() TO kg_app;
RESET ROLE;
