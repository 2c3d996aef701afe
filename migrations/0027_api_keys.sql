-- Short names of API keys, keys that another system made, an end for keys by default, and uses written down in batches.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
ALTER TABLE identity.api_key
  ADD COLUMN handle text UNIQUE CHECK (handle ~ '^[0-9A-Za-z]{12}$'), -- NULL: of the first form, and not rotated since
  ADD COLUMN rotated_at timestamptz,
  ADD COLUMN last_used_from inet,
  ADD COLUMN old_last_used_at timestamptz; -- of the secret before the rotation

-- How an imported key is found, and what it is compared with: bcrypt until its first use, Argon2id from then on.
CREATE TABLE identity.imported_key (
  tenant_id  uuid NOT NULL,
  key_id     uuid NOT NULL,
  lookup     text NOT NULL UNIQUE CHECK (lookup ~ '^[0-9A-Za-z_.-]{6,32}$'),
  bcrypt     text CHECK (bcrypt ~ '^\$2[aby]\$(0[4-9]|1[0-5])\$[./0-9A-Za-z]{53}$'),
  phc        text CHECK (phc LIKE '$argon2id$%'),
  until      timestamptz, -- NULL: as long as its key
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key_id),
  FOREIGN KEY (tenant_id, key_id) REFERENCES identity.api_key,
  CHECK ((bcrypt IS NULL) <> (phc IS NULL))
);
CREATE INDEX imported_key_lookup ON identity.imported_key (lookup text_pattern_ops);
ALTER TABLE identity.imported_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.imported_key FORCE ROW LEVEL SECURITY;

GRANT SELECT (handle, rotated_at, last_used_from, old_last_used_at), INSERT (handle), UPDATE (handle) ON identity.api_key TO kg_app;
GRANT SELECT (tenant_id, key_id, lookup, until, created_at), INSERT (tenant_id, key_id, lookup, bcrypt), UPDATE (until) ON identity.imported_key TO kg_app;
GRANT SELECT, UPDATE (bcrypt, phc) ON identity.imported_key TO kg_auth;
GRANT UPDATE (last_used_at, last_used_from, old_last_used_at) ON identity.api_key TO kg_sec; -- and revoked_at, since 0024
GRANT SELECT ON identity.imported_key TO kg_sec;
REVOKE UPDATE ON identity.api_key FROM kg_auth;
DROP POLICY auth_u ON identity.api_key; -- it revokes and writes uses down through the functions below

CREATE POLICY sec_touch ON identity.api_key FOR UPDATE TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY sec_r ON identity.imported_key FOR SELECT TO kg_sec USING (true);
CREATE POLICY app_r ON identity.imported_key FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_i ON identity.imported_key FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_u ON identity.imported_key FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5))) WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY auth_r ON identity.imported_key FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_u ON identity.imported_key FOR UPDATE TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
SELECT sec.mask_hats('identity.imported_key');

SET LOCAL ROLE kg_sec;
-- Below level 5 a key ends, within a year and a day. A rotation gives it as long a life again, and never another name.
CREATE FUNCTION sec.guard_key_terms() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NOT sec.in_genesis() AND coalesce(gate.level(), 0) < 5
        AND (NEW.expires_at IS NULL OR NEW.expires_at > now() + interval '366 days') THEN
      RAISE EXCEPTION 'kg: only an owner issues a key without an end' USING ERRCODE = '42501'; END IF;
    RETURN NEW;
  END IF;
  IF NEW.phc IS DISTINCT FROM OLD.phc THEN
    NEW.handle := coalesce(OLD.handle, NEW.handle);
    NEW.rotated_at := now();
    NEW.old_last_used_at := NULL;
    NEW.old_until := least(NEW.old_until, CASE WHEN NEW.old_until IS NOT NULL THEN OLD.expires_at END);
    NEW.expires_at := now() + (OLD.expires_at - coalesce(OLD.rotated_at, OLD.created_at));
  ELSIF (NEW.handle, NEW.rotated_at, NEW.expires_at) IS DISTINCT FROM (OLD.handle, OLD.rotated_at, OLD.expires_at) THEN
    RAISE EXCEPTION 'kg: the terms of a key change with its secret only' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;

