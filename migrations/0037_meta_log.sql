-- The log of logs: every checkpoint of a tenant's log is a leaf of it. Keys of logs that are followed by others. A checkpoint never goes back.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.meta_log (
  one        bool PRIMARY KEY DEFAULT true CHECK (one),
  origin     text NOT NULL CHECK (length(origin) BETWEEN 1 AND 200 AND origin !~ '[ +\n]'),
  created_at timestamptz NOT NULL DEFAULT now()
);
-- Hashes for everybody who may read a log: the root in the leaf hides whose it is and how long.
CREATE TABLE audit.meta_leaf (
  idx       bigint PRIMARY KEY CHECK (idx >= 0),
  leaf_hash bytea NOT NULL CHECK (length(leaf_hash) = 32)
);
-- What the leaf says, without the name of the log: for its own tenant.
CREATE TABLE audit.meta_entry (
  idx       bigint PRIMARY KEY REFERENCES audit.meta_leaf,
  tenant_id uuid NOT NULL REFERENCES audit.log,
  size      bigint NOT NULL CHECK (size >= 0),
  root      bytea NOT NULL CHECK (length(root) = 32)
);
CREATE INDEX meta_entry_tenant ON audit.meta_entry (tenant_id, idx);
CREATE TABLE audit.meta_tile (
  level  smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
  idx    bigint NOT NULL CHECK (idx >= 0),
  hashes bytea NOT NULL CHECK (length(hashes) = 8192),
  root   bytea NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (level, idx)
);
CREATE TABLE audit.meta_checkpoint (
  size       bigint NOT NULL CHECK (size >= 0),
  root       bytea NOT NULL CHECK (length(root) = 32),
  note       text NOT NULL CHECK (length(note) <= 16384),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (size, created_at)
);
CREATE TABLE audit.meta_head (
  one      bool PRIMARY KEY DEFAULT true CHECK (one),
  size     bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
  frontier bytea[] NOT NULL DEFAULT '{}'
);
-- Two signatures of each of two keys have room.
ALTER TABLE audit.checkpoint DROP CONSTRAINT checkpoint_note_check;
ALTER TABLE audit.checkpoint ADD CONSTRAINT checkpoint_note_check CHECK (length(note) <= 16384) NOT VALID;
ALTER TABLE audit.checkpoint VALIDATE CONSTRAINT checkpoint_note_check;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['meta_log', 'meta_leaf', 'meta_entry', 'meta_tile', 'meta_checkpoint', 'meta_head'] LOOP
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY integrator ON audit.%I TO kg_integrator USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY auditor_r ON audit.%I FOR SELECT TO kg_auditor USING (true)', t);
    CONTINUE WHEN t = 'meta_entry';
    EXECUTE format('CREATE POLICY app_r ON audit.%I FOR SELECT TO kg_app USING ((SELECT gate.tenant(4, 5)) IS NOT NULL OR (SELECT gate.tenant(7, 7)) IS NOT NULL)', t);
  END LOOP;
END $$;
CREATE POLICY app_r ON audit.meta_entry FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
GRANT SELECT ON audit.meta_log, audit.meta_leaf, audit.meta_entry, audit.meta_tile, audit.meta_checkpoint, audit.meta_head TO kg_app, kg_auditor;
GRANT SELECT, INSERT ON audit.meta_log, audit.meta_leaf, audit.meta_entry, audit.meta_tile, audit.meta_checkpoint, audit.meta_head TO kg_integrator;
GRANT UPDATE (size, frontier) ON audit.meta_head TO kg_integrator;

