-- What is sealed under a tenant's older keys is sealed anew under its newest: one list of it all, a walk along each primary key, and the
-- one way in which a sealed value may be replaced.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- How far the walk through one kind has come. A lease has one holder; the fence against late ones only grows.
CREATE TABLE keys.reseal (
  tenant_id   uuid NOT NULL REFERENCES rbac.tenant,
  kind        text NOT NULL CHECK (kind ~ '^[a-z]+(-[a-z]+)*$' AND length(kind) <= 40),
  version     int NOT NULL CHECK (version >= 1), -- the key that everything is to be under
  phase       text NOT NULL DEFAULT 'count' CHECK (phase IN ('count', 'seal')),
  after       text CHECK (length(after) <= 200), -- the last row that was looked at; NULL: the beginning
  began_at    timestamptz NOT NULL DEFAULT clock_timestamp(), -- the last count
  counted_at  timestamptz, -- the end of the last count
  settled     bool NOT NULL DEFAULT false, -- it began when nobody sealed under an older key any more
  moved       bigint NOT NULL DEFAULT 0 CHECK (moved >= 0), -- since the last count
  stuck       bool NOT NULL DEFAULT false, -- the last walk moved nothing
  due_at      timestamptz DEFAULT clock_timestamp(), -- NULL: nothing is left to do
  lease_token bigint NOT NULL DEFAULT 0 CHECK (lease_token >= 0),
  lease_until timestamptz,
  PRIMARY KEY (tenant_id, kind)
);
-- How many values of a kind are under a version that is not the newest: as counted, less what was moved since. Version 0: no tenant's key.
CREATE TABLE keys.sealed_left (
  tenant_id uuid NOT NULL,
  kind      text NOT NULL,
  version   int NOT NULL CHECK (version >= 0),
  remaining bigint NOT NULL DEFAULT 0 CHECK (remaining >= 0),
  tally     bigint NOT NULL DEFAULT 0 CHECK (tally >= 0), -- of a count under way
  shut      bigint NOT NULL DEFAULT 0 CHECK (shut >= 0), -- could not be opened
  PRIMARY KEY (tenant_id, kind, version),
  FOREIGN KEY (tenant_id, kind) REFERENCES keys.reseal
);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['keys.reseal', 'keys.sealed_left'] LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY sec ON %s TO kg_sec USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %s TO kg_sec', t);
  END LOOP;
  -- kg_sec sees and replaces sealed values of the worker's tenant, and of a row only what finds it.
  FOREACH t IN ARRAY ARRAY['channels.message', 'channels.delivery', 'channels.webhook', 'doorway.idempotency', 'identity.factor', 'identity.mail',
      'sso.provider', 'audit.sink_secret', 'keys.subject_key'] LOOP
    EXECUTE format('CREATE POLICY reseal_r ON %s FOR SELECT TO kg_sec USING (tenant_id = (SELECT gate.worker()))', t);
    EXECUTE format('CREATE POLICY reseal_u ON %s FOR UPDATE TO kg_sec USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()))', t);
  END LOOP;
END $$;
GRANT SELECT (tenant_id, id, payload, text), UPDATE (payload, text) ON channels.message TO kg_sec;
GRANT SELECT (tenant_id, message_id, ack_note), UPDATE (ack_note) ON channels.delivery TO kg_sec;
GRANT SELECT (tenant_id, id, secret), UPDATE (secret) ON channels.webhook TO kg_sec;
GRANT SELECT (tenant_id, principal_id, key_hash, answer), UPDATE (answer) ON doorway.idempotency TO kg_sec;
GRANT SELECT (tenant_id, id, kind, material), UPDATE (material) ON identity.factor TO kg_sec;
GRANT SELECT (tenant_id, id, sealed), UPDATE (sealed) ON identity.mail TO kg_sec;
GRANT SELECT (tenant_id, name, secret), UPDATE (secret) ON sso.provider TO kg_sec;
GRANT SELECT (tenant_id, sink_id, sealed), UPDATE (sealed) ON audit.sink_secret TO kg_sec;
GRANT UPDATE (kek, wrapped) ON keys.subject_key TO kg_sec;
GRANT USAGE ON SCHEMA channels, doorway TO kg_sec;