-- No lookup is the beginning of another, in the whole installation: one text is one key. The lock on the one row makes two
-- imports take turns (advisory locks are not to be had behind the lock-down).
CREATE TABLE sec.import_turn (one bool PRIMARY KEY DEFAULT true CHECK (one));
INSERT INTO sec.import_turn DEFAULT VALUES;
CREATE FUNCTION sec.lookup_is_free(p_lookup text) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT NOT EXISTS (SELECT FROM identity.imported_key k
    WHERE k.lookup IN (SELECT left(p_lookup, n) FROM generate_series(6, length(p_lookup)) n) OR starts_with(k.lookup, p_lookup)) $$;
CREATE FUNCTION sec.guard_imported_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM sec.demand_fresh(NEW.tenant_id, NULL);
    IF NOT EXISTS (SELECT FROM identity.api_key k WHERE k.tenant_id = NEW.tenant_id AND k.id = NEW.key_id AND k.owner_id = gate.subject()) THEN
      RAISE EXCEPTION 'kg: the owner is not the caller' USING ERRCODE = '42501'; END IF;
    PERFORM FROM sec.import_turn FOR UPDATE;
    IF NOT sec.lookup_is_free(NEW.lookup) THEN RAISE EXCEPTION 'kg: the lookup is taken' USING ERRCODE = '23505'; END IF;
    RETURN NEW;
  END IF;
  IF (NEW.tenant_id, NEW.key_id, NEW.lookup, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.key_id, OLD.lookup, OLD.created_at) THEN
    RAISE EXCEPTION 'kg: identity columns are immutable' USING ERRCODE = '42501'; END IF;
  IF coalesce(NEW.until, 'infinity') > coalesce(OLD.until, 'infinity') THEN
    RAISE EXCEPTION 'kg: an end only comes closer' USING ERRCODE = '42501'; END IF;
  IF (NEW.bcrypt, NEW.phc) IS DISTINCT FROM (OLD.bcrypt, OLD.phc)
      AND NOT (OLD.bcrypt IS NOT NULL AND NEW.bcrypt IS NULL AND gate.level() IS NOT DISTINCT FROM 0) THEN
    RAISE EXCEPTION 'kg: a hash is replaced once, by the worker that has seen the key' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_key_terms(), sec.guard_imported_key() TO kg_owner;

