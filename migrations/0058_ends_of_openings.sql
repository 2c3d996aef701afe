-- Openings end with the months of their entries, and those of callers nobody knows by age.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
-- Takes archived entries out of the search, and their openings away, so many at a time; says how many. The entries themselves are still there.
CREATE OR REPLACE FUNCTION sec.forget_searches(p_month date, p_limit int) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE gone bigint;
BEGIN
  PERFORM sec.demand_old(p_month);
  WITH f AS (
    SELECT x.tenant_id, x.idx FROM audit.archive a CROSS JOIN LATERAL (SELECT n.tenant_id, n.idx FROM audit.search n
        WHERE n.tenant_id = a.tenant_id AND n.idx >= a.from_idx AND n.idx < a.to_idx ORDER BY n.idx LIMIT p_limit) x
      WHERE a.month = p_month AND a.to_idx <= sec.archived_to(a.tenant_id) LIMIT p_limit
  ), s AS (
    DELETE FROM audit.search d USING f WHERE d.tenant_id = f.tenant_id AND d.idx = f.idx RETURNING d.tenant_id, d.idx
  ), e AS (
    SELECT e.tenant_id, e.id, e.opening_key FROM s JOIN audit.leaf l ON l.tenant_id = s.tenant_id AND l.idx = s.idx
      JOIN audit.entry e ON e.recorded_at = l.recorded_at AND e.tenant_id = l.tenant_id AND e.id = l.entry_id
  ), o AS (
    DELETE FROM audit.sealed_opening d USING e WHERE d.tenant_id = e.tenant_id AND d.key_id = e.opening_key AND d.entry_id = e.id
  ), v AS (
    DELETE FROM audit.opening d USING e WHERE d.tenant_id = e.tenant_id AND d.entry_id = e.id
  )
  SELECT count(*) INTO gone FROM s;
  RETURN gone;
END $$;

-- The keys under which a tenant seals addresses of callers nobody knows, once they are so many days old: at least a week, which no setting lowers. A
-- hold on everybody keeps those of its time.
CREATE FUNCTION sec.due_strangers(p_days int) RETURNS TABLE (tenant uuid, key uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id, k.id FROM rbac.tenant t JOIN keys.subject_key k ON k.tenant_id = t.id AND k.subject = t.id
   WHERE k.created_at < (date_trunc('day', now() AT TIME ZONE 'UTC') - make_interval(days => greatest(p_days, 7))) AT TIME ZONE 'UTC'
     AND NOT EXISTS (SELECT FROM audit.hold h WHERE h.tenant_id = k.tenant_id AND h.released_at IS NULL AND h.subject IS NULL
       AND coalesce(h.from_at, '-infinity') < k.created_at + interval '2 days' AND coalesce(h.to_at, 'infinity') > k.created_at) $$;
-- Where there are such keys, for the platform's own worker.
CREATE FUNCTION gate.tenants_with_strangers(p_days int) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT d.tenant FROM sec.due_strangers(p_days) d WHERE (SELECT gate.platform_worker()) $$;
-- Destroys them in the worker's tenant, with the openings under them; says how many those were. The log has to tell it: the keys' table asks for that.
CREATE FUNCTION gate.end_strangers(p_days int) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.worker(); due uuid[]; gone bigint;
BEGIN
  IF home IS NULL THEN RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  due := ARRAY(SELECT d.key FROM sec.due_strangers(p_days) d WHERE d.tenant = home);
  DELETE FROM audit.sealed_opening o WHERE o.tenant_id = home AND o.key_id = ANY (due);
  GET DIAGNOSTICS gone = ROW_COUNT;
  DELETE FROM keys.subject_key k WHERE k.tenant_id = home AND k.id = ANY (due);
  RETURN gone;
END $$;
GRANT EXECUTE ON FUNCTION gate.tenants_with_strangers(int), gate.end_strangers(int) TO kg_app;
RESET ROLE;