SET LOCAL ROLE kg_sec;
-- The version of the key in a value's first five bytes; 0 when it is no sealed value.
CREATE FUNCTION sec.sealed_version(p_head bytea) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN length(p_head) >= 5 AND get_byte(p_head, 0) IN (1, 2) AND get_byte(p_head, 1) < 128
    THEN (get_byte(p_head, 1) << 24) | (get_byte(p_head, 2) << 16) | (get_byte(p_head, 3) << 8) | get_byte(p_head, 4) ELSE 0 END $$;
-- The same of the name of what wrapped a person's key; 0 when that was the root key.
CREATE FUNCTION sec.wrapped_version(p_kek text) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_kek ~ '^tenant:[1-9][0-9]{0,8}$' THEN substr(p_kek, 8)::int ELSE 0 END $$;

-- Everything that is sealed under a tenant's key, for statements about a row `t`: what ranks and finds it, what it is called, and where only some rows hold one.
CREATE FUNCTION sec.sealed_columns() RETURNS TABLE (kind text, relation text, col text, ranks text, given text, name text, owner text, version text, holds text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.kind, c.relation, c.col, coalesce(c.ranks, 't.' || c.id), coalesce(c.given, '$2::uuid'), coalesce(c.name, 't.' || c.id || '::text'),
      coalesce(c.owner, 'NULL::uuid'), coalesce(c.version, 'sec.sealed_version(substr(t.' || c.col || ', 1, 5))'), coalesce(c.holds, 't.' || c.col || ' IS NOT NULL')
    FROM (VALUES
      ('payload', 'channels.message', 'payload', 'id', NULL, NULL, NULL, NULL, NULL, NULL),
      ('text', 'channels.message', 'text', 'id', NULL, NULL, NULL, NULL, NULL, NULL),
      ('note', 'channels.delivery', 'ack_note', 'message_id', NULL, NULL, NULL, NULL, NULL, NULL),
      ('webhook-secret', 'channels.webhook', 'secret', 'id', NULL, NULL, NULL, NULL, NULL, NULL),
      ('answer', 'doorway.idempotency', 'answer', NULL, 't.principal_id, t.key_hash', 'split_part($2, '':'', 1)::uuid, decode(split_part($2, '':'', 2), ''hex'')',
        't.principal_id || '':'' || encode(t.key_hash, ''hex'')', NULL, NULL, NULL),
      ('totp-seed', 'identity.factor', 'material', 'id', NULL, NULL, NULL, NULL, NULL, 't.kind = ''totp'''),
      ('sso-secret', 'sso.provider', 'secret', NULL, 't.name', '$2', 't.name', NULL, NULL, NULL),
      ('sink-secret', 'audit.sink_secret', 'sealed', 'sink_id', NULL, NULL, NULL, NULL, NULL, NULL),
      ('mail', 'identity.mail', 'sealed', 'id', NULL, NULL, NULL, NULL, NULL, NULL),
      ('subject-key', 'keys.subject_key', 'wrapped', 'id', NULL, NULL, NULL, 't.subject', 'sec.wrapped_version(t.kek)', NULL)
    ) c (kind, relation, col, id, ranks, given, name, owner, version, holds) $$;

-- Whether a value may take another's place: by the one function that replaces them, newer, and of the size that the same content has.
CREATE FUNCTION sec.is_resealed(p_old bytea, p_new bytea) RETURNS bool LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(current_user = 'kg_sec' AND get_byte(p_new, 0) = 2 AND sec.sealed_version(substr(p_new, 1, 5)) > sec.sealed_version(substr(p_old, 1, 5))
    AND sec.sealed_version(substr(p_old, 1, 5)) > 0 AND length(p_new) = length(p_old) + CASE get_byte(p_old, 0) WHEN 1 THEN 32 ELSE 0 END, false) $$;

CREATE FUNCTION sec.guard_message() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE former record;
BEGIN
  -- Apart, because nobody else may call what is called within.
  IF TG_OP = 'UPDATE' AND current_user = 'kg_sec' THEN
    IF (NEW.payload = OLD.payload OR sec.is_resealed(OLD.payload, NEW.payload)) AND (NEW.text IS NOT DISTINCT FROM OLD.text OR sec.is_resealed(OLD.text, NEW.text)) THEN
      former := OLD;
      former.payload := NEW.payload;
      former.text := NEW.text;
      IF former IS NOT DISTINCT FROM NEW THEN RETURN NEW; END IF;
    END IF;
  END IF;
  RAISE EXCEPTION 'kg: % on % is forbidden for everyone', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE FUNCTION sec.guard_subject_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_user = 'kg_sec' AND (NEW.tenant_id, NEW.id, NEW.subject, NEW.created_at) IS NOT DISTINCT FROM (OLD.tenant_id, OLD.id, OLD.subject, OLD.created_at) THEN
    IF sec.wrapped_version(NEW.kek) > sec.wrapped_version(OLD.kek) AND length(NEW.wrapped) = 60 THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'kg: % on % is forbidden for everyone', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE OR REPLACE FUNCTION sec.guard_factor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.counter < OLD.counter THEN RAISE EXCEPTION 'kg: a factor''s count never goes back' USING ERRCODE = '42501'; END IF;
  IF OLD.confirmed_at IS NOT NULL AND NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at THEN
    RAISE EXCEPTION 'kg: a factor is confirmed once' USING ERRCODE = '42501'; END IF;
  IF (NEW.material, NEW.credential_id, NEW.kind, NEW.principal_id) IS NOT DISTINCT FROM (OLD.material, OLD.credential_id, OLD.kind, OLD.principal_id) THEN
    RETURN NEW; END IF;
  -- Sealed anew, a seed is what it was.
  IF current_user = 'kg_sec' AND NEW.kind = 'totp' AND (NEW.credential_id, NEW.kind, NEW.principal_id) IS NOT DISTINCT FROM (OLD.credential_id, OLD.kind, OLD.principal_id) THEN
    IF sec.is_resealed(OLD.material, NEW.material) THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'kg: what verifies a factor never changes' USING ERRCODE = '42501';
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_message(), sec.guard_subject_key() TO kg_owner;

-- The key that seals.
CREATE FUNCTION sec.newest_key(p_tenant uuid) RETURNS int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT max(k.version) FROM keys.data_key k WHERE k.tenant_id = p_tenant AND k.destroy_after IS NULL AND k.destroyed_at IS NULL $$;
CREATE FUNCTION sec.sealed_worker() RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF gate.worker() IS NULL THEN RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  RETURN gate.worker();
END $$;

-- Tenants with something to count or to seal anew, for the platform's own worker.
CREATE FUNCTION gate.tenants_to_reseal(p_limit int) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id FROM (SELECT d.tenant_id, max(d.version) AS newest FROM keys.data_key d WHERE (SELECT gate.platform_worker())
      AND d.destroy_after IS NULL AND d.destroyed_at IS NULL GROUP BY d.tenant_id) k JOIN rbac.tenant t ON t.id = k.tenant_id AND t.status = 'active'
   WHERE (k.newest > 1 AND (SELECT count(*) FROM keys.reseal r WHERE r.tenant_id = k.tenant_id AND r.version = k.newest) < (SELECT count(*) FROM sec.sealed_columns()))
      OR EXISTS (SELECT FROM keys.reseal r WHERE r.tenant_id = k.tenant_id AND r.due_at <= clock_timestamp()
           AND (r.lease_until IS NULL OR r.lease_until <= clock_timestamp()))
   ORDER BY random() LIMIT least(greatest(p_limit, 0), 1000) $$;
-- How much is left, of everybody's.
CREATE FUNCTION gate.sealed_left(OUT remaining bigint, OUT shut bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(l.remaining), 0)::bigint, coalesce(sum(l.shut), 0)::bigint FROM keys.sealed_left l WHERE (SELECT gate.platform_worker()) $$;

-- Takes a walk that is due for so many seconds; nothing when there is none. A newer key begins them all anew.
CREATE FUNCTION gate.claim_reseal(p_seconds int) RETURNS TABLE (kind text, version int, phase text, after text, token bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE home uuid := sec.sealed_worker(); newest int := sec.newest_key(home);
BEGIN
  IF newest IS NULL THEN RETURN; END IF;
  IF newest > 1 AND EXISTS (SELECT FROM sec.sealed_columns() c WHERE NOT EXISTS (SELECT FROM keys.reseal r WHERE r.tenant_id = home AND r.kind = c.kind)) THEN
    INSERT INTO keys.reseal (tenant_id, kind, version) SELECT home, c.kind, newest FROM sec.sealed_columns() c ON CONFLICT DO NOTHING;
  END IF;
  UPDATE keys.reseal r SET version = newest, phase = 'count', after = NULL, moved = 0, stuck = false, settled = false, counted_at = NULL, due_at = clock_timestamp(),
      lease_token = r.lease_token + 1, lease_until = NULL WHERE r.tenant_id = home AND r.version <> newest;
  RETURN QUERY UPDATE keys.reseal r SET lease_token = r.lease_token + 1, lease_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 300))
    WHERE r.tenant_id = home AND r.kind = (SELECT x.kind FROM keys.reseal x WHERE x.tenant_id = home AND x.due_at <= clock_timestamp()
        AND (x.lease_until IS NULL OR x.lease_until <= clock_timestamp()) ORDER BY x.due_at, x.kind LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING r.kind, r.version, r.phase, r.after, r.lease_token;
END $$;

-- Counts on, for the holder of a walk: true when there is more, false at the end, NULL when it is another's. `p_settle`: after so many seconds
-- nobody seals under the former key any more.
CREATE FUNCTION gate.count_sealed(p_kind text, p_token bigint, p_limit int, p_seconds int, p_settle int) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := sec.sealed_worker(); r record; c record; last text; seen bigint; open bigint; born timestamptz; most int := least(greatest(p_limit, 1), 10000);
BEGIN
  SELECT * INTO r FROM keys.reseal x WHERE x.tenant_id = home AND x.kind = p_kind AND x.lease_token = p_token AND x.lease_until > clock_timestamp()
    AND x.phase = 'count' FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF r.after IS NULL THEN
    r.began_at := clock_timestamp();
    UPDATE keys.sealed_left l SET tally = 0 WHERE l.tenant_id = home AND l.kind = p_kind AND l.tally > 0;
  END IF;
  SELECT * INTO STRICT c FROM sec.sealed_columns() x WHERE x.kind = p_kind;
  EXECUTE format($q$WITH s AS MATERIALIZED (SELECT %1$s AS name, CASE WHEN %2$s THEN %3$s END AS v, row_number() OVER (ORDER BY %4$s) AS n FROM %5$s t
        WHERE t.tenant_id = $1 AND ($2 IS NULL OR (%4$s) > (%6$s)) ORDER BY %4$s LIMIT $3),
      put AS (INSERT INTO keys.sealed_left AS l (tenant_id, kind, version, tally) SELECT $1, $4, CASE WHEN s.v > $5 THEN 0 ELSE s.v END AS w, count(*) FROM s
        WHERE s.v <> $5 GROUP BY w ON CONFLICT (tenant_id, kind, version) DO UPDATE SET tally = l.tally + EXCLUDED.tally)
      SELECT (SELECT s.name FROM s ORDER BY s.n DESC LIMIT 1), (SELECT count(*) FROM s)$q$, c.name, c.holds, c.version, c.ranks, c.relation, c.given)
    INTO last, seen USING home, r.after, most, p_kind, r.version;
  IF seen = most THEN
    UPDATE keys.reseal x SET after = last, began_at = r.began_at, lease_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 300))
      WHERE x.tenant_id = home AND x.kind = p_kind;
    RETURN true;
  END IF;
  UPDATE keys.sealed_left l SET remaining = l.tally, shut = least(l.shut, l.tally), tally = 0 WHERE l.tenant_id = home AND l.kind = p_kind;
  SELECT coalesce(sum(l.remaining), 0) INTO open FROM keys.sealed_left l WHERE l.tenant_id = home AND l.kind = p_kind AND l.version < r.version
    AND (l.version = 0 OR EXISTS (SELECT FROM keys.data_key k WHERE k.tenant_id = home AND k.version = l.version AND k.destroy_after IS NULL AND k.destroyed_at IS NULL));
  SELECT k.created_at + make_interval(secs => least(greatest(p_settle, 1), 600)) INTO born FROM keys.data_key k WHERE k.tenant_id = home AND k.version = r.version;
  IF open > 0 AND NOT r.stuck THEN
    UPDATE keys.sealed_left l SET shut = 0 WHERE l.tenant_id = home AND l.kind = p_kind;
  END IF;
  UPDATE keys.reseal x SET after = NULL, moved = 0, stuck = false, began_at = r.began_at, counted_at = clock_timestamp(), settled = r.began_at >= born,
      phase = CASE WHEN open > 0 AND NOT r.stuck THEN 'seal' ELSE 'count' END,
      due_at = CASE WHEN open > 0 AND r.stuck AND r.began_at >= born THEN clock_timestamp() + interval '1 day' WHEN open > 0 AND NOT r.stuck THEN clock_timestamp()
                 WHEN r.began_at >= born THEN NULL ELSE born END,
      lease_until = NULL WHERE x.tenant_id = home AND x.kind = p_kind;
  RETURN false;
