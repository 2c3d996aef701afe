-- The removal of old months without an advisory lock, which `lockdown.sql` keeps from the owner's functions.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- Removes a month whose every entry is archived, but for the few of a bundle that is not complete. All or nothing; nobody writes into
-- a month that is over, so only the last steps lock anybody out, and they give way to whoever is at work for longer.
CREATE OR REPLACE FUNCTION audit.roll_off(p_month date) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE name text := 'entry_' || to_char(p_month, 'YYYYMM'); leaves jsonb; l jsonb; total bigint := 0; stay bool := false;
BEGIN
  LOCK TABLE audit.pruned IN SHARE ROW EXCLUSIVE MODE NOWAIT; -- one at a time
  IF NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = 'audit.entry'::regclass AND i.inhrelid = to_regclass('audit.' || name)) THEN
    RAISE EXCEPTION 'kg: there is no such month' USING ERRCODE = '42501'; END IF;
  SELECT jsonb_agg(to_jsonb(x)) INTO leaves FROM sec.leaving(p_month) x;
  FOR l IN SELECT jsonb_array_elements(leaves) LOOP
    total := total + (l->>'gone')::bigint;
    stay := stay OR jsonb_typeof(l->'stay_id') = 'array';
    IF (l->>'gone')::bigint > 0 THEN PERFORM sec.note_pruned((l->>'tenant')::uuid, p_month, (l->>'cut')::bigint, (l->>'gone')::bigint); END IF;
  END LOOP;
  IF leaves IS NOT NULL AND total = 0 THEN RETURN 0; END IF;
  LOCK TABLE audit.entry IN ACCESS EXCLUSIVE MODE;
  IF stay THEN
    CREATE TABLE audit.entry_stays (LIKE audit.entry INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
    GRANT INSERT ON audit.entry_stays TO kg_sec;
    FOR l IN SELECT jsonb_array_elements(leaves) LOOP
      CONTINUE WHEN jsonb_typeof(l->'stay_id') <> 'array';
      PERFORM sec.copy_entries('entry_stays', (l->>'tenant')::uuid, ARRAY(SELECT v::timestamptz FROM jsonb_array_elements_text(l->'stay_at') WITH ORDINALITY a (v, n) ORDER BY n),
        ARRAY(SELECT v::uuid FROM jsonb_array_elements_text(l->'stay_id') WITH ORDINALITY a (v, n) ORDER BY n));
    END LOOP;
    REVOKE ALL ON audit.entry_stays FROM kg_sec;
  END IF;
  EXECUTE format('ALTER TABLE audit.entry DETACH PARTITION audit.%I', name);
  EXECUTE format('DROP TABLE audit.%I', name);
  IF stay THEN
    EXECUTE format('ALTER TABLE audit.entry_stays RENAME TO %I', name);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE audit.entry ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)', name,
      p_month::text || ' 00:00:00+00', (p_month + interval '1 month')::date::text || ' 00:00:00+00');
  END IF;
  RETURN total;
END $$;
RESET ROLE;