CREATE FUNCTION gate.lookup_is_free(p_lookup text) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT gate.tenant(4, 5) IS NOT NULL AND sec.lookup_is_free(p_lookup) $$;
-- Where a key lives, for the platform's own worker only.
CREATE FUNCTION gate.home_of_handle(p_handle text) RETURNS TABLE (tenant uuid, key uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id, k.id FROM identity.api_key k WHERE gate.platform_worker() AND k.handle = p_handle $$;
CREATE FUNCTION gate.home_of_imported(p_lookups text[]) RETURNS TABLE (tenant uuid, key uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id, k.key_id FROM identity.imported_key k WHERE gate.platform_worker() AND k.lookup = ANY (p_lookups) LIMIT 1 $$;
-- Somebody has shown the whole text of a key: its tenant's own worker ends it.
CREATE FUNCTION gate.revoke_leaked_key(p_key uuid) RETURNS bool LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH ended AS (UPDATE identity.api_key k SET revoked_at = now()
    WHERE k.tenant_id = gate.worker() AND k.id = p_key AND k.revoked_at IS NULL RETURNING 1)
  SELECT EXISTS (SELECT FROM ended) $$;
-- When which keys were used, of every tenant, in one statement. An earlier use never replaces a later one.
CREATE FUNCTION gate.touch_api_keys(p_keys uuid[], p_at timestamptz[], p_from inet[], p_old bool[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.api_key k SET
      last_used_from = CASE WHEN k.last_used_at IS NULL OR u.at >= k.last_used_at THEN u.source ELSE k.last_used_from END,
      last_used_at = greatest(k.last_used_at, u.at),
      old_last_used_at = greatest(k.old_last_used_at, u.old_at)
    FROM (SELECT t.key, max(t.at) AS at, (array_agg(t.source ORDER BY t.at DESC))[1] AS source, max(t.at) FILTER (WHERE t.old) AS old_at
            FROM unnest(p_keys, p_at, p_from, p_old) AS t (key, at, source, old) GROUP BY t.key) u
   WHERE gate.platform_worker() AND k.id = u.key $$;
GRANT EXECUTE ON FUNCTION gate.lookup_is_free(text) TO kg_app;
GRANT EXECUTE ON FUNCTION gate.home_of_handle(text), gate.home_of_imported(text[]), gate.revoke_leaked_key(uuid),
  gate.touch_api_keys(uuid[], timestamptz[], inet[], bool[]) TO kg_auth;

-- As before; the first key has a handle and 24 hours.
CREATE OR REPLACE FUNCTION sec.genesis(p jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who jsonb; t record; unit uuid;
BEGIN
  INSERT INTO sec.genesis DEFAULT VALUES; -- unique violation the second time
  INSERT INTO rbac.tenant (id, name, kind) VALUES ((p->>'platform')::uuid, 'platform', 'platform'), ((p->>'tenant')::uuid, 'default', 'customer');
  FOR who IN SELECT * FROM jsonb_array_elements(p->'people') LOOP
    INSERT INTO rbac.principal (tenant_id, id, kind, email, display_name)
      VALUES ((who->>'tenant')::uuid, (who->>'id')::uuid, 'user', who->>'email', who->>'name');
    INSERT INTO rbac.role_assignment (tenant_id, principal_id, level) VALUES ((who->>'tenant')::uuid, (who->>'id')::uuid, (who->>'level')::smallint);
    INSERT INTO identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at)
      VALUES ((who->>'tenant')::uuid, (who->>'enrolment')::uuid, (who->>'id')::uuid, decode(who->>'code_hash', 'hex'), now() + interval '24 hours');
  END LOOP;
  SELECT u.id INTO STRICT unit FROM rbac.unit u WHERE u.tenant_id = (p->>'tenant')::uuid;
  INSERT INTO rbac.principal (tenant_id, id, kind, display_name) VALUES ((p->>'tenant')::uuid, (p->'key'->>'service')::uuid, 'service', 'bootstrap');
  INSERT INTO rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by)
    VALUES ((p->>'tenant')::uuid, (p->'key'->>'service')::uuid, 2, unit, (p->'key'->>'owner')::uuid);
  INSERT INTO identity.api_key (tenant_id, id, principal_id, owner_id, name, phc, handle, expires_at)
    VALUES ((p->>'tenant')::uuid, (p->'key'->>'id')::uuid, (p->'key'->>'service')::uuid, (p->'key'->>'owner')::uuid, 'bootstrap', p->'key'->>'phc',
      p->'key'->>'handle', now() + interval '24 hours');
  FOR t IN SELECT r.id FROM rbac.tenant r LOOP
    INSERT INTO audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
      VALUES (t.id, gen_random_uuid(), 'system', t.id, 'platform.genesis', p->'names'->>(t.id::text), 'done', (p->>'request')::uuid, '', '');
  END LOOP;
END $$;

SET LOCAL ROLE kg_owner;
-- `terms` runs after `guard`: names decide the order.
CREATE TRIGGER terms BEFORE INSERT OR UPDATE ON identity.api_key FOR EACH ROW EXECUTE FUNCTION sec.guard_key_terms();
ALTER TABLE identity.api_key ENABLE ALWAYS TRIGGER terms;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON identity.imported_key FOR EACH ROW EXECUTE FUNCTION sec.guard_imported_key();
ALTER TABLE identity.imported_key ENABLE ALWAYS TRIGGER guard;
-- The second hash of the same text is bookkeeping, not an operation.
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OF until ON identity.imported_key
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE identity.imported_key ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