END $$;

-- The next rows along the primary key, with the value where it is to be sealed anew: not under the newest key, nor under one that is to
-- end with all it sealed. Version 0: no tenant's key. Four megabytes at most, and a row.
CREATE FUNCTION gate.sealed_next(p_kind text, p_after text, p_limit int) RETURNS TABLE (name text, owner uuid, version int, kek text, value bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE home uuid := sec.sealed_worker(); newest int := sec.newest_key(home); live int[]; c record;
BEGIN
  SELECT * INTO c FROM sec.sealed_columns() x WHERE x.kind = p_kind;
  IF NOT FOUND OR newest IS NULL THEN RETURN; END IF;
  SELECT array_agg(k.version) INTO live FROM keys.data_key k WHERE k.tenant_id = home AND k.destroy_after IS NULL AND k.destroyed_at IS NULL;
  RETURN QUERY EXECUTE format($q$SELECT b.name, b.owner, b.v, b.kek, b.value FROM (
      SELECT a.*, sum(coalesce(length(a.value), 0)) OVER (ORDER BY a.n) - coalesce(length(a.value), 0) AS ahead FROM (
        SELECT r.name, r.owner, CASE WHEN r.v > $4 THEN 0 ELSE r.v END AS v, r.kek, CASE WHEN r.v > $4 OR r.v = 0 OR (r.v < $4 AND r.v = ANY ($5)) THEN r.value END AS value, r.n FROM (
          SELECT %1$s AS name, %2$s AS owner, CASE WHEN %3$s THEN %4$s END AS v, %5$s AS kek, t.%6$I AS value, row_number() OVER (ORDER BY %7$s) AS n FROM %8$s t
            WHERE t.tenant_id = $1 AND ($2 IS NULL OR (%7$s) > (%9$s)) ORDER BY %7$s LIMIT $3) r) a) b
      WHERE b.ahead < 4194304 ORDER BY b.n$q$,
      c.name, c.owner, c.holds, c.version, CASE p_kind WHEN 'subject-key' THEN 't.kek' ELSE 'NULL::text' END, c.col, c.ranks, c.relation, c.given)
    USING home, p_after, least(greatest(p_limit, 1), 1000), newest, live;
END $$;

-- Puts a value sealed anew in the place of the former one. False when that is not there any more, or its key is to end with all it sealed.
CREATE FUNCTION gate.reseal(p_kind text, p_row text, p_old bytea, p_new bytea, p_version int) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := sec.sealed_worker(); c record; done int; former int;
BEGIN
  SELECT * INTO c FROM sec.sealed_columns() x WHERE x.kind = p_kind;
  IF NOT FOUND OR NOT EXISTS (SELECT FROM keys.data_key k WHERE k.tenant_id = home AND k.version = p_version AND k.destroy_after IS NULL AND k.destroyed_at IS NULL) THEN
    RAISE EXCEPTION 'kg: nothing to seal with' USING ERRCODE = '42501'; END IF;
  EXECUTE format('SELECT %s FROM %s t WHERE t.tenant_id = $1 AND (%s) = (%s) AND %s AND t.%I = $3 FOR NO KEY UPDATE', c.version, c.relation, c.ranks, c.given, c.holds, c.col)
    INTO former USING home, p_row, p_old;
  IF former IS NULL OR NOT (former = 0 OR EXISTS (SELECT FROM keys.data_key k WHERE k.tenant_id = home AND k.version = former AND k.destroy_after IS NULL
      AND k.destroyed_at IS NULL)) THEN RETURN false; END IF;
  IF p_kind = 'subject-key' THEN
    IF former >= p_version OR length(p_new) <> 60 THEN RAISE EXCEPTION 'kg: a key is wrapped by a newer one' USING ERRCODE = '42501'; END IF;
    UPDATE keys.subject_key t SET kek = 'tenant:' || p_version, wrapped = p_new WHERE t.tenant_id = home AND t.id = p_row::uuid;
    RETURN true;
  END IF;
  IF sec.sealed_version(substr(p_new, 1, 5)) IS DISTINCT FROM p_version OR NOT sec.is_resealed(p_old, p_new) THEN
    RAISE EXCEPTION 'kg: a value is sealed anew under a newer key' USING ERRCODE = '42501'; END IF;
  EXECUTE format('UPDATE %s t SET %I = $3 WHERE t.tenant_id = $1 AND (%s) = (%s)', c.relation, c.col, c.ranks, c.given) USING home, p_row, p_new;
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done = 1;
END $$;

-- The walk's holder has come to `p_after`, or to the end. False when it is another's.
CREATE FUNCTION gate.sealed_walked(p_kind text, p_token bigint, p_after text, p_from int, p_moved int, p_shut int, p_seconds int) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := sec.sealed_worker();
BEGIN
  UPDATE keys.reseal x SET after = p_after, moved = x.moved + p_moved, stuck = p_after IS NULL AND x.moved + p_moved = 0,
      phase = CASE WHEN p_after IS NULL THEN 'count' ELSE x.phase END,
      lease_until = CASE WHEN p_after IS NULL THEN NULL ELSE clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 300)) END
    WHERE x.tenant_id = home AND x.kind = p_kind AND x.lease_token = p_token AND x.lease_until > clock_timestamp() AND x.phase = 'seal';
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE keys.sealed_left l SET remaining = greatest(l.remaining - p_moved, 0), shut = l.shut + p_shut
    WHERE l.tenant_id = home AND l.kind = p_kind AND l.version = p_from;
  RETURN true;
