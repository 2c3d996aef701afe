-- Leaf version 2, addresses sealed under a key of the person they are of, and what must not be erased or removed yet.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
ALTER TABLE audit.entry ADD COLUMN occurred_at timestamptz; -- what the caller's clock said, never believed
ALTER TABLE audit.entry ADD COLUMN opening_key uuid; -- not in the leaf: where the opening is looked for
ALTER TABLE audit.entry ADD CONSTRAINT entry_occurred_at CHECK (occurred_at >= '2000-01-01 00:00:00+00' AND occurred_at < '2100-01-01 00:00:00+00') NOT VALID;
ALTER TABLE audit.entry VALIDATE CONSTRAINT entry_occurred_at;

-- A person's keys: each instance makes its own, so there may be several. Wrapped: what opens them is not in the database.
-- Keep this table out of backups that outlive an erasure, see docs/security/erasure.md.
CREATE TABLE keys.subject_key (
  tenant_id  uuid NOT NULL REFERENCES rbac.tenant,
  id         uuid NOT NULL,
  subject    uuid NOT NULL, -- a principal, or the tenant's own id for callers nobody knows
  kek        text NOT NULL CHECK (kek ~ '^[0-9a-f]{16}$'),
  wrapped    bytea NOT NULL CHECK (length(wrapped) = 60), -- nonce, key, tag
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX subject_key_of ON keys.subject_key (tenant_id, subject);
-- The openings of commitments: salt and value, sealed under a key of the subject. Without it they are nothing.
CREATE TABLE audit.sealed_opening (
  tenant_id uuid NOT NULL,
  key_id    uuid NOT NULL,
  entry_id  uuid NOT NULL,
  field     text NOT NULL CHECK (field IN ('source')),
  sealed    bytea NOT NULL CHECK (length(sealed) BETWEEN 61 AND 260), -- nonce (12), salt (32) and 1 to 200 bytes, tag (16)
  PRIMARY KEY (tenant_id, key_id, entry_id, field)
);

-- Until it is released, nobody named here is erased and no month that it touches is removed. NULL: any subject, no bound.
CREATE TABLE audit.hold (
  tenant_id        uuid NOT NULL REFERENCES rbac.tenant,
  id               uuid NOT NULL,
  subject          uuid,
  from_at          timestamptz,
  to_at            timestamptz,
  reason           text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
  placed_by        uuid NOT NULL,
  placed_at        timestamptz NOT NULL DEFAULT now(),
  released_by      uuid,
  released_at      timestamptz,
  release_approval uuid,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, placed_by) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, subject) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, release_approval) REFERENCES rbac.approval,
  CHECK (from_at < to_at),
  CHECK (num_nonnulls(released_by, released_at, release_approval) IN (0, 3))
);
CREATE INDEX hold_placed_by ON audit.hold (tenant_id, placed_by);
CREATE INDEX hold_subject ON audit.hold (tenant_id, subject);
CREATE INDEX hold_approval ON audit.hold (tenant_id, release_approval);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['keys.subject_key', 'audit.sealed_opening', 'audit.hold'] LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
  -- Erased they may be, changed never.
  FOREACH t IN ARRAY ARRAY['keys.subject_key', 'audit.sealed_opening'] LOOP
    EXECUTE format('CREATE TRIGGER nochange BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER nochange', t);
    EXECUTE format('CREATE POLICY sec ON %s TO kg_sec USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY app_r ON %s FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))))', t);
  END LOOP;
END $$;
GRANT SELECT ON keys.subject_key, audit.sealed_opening TO kg_app;
GRANT SELECT, INSERT, DELETE ON keys.subject_key, audit.sealed_opening TO kg_sec;
GRANT DELETE ON audit.opening TO kg_sec;
CREATE TRIGGER nodelete BEFORE DELETE ON audit.hold FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.hold ENABLE ALWAYS TRIGGER nodelete;
GRANT SELECT, INSERT (tenant_id, id, subject, from_at, to_at, reason, placed_by) ON audit.hold TO kg_app;
GRANT SELECT, UPDATE (released_by, released_at, release_approval) ON audit.hold TO kg_sec;
CREATE POLICY sec_r ON audit.hold FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_u ON audit.hold FOR UPDATE TO kg_sec USING (released_at IS NULL) WITH CHECK (released_at IS NOT NULL);
CREATE POLICY app_r ON audit.hold FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_i ON audit.hold FOR INSERT TO kg_app WITH CHECK
  (tenant_id = (SELECT gate.tenant(5, 5)) AND placed_by = (SELECT gate.subject()) AND released_at IS NULL);
SELECT sec.mask_hats('audit.hold'::regclass);

