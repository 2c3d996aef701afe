-- Months that grew old: archived, their archives told in the log, then removed here. Hashes, tiles and checkpoints stay for ever.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- One archive: the entries `from_idx` to `to_idx` of one log, whole bundles, under the checkpoint of `size`. Its leaf names range and manifest.
CREATE TABLE audit.archive (
  tenant_id  uuid NOT NULL,
  from_idx   bigint NOT NULL CHECK (from_idx >= 0 AND from_idx % 256 = 0),
  to_idx     bigint NOT NULL CHECK (to_idx > from_idx AND to_idx % 256 = 0),
  month      date NOT NULL CHECK (month = date_trunc('month', month::timestamp)::date), -- the newest it holds
  size       bigint NOT NULL CHECK (size >= to_idx),
  manifest   bytea NOT NULL CHECK (length(manifest) = 32), -- SHA-256 of its manifest.json
  place      text NOT NULL CHECK (length(place) BETWEEN 1 AND 500),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, from_idx)
);
-- Read again from where it lies, every entry hashed again.
CREATE TABLE audit.archive_check (
  tenant_id uuid NOT NULL,
  from_idx  bigint NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, from_idx, at),
  FOREIGN KEY (tenant_id, from_idx) REFERENCES audit.archive
);
-- What was removed here: entries below `to_idx` are in archives.
CREATE TABLE audit.pruned (
  tenant_id uuid NOT NULL,
  to_idx    bigint NOT NULL CHECK (to_idx > 0),
  month     date NOT NULL,
  entries   bigint NOT NULL CHECK (entries > 0),
  entry_id  uuid NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, to_idx, month, at)
);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['archive', 'archive_check', 'pruned'] LOOP
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT ON audit.%I TO kg_app, kg_integrator, kg_auditor', t);
    EXECUTE format('GRANT SELECT, INSERT ON audit.%I TO kg_sec', t);
    EXECUTE format('CREATE POLICY sec ON audit.%I TO kg_sec USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY integrator_r ON audit.%I FOR SELECT TO kg_integrator USING (true)', t);
    EXECUTE format('CREATE POLICY auditor_r ON audit.%I FOR SELECT TO kg_auditor USING (true)', t);
    EXECUTE format('CREATE POLICY app_r ON audit.%I FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))))', t);
    EXECUTE format('CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.%I FOR EACH ROW EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER nochange', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
END $$;
GRANT INSERT (tenant_id, from_idx) ON audit.archive_check TO kg_integrator;
CREATE POLICY integrator_i ON audit.archive_check FOR INSERT TO kg_integrator WITH CHECK (true);
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON audit.archive
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE audit.archive ENABLE ALWAYS TRIGGER audited;
GRANT SELECT ON audit.checkpoint, audit.witnessed TO kg_sec;
CREATE POLICY sec_r ON audit.checkpoint FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON audit.witnessed FOR SELECT TO kg_sec USING (true);
-- What can no longer be found here need not be searched for.
DROP TRIGGER nochange ON audit.search;
CREATE TRIGGER nochange BEFORE UPDATE ON audit.search FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.search ENABLE ALWAYS TRIGGER nochange;
GRANT DELETE ON audit.search TO kg_sec;

SET LOCAL ROLE kg_sec;
-- By Keepgate's own worker in the tenant of the log, with the entry that tells about it. Archives follow each other without a gap.
CREATE FUNCTION gate.record_archive(p_from bigint, p_to bigint, p_month date, p_size bigint, p_manifest bytea, p_place text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := gate.worker();
BEGIN
  IF t IS NULL THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  IF p_from <> coalesce((SELECT max(a.to_idx) FROM audit.archive a WHERE a.tenant_id = t), 0) THEN
    RAISE EXCEPTION 'kg: archives follow each other' USING ERRCODE = '42501'; END IF;
  INSERT INTO audit.archive (tenant_id, from_idx, to_idx, month, size, manifest, place)
    VALUES (t, p_from, p_to, p_month, p_size, p_manifest, p_place);
END $$;
GRANT EXECUTE ON FUNCTION gate.record_archive(bigint, bigint, date, bigint, bytea, text) TO kg_app;

-- How far a log is archived, told in a leaf under a checkpoint, and checked. Where witnesses cosign a log, they cosigned that one.
CREATE FUNCTION sec.archived_to(p_tenant uuid) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(max(a.to_idx), 0) FROM audit.archive a
    WHERE a.tenant_id = p_tenant AND NOT EXISTS (SELECT FROM audit.archive b WHERE b.tenant_id = a.tenant_id AND b.from_idx <= a.from_idx AND NOT (
      EXISTS (SELECT FROM audit.archive_check c WHERE c.tenant_id = b.tenant_id AND c.from_idx = b.from_idx)
      AND EXISTS (SELECT FROM audit.search s JOIN audit.leaf l ON l.tenant_id = s.tenant_id AND l.idx = s.idx
          JOIN audit.entry e ON e.recorded_at = l.recorded_at AND e.tenant_id = l.tenant_id AND e.id = l.entry_id
        WHERE s.tenant_id = b.tenant_id AND s.entity = 'archive:' || b.from_idx || '-' || b.to_idx || ':' || encode(b.manifest, 'hex')
        AND e.entity = s.entity AND e.action = 'audit.archived' AND e.outcome = 'done'
        AND EXISTS (SELECT FROM audit.checkpoint k WHERE k.tenant_id = l.tenant_id AND k.size > l.idx)
        AND (NOT EXISTS (SELECT FROM audit.witnessed w WHERE w.tenant_id = l.tenant_id)
          OR EXISTS (SELECT FROM audit.witnessed w WHERE w.tenant_id = l.tenant_id AND w.size > l.idx)))))
$$;

-- Refuses a month that is too young, or of which somebody holds a part.
CREATE FUNCTION sec.demand_old(p_month date) RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE first timestamptz := p_month::timestamp AT TIME ZONE 'UTC'; past timestamptz := (p_month + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
  IF past > (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '60 months') AT TIME ZONE 'UTC' THEN
    RAISE EXCEPTION 'kg: entries are kept for five years' USING ERRCODE = '42501'; END IF;
  IF EXISTS (SELECT FROM audit.hold h WHERE h.released_at IS NULL AND coalesce(h.from_at, '-infinity') < past AND coalesce(h.to_at, 'infinity') > first
      AND EXISTS (SELECT FROM audit.entry e WHERE e.tenant_id = h.tenant_id AND e.recorded_at >= first AND e.recorded_at < past)) THEN
    RAISE EXCEPTION 'kg: the month is held' USING ERRCODE = '42501'; END IF;
END $$;

-- Takes archived entries out of the search, so many at a time; says how many. The entries themselves are still there.
CREATE FUNCTION sec.forget_searches(p_month date, p_limit int) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE gone bigint;
BEGIN
  PERFORM sec.demand_old(p_month);
  DELETE FROM audit.search s USING (
    SELECT x.tenant_id, x.idx FROM audit.archive a CROSS JOIN LATERAL (SELECT n.tenant_id, n.idx FROM audit.search n
        WHERE n.tenant_id = a.tenant_id AND n.idx >= a.from_idx AND n.idx < a.to_idx ORDER BY n.idx LIMIT p_limit) x
      WHERE a.month = p_month AND a.to_idx <= sec.archived_to(a.tenant_id) LIMIT p_limit) f
    WHERE s.tenant_id = f.tenant_id AND s.idx = f.idx;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
GRANT EXECUTE ON FUNCTION sec.forget_searches(date, int) TO kg_owner;

-- What would go with a month, for each log: how many entries, below which index, and which few stay because their bundle is not
-- archived yet. Refuses what may not go at all.
CREATE FUNCTION sec.leaving(p_month date) RETURNS TABLE (tenant uuid, cut bigint, gone bigint, stay_at timestamptz[], stay_id uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE every bigint; first timestamptz := p_month::timestamp AT TIME ZONE 'UTC'; past timestamptz := (p_month + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
  PERFORM sec.demand_old(p_month);
  FOR tenant, cut, every, gone, stay_at, stay_id IN
    SELECT x.t, x.c, count(*), count(*) FILTER (WHERE l.idx < x.c), array_agg(e.recorded_at) FILTER (WHERE l.idx >= x.c), array_agg(e.id) FILTER (WHERE l.idx >= x.c)
      FROM (SELECT d.t, sec.archived_to(d.t) AS c FROM (SELECT DISTINCT e.tenant_id AS t FROM audit.entry e
              WHERE e.recorded_at >= first AND e.recorded_at < past) d OFFSET 0) x
      JOIN audit.entry e ON e.tenant_id = x.t AND e.recorded_at >= first AND e.recorded_at < past
      LEFT JOIN audit.leaf l ON l.tenant_id = e.tenant_id AND l.entry_id = e.id AND l.recorded_at = e.recorded_at
      GROUP BY x.t, x.c
  LOOP
    -- More than a bundle, or an entry without an index: no archive holds it.
    IF coalesce(array_length(stay_id, 1), 0) > 255 OR every <> gone + coalesce(array_length(stay_id, 1), 0) THEN RAISE EXCEPTION 'kg: the month is not archived' USING ERRCODE = '42501'; END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- The leaf about it, and how far the log is gone, in the transaction that removes the entries.
CREATE FUNCTION sec.note_pruned(p_tenant uuid, p_month date, p_to bigint, p_entries bigint) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE id uuid := gen_random_uuid();
BEGIN
  INSERT INTO audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
    VALUES (p_tenant, id, 'system', p_tenant, 'audit.pruned', 'entries:0-' || p_to, 'done', gen_random_uuid(), '', '');
  INSERT INTO audit.pruned (tenant_id, to_idx, month, entries, entry_id) VALUES (p_tenant, p_to, p_month, p_entries, id);
END $$;
CREATE FUNCTION sec.copy_entries(p_table text, p_tenant uuid, p_at timestamptz[], p_id uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('INSERT INTO audit.%I SELECT e.* FROM unnest($2, $3) k (at, id) JOIN audit.entry e ON e.recorded_at = k.at AND e.tenant_id = $1 AND e.id = k.id', p_table)
    USING p_tenant, p_at, p_id;
END $$;
GRANT EXECUTE ON FUNCTION sec.leaving(date), sec.note_pruned(uuid, date, bigint, bigint), sec.copy_entries(text, uuid, timestamptz[], uuid[]) TO kg_owner;

SET LOCAL ROLE kg_owner;
-- Removes a month whose every entry is archived, but for the few of a bundle that is not complete. All or nothing; nobody writes into
-- a month that is over, so only the last steps lock anybody out, and they give way to whoever is at work for longer.
CREATE FUNCTION audit.roll_off(p_month date) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE name text := 'entry_' || to_char(p_month, 'YYYYMM'); leaves jsonb; l jsonb; total bigint := 0; stay bool := false;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('keepgate audit roll-off')) THEN RAISE EXCEPTION 'kg: another one is at it' USING ERRCODE = '55P03'; END IF;
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
CREATE FUNCTION audit.forget_searches(p_month date, p_limit int) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$ SELECT sec.forget_searches(p_month, p_limit) $$;
-- How far each log is gone here.
CREATE FUNCTION audit.min_index(p_tenant uuid) RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(max(p.to_idx), 0) FROM audit.pruned p WHERE p.tenant_id = p_tenant $$;
GRANT EXECUTE ON FUNCTION audit.roll_off(date), audit.forget_searches(date, int) TO kg_integrator;
GRANT EXECUTE ON FUNCTION audit.min_index(uuid) TO kg_app, kg_integrator;
RESET ROLE;