END $$;

DROP FUNCTION gate.key_states();
-- `remaining`: values under it, as last counted, less what was moved since; NULL before that, for the newest, and after its end. `clean`: counted when
-- nobody could seal under it any more, and nothing was there.
CREATE FUNCTION gate.key_states() RETURNS TABLE (version int, created_at timestamptz, destroy_after timestamptz, destroyed_at timestamptz, seals bool, remaining bigint,
  unreadable bigint, clean bool)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH home AS MATERIALIZED (SELECT h.id, sec.newest_key(h.id) AS newest FROM (SELECT gate.tenant(4, 5) AS id) h),
    walks AS (SELECT count(*) FILTER (WHERE r.counted_at IS NOT NULL) = (SELECT count(*) FROM sec.sealed_columns()) AS counted, bool_and(r.settled) AS settled
      FROM home h JOIN keys.reseal r ON r.tenant_id = h.id AND r.version = h.newest),
    held AS (SELECT l.version, l.kind, l.remaining, l.shut FROM home h JOIN keys.sealed_left l ON l.tenant_id = h.id)
  SELECT k.version, k.created_at, k.destroy_after, k.destroyed_at, k.version IS NOT DISTINCT FROM h.newest,
      CASE WHEN w.counted AND k.version IS DISTINCT FROM h.newest AND k.destroyed_at IS NULL
        THEN (SELECT coalesce(sum(l.remaining), 0)::bigint FROM held l WHERE l.version = k.version) END,
      (SELECT coalesce(sum(l.shut), 0)::bigint FROM held l WHERE l.version = k.version AND k.version IS DISTINCT FROM h.newest),
      coalesce(w.counted AND w.settled, false) AND k.version < h.newest
        AND NOT EXISTS (SELECT FROM held l WHERE l.remaining > 0 AND (l.version = k.version OR (l.version = 0 AND l.kind <> 'subject-key')))
    FROM home h JOIN keys.data_key k ON k.tenant_id = h.id CROSS JOIN walks w ORDER BY k.version $$;