SET LOCAL ROLE kg_sec;
-- The leaf, version 2: keys in RFC 8785 order, personal values as commitments in `c`, what the caller's clock said.
CREATE OR REPLACE FUNCTION sec.seal_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF abs(extract(epoch FROM clock_timestamp() - NEW.recorded_at)) > 5 THEN RAISE EXCEPTION 'kg: an entry is recorded now, not then' USING ERRCODE = '42501'; END IF;
  NEW.xid := pg_current_xact_id();
  NEW.time_quality := sec.time_quality();
  NEW.leaf := convert_to('{"action":' || sec.jstr(NEW.action)
    || ',"actor":{"id":"' || NEW.actor_id || '","type":' || sec.jstr(NEW.actor_type) || '}'
    || coalesce(',"c":{"source":"' || encode(NEW.source_c, 'hex') || '"}', '')
    || ',"entity":' || sec.jstr(NEW.entity)
    || ',"id":"' || NEW.id || '"'
    || coalesce(',"occurred_at":"' || to_char(NEW.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', '')
    || ',"outcome":' || sec.jstr(NEW.outcome)
    || coalesce(',"reason":' || sec.jstr(NEW.reason), '')
    || ',"recorded_at":"' || to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"request_id":"' || NEW.request_id || '"'
    || ',"tenant":"' || NEW.tenant_id || '"'
    || ',"time_quality":' || sec.jstr(NEW.time_quality)
    || ',"v":2}', 'UTF8');
  NEW.leaf_hash := sha256('\x00'::bytea || NEW.leaf);
  RETURN NEW;
END $$;

DROP FUNCTION gate.append_entry(uuid, text, text, text, text, uuid, text, text, uuid);
-- The only way to write an entry: tenant and actor are the context's. Keepgate's own worker may name the actor it acts for.
-- The caller's address comes committed to and sealed; a new key of the actor comes along, wrapped. An opening under a key that
-- has been destroyed meanwhile is dropped: the commitment stays.
CREATE FUNCTION gate.append_entry(p_id uuid, p_action text, p_entity text, p_outcome text, p_reason text, p_request uuid, p_source_c bytea,
  p_actor_type text, p_actor uuid, p_occurred timestamptz DEFAULT NULL, p_key uuid DEFAULT NULL, p_sealed bytea DEFAULT NULL,
  p_kek text DEFAULT NULL, p_wrapped bytea DEFAULT NULL, OUT recorded_at timestamptz, OUT leaf_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c text[] := gate.ctx(); home uuid; kind text;
BEGIN
  IF c IS NULL THEN RAISE EXCEPTION 'kg: no context' USING ERRCODE = 'KG001'; END IF;
  home := c[4]::uuid;
  IF c[5] = '0' THEN
    kind := coalesce(p_actor_type, 'system');
    p_actor := coalesce(p_actor, c[1]::uuid);
  ELSE
    SELECT p.kind, p.id INTO kind, p_actor FROM rbac.principal p WHERE p.tenant_id = home AND p.id = c[1]::uuid;
  END IF;
  IF p_sealed IS NULL THEN
    p_key := NULL;
  ELSE
    IF p_source_c IS NULL OR p_key IS NULL THEN RAISE EXCEPTION 'kg: an opening of nothing' USING ERRCODE = '42501'; END IF;
    IF p_wrapped IS NOT NULL THEN
      INSERT INTO keys.subject_key (tenant_id, id, subject, kek, wrapped) VALUES (home, p_key, p_actor, p_kek, p_wrapped);
    END IF;
    INSERT INTO audit.sealed_opening (tenant_id, key_id, entry_id, field, sealed)
      SELECT home, p_key, p_id, 'source', p_sealed FROM keys.subject_key k WHERE k.tenant_id = home AND k.id = p_key AND k.subject = p_actor;
  END IF;
  INSERT INTO audit.entry AS e (tenant_id, id, actor_type, actor_id, action, entity, outcome, reason, request_id, source_c, occurred_at, opening_key, leaf, leaf_hash)
    VALUES (home, p_id, kind, p_actor, p_action, p_entity, p_outcome, p_reason, p_request, p_source_c, p_occurred, p_key, '', '')
    RETURNING e.recorded_at, e.leaf_hash INTO recorded_at, leaf_hash;
  IF leaf_hash IS NULL THEN RAISE EXCEPTION 'kg: the entry was not stored' USING ERRCODE = 'KG002'; END IF;
END $$;
GRANT EXECUTE ON FUNCTION gate.append_entry(uuid, text, text, text, text, uuid, bytea, text, uuid, timestamptz, uuid, bytea, text, bytea) TO kg_app, kg_auth;

-- A hold is placed now, by an owner who has proved who it is.
CREATE FUNCTION sec.guard_hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM sec.demand_fresh(NEW.tenant_id, NULL);
    NEW.placed_at := now();
  ELSIF (NEW.tenant_id, NEW.id, NEW.subject, NEW.from_at, NEW.to_at, NEW.reason, NEW.placed_by, NEW.placed_at)
    IS DISTINCT FROM (OLD.tenant_id, OLD.id, OLD.subject, OLD.from_at, OLD.to_at, OLD.reason, OLD.placed_by, OLD.placed_at) OR OLD.released_at IS NOT NULL THEN
    RAISE EXCEPTION 'kg: a hold is released once, and never changed' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
-- Whether any tenant's hold touches the time from the first instant up to, but not including, the second. A hold without
-- bounds, such as one on a person, touches every time.
CREATE FUNCTION sec.is_held(p_from timestamptz, p_to timestamptz) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM audit.hold h WHERE h.released_at IS NULL
    AND coalesce(h.from_at, '-infinity') < p_to AND coalesce(h.to_at, 'infinity') > p_from) $$;
GRANT EXECUTE ON FUNCTION sec.guard_hold() TO kg_owner;
GRANT EXECUTE ON FUNCTION sec.is_held(timestamptz, timestamptz) TO kg_owner, kg_integrator, kg_migrator;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON audit.hold FOR EACH ROW EXECUTE FUNCTION sec.guard_hold();
ALTER TABLE audit.hold ENABLE ALWAYS TRIGGER guard;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['keys.subject_key', 'audit.hold'] LOOP
    EXECUTE 'CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ' || t
      || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()';
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ALWAYS TRIGGER audited';
  END LOOP;
END $$;
RESET ROLE;