-- A log's key is followed by another; for a while both sign, then the older one's seed is destroyed. Public halves stay.
ALTER TABLE keys.signing_key ADD COLUMN version int NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE keys.signing_key ADD COLUMN public bytea CHECK (length(public) = 32); -- unknown until the key has signed once
ALTER TABLE keys.signing_key ADD COLUMN signs_until timestamptz;
ALTER TABLE keys.signing_key ADD COLUMN destroyed_at timestamptz;
-- A destroyed seed is nowhere; only the integrator reads the column.
-- squawk-ignore ban-drop-not-null
ALTER TABLE keys.signing_key ALTER COLUMN kek DROP NOT NULL;
-- squawk-ignore ban-drop-not-null
ALTER TABLE keys.signing_key ALTER COLUMN wrapped DROP NOT NULL;
CREATE UNIQUE INDEX signing_key_versions ON keys.signing_key (tenant_id, purpose, version);
ALTER TABLE keys.signing_key DROP CONSTRAINT signing_key_pkey;
ALTER TABLE keys.signing_key ADD CONSTRAINT signing_key_pkey PRIMARY KEY USING INDEX signing_key_versions;
ALTER TABLE keys.signing_key DROP CONSTRAINT signing_key_purpose_check;
ALTER TABLE keys.signing_key ADD CONSTRAINT signing_key_purpose_check CHECK (purpose IN ('audit-log', 'meta-log')) NOT VALID;
ALTER TABLE keys.signing_key VALIDATE CONSTRAINT signing_key_purpose_check;
ALTER TABLE keys.signing_key ADD CONSTRAINT signing_key_states CHECK ((kek IS NULL) = (wrapped IS NULL)
  AND (wrapped IS NULL) = (destroyed_at IS NOT NULL) AND (destroyed_at IS NULL OR (destroyed_at >= signs_until AND public IS NOT NULL))) NOT VALID;
ALTER TABLE keys.signing_key VALIDATE CONSTRAINT signing_key_states;
CREATE UNIQUE INDEX signing_key_current ON keys.signing_key (tenant_id, purpose) WHERE signs_until IS NULL;
CREATE INDEX signing_key_rotated ON keys.signing_key (version) WHERE version > 1;
GRANT INSERT (version, public) ON keys.signing_key TO kg_integrator;
GRANT UPDATE (public, kek, wrapped, destroyed_at) ON keys.signing_key TO kg_integrator;
GRANT SELECT (tenant_id, purpose, version, public, created_at, signs_until, destroyed_at), INSERT (tenant_id, purpose, version, kek, wrapped, public),
  UPDATE (signs_until) ON keys.signing_key TO kg_sec;
CREATE POLICY sec_r ON keys.signing_key FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_i ON keys.signing_key FOR INSERT TO kg_sec WITH CHECK (signs_until IS NULL AND destroyed_at IS NULL AND public IS NOT NULL);
CREATE POLICY sec_u ON keys.signing_key FOR UPDATE TO kg_sec USING (signs_until IS NULL) WITH CHECK (signs_until IS NOT NULL);

SET LOCAL ROLE kg_sec;
CREATE FUNCTION sec.guard_log_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.tenant_id, NEW.purpose, NEW.version, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.purpose, OLD.version, OLD.created_at)
     OR (OLD.public IS NOT NULL AND NEW.public IS DISTINCT FROM OLD.public)
     OR (OLD.signs_until IS NOT NULL AND NEW.signs_until IS DISTINCT FROM OLD.signs_until)
     OR (OLD.destroyed_at IS NOT NULL AND NEW.destroyed_at IS DISTINCT FROM OLD.destroyed_at)
     OR (NEW.destroyed_at IS NOT NULL AND NEW.signs_until > clock_timestamp())
     OR (NEW.wrapped IS NOT NULL AND NEW.wrapped IS DISTINCT FROM OLD.wrapped) THEN
    RAISE EXCEPTION 'kg: a key of a log only moves forward' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION sec.guard_meta_head() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.size < OLD.size THEN RAISE EXCEPTION 'kg: a log never shrinks' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
-- Nothing smaller than what was signed, nothing else at the same size. Whoever owns the database gets past this; the signer's own memory is elsewhere.
CREATE FUNCTION sec.guard_checkpoint() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE last record;
BEGIN
  IF TG_TABLE_NAME = 'meta_checkpoint' THEN
    SELECT k.size, k.root INTO last FROM audit.meta_checkpoint k ORDER BY k.size DESC, k.created_at DESC LIMIT 1;
  ELSE
    SELECT k.size, k.root INTO last FROM audit.checkpoint k
      WHERE k.tenant_id = NEW.tenant_id ORDER BY k.size DESC, k.created_at DESC LIMIT 1;
  END IF;
  IF last.size > NEW.size OR (last.size = NEW.size AND last.root <> NEW.root) THEN
    RAISE EXCEPTION 'kg: a log is never signed smaller, nor otherwise at the same size' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_log_key(), sec.guard_meta_head(), sec.guard_checkpoint() TO kg_owner;