GRANT EXECUTE ON FUNCTION gate.tenants_to_reseal(int), gate.sealed_left(), gate.claim_reseal(int), gate.count_sealed(text, bigint, int, int, int),
  gate.sealed_next(text, text, int), gate.reseal(text, text, bytea, bytea, int), gate.sealed_walked(text, bigint, text, int, int, int, int), gate.key_states() TO kg_app;
-- As before; what the key holds is then moved to the newest after all.
CREATE OR REPLACE FUNCTION gate.keep_data_key(p_version int) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.tenant(5, 5);
BEGIN
  IF home IS NULL OR gate.hat() IS NOT NULL THEN RAISE EXCEPTION 'kg: only an owner keeps a key' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(home, NULL);
  UPDATE keys.data_key k SET destroy_after = NULL, destroy_approval = NULL
   WHERE k.tenant_id = home AND k.version = p_version AND k.destroy_after > clock_timestamp() AND k.destroyed_at IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE keys.reseal r SET phase = 'count', after = NULL, moved = 0, stuck = false, settled = false, due_at = clock_timestamp(),
      lease_token = r.lease_token + 1, lease_until = NULL WHERE r.tenant_id = home;
  RETURN true;
END $$;
-- People's keys that the root key wrapped, as it was at first.
INSERT INTO keys.reseal (tenant_id, kind, version) SELECT DISTINCT s.tenant_id, 'subject-key', 1 FROM keys.subject_key s WHERE sec.wrapped_version(s.kek) = 0;

SET LOCAL ROLE kg_owner;
DROP TRIGGER nochange ON channels.message;
CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON channels.message FOR EACH ROW EXECUTE FUNCTION sec.guard_message();
ALTER TABLE channels.message ENABLE ALWAYS TRIGGER nochange;
DROP TRIGGER nochange ON keys.subject_key;
CREATE TRIGGER nochange BEFORE UPDATE ON keys.subject_key FOR EACH ROW EXECUTE FUNCTION sec.guard_subject_key();
ALTER TABLE keys.subject_key ENABLE ALWAYS TRIGGER nochange;
RESET ROLE;