-- The keys of the caller's log, and of the log of logs. The sealed seeds are not among what is told.
CREATE FUNCTION gate.log_keys() RETURNS TABLE (origin text, meta bool, version int, public bytea, created_at timestamptz, signs_until timestamptz,
  destroyed_at timestamptz) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE k.purpose WHEN 'meta-log' THEN (SELECT m.origin FROM audit.meta_log m) ELSE (SELECT l.origin FROM audit.log l WHERE l.tenant_id = k.tenant_id) END,
    k.purpose = 'meta-log', k.version, k.public, k.created_at, k.signs_until, k.destroyed_at
  FROM keys.signing_key k, (SELECT coalesce(gate.tenant(4, 5), gate.tenant(7, 7)) AS home OFFSET 0) c
  WHERE c.home IS NOT NULL AND ((k.purpose = 'audit-log' AND k.tenant_id = c.home) OR k.purpose = 'meta-log')
  ORDER BY k.purpose = 'meta-log', k.version DESC LIMIT 200 $$;

-- A new key signs from now on; the former one signs beside it for seven days, in an emergency not at all any more. `none` before the first
-- checkpoint, `overlap` while two sign already, otherwise `turned`.
CREATE FUNCTION gate.rotate_log_key(p_meta bool, p_kek text, p_wrapped bytea, p_public bytea, p_emergency bool) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := CASE WHEN p_meta THEN gate.tenant(7, 7) ELSE coalesce(gate.tenant(5, 5), gate.tenant(7, 7)) END; v int;
  what text := CASE WHEN p_meta THEN 'meta-log' ELSE 'audit-log' END;
BEGIN
  PERFORM sec.demand_revoker(home IS NOT NULL);
  SELECT k.version INTO v FROM keys.signing_key k WHERE k.tenant_id = home AND k.purpose = what AND k.signs_until IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN 'none'; END IF;
  IF NOT coalesce(p_emergency, false) AND EXISTS (SELECT FROM keys.signing_key k
      WHERE k.tenant_id = home AND k.purpose = what AND k.signs_until > clock_timestamp()) THEN RETURN 'overlap'; END IF;
  UPDATE keys.signing_key k SET signs_until = clock_timestamp() + CASE WHEN coalesce(p_emergency, false) THEN interval '0' ELSE interval '7 days' END
    WHERE k.tenant_id = home AND k.purpose = what AND k.version = v;
  INSERT INTO keys.signing_key (tenant_id, purpose, version, kek, wrapped, public) VALUES (home, what, v + 1, p_kek, p_wrapped, p_public);
  RETURN 'turned';
END $$;
GRANT EXECUTE ON FUNCTION gate.log_keys(), gate.rotate_log_key(bool, text, bytea, bytea, bool) TO kg_app;

SET LOCAL ROLE kg_owner;
GRANT SELECT ON audit.log, audit.meta_log TO kg_sec;
CREATE POLICY sec_r ON audit.log FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON audit.meta_log FOR SELECT TO kg_sec USING (true);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['meta_log', 'meta_leaf', 'meta_entry', 'meta_tile', 'meta_checkpoint'] LOOP
    EXECUTE format('CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.%I FOR EACH ROW EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER nochange', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['meta_log', 'meta_leaf', 'meta_entry', 'meta_tile', 'meta_checkpoint', 'meta_head'] LOOP
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['checkpoint', 'meta_checkpoint'] LOOP
    EXECUTE format('CREATE TRIGGER forward BEFORE INSERT ON audit.%I FOR EACH ROW EXECUTE FUNCTION sec.guard_checkpoint()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER forward', t);
  END LOOP;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON audit.meta_head FOR EACH ROW EXECUTE FUNCTION sec.guard_meta_head();
ALTER TABLE audit.meta_head ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER nodelete BEFORE DELETE ON audit.meta_head FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.meta_head ENABLE ALWAYS TRIGGER nodelete;
CREATE TRIGGER guard BEFORE UPDATE ON keys.signing_key FOR EACH ROW EXECUTE FUNCTION sec.guard_log_key();
ALTER TABLE keys.signing_key ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER nodelete BEFORE DELETE ON keys.signing_key FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE keys.signing_key ENABLE ALWAYS TRIGGER nodelete;
CREATE TRIGGER notruncate BEFORE TRUNCATE ON keys.signing_key FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE keys.signing_key ENABLE ALWAYS TRIGGER notruncate;
-- The first key of a log comes with the log; each later one is an operation of somebody.
CREATE CONSTRAINT TRIGGER audited AFTER UPDATE OF signs_until ON keys.signing_key
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE keys.signing_key ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
