-- The keys that sign access tokens: pending, active, retired, gone. Seeds are sealed under a key that is not in the database, and
-- destroyed when they have signed for the last time.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
CREATE TABLE identity.signing_key (
  kid          text PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9_-]{16}$'),
  public       bytea NOT NULL UNIQUE CHECK (length(public) = 32),
  kek          text CHECK (kek ~ '^[0-9a-f]{16}$'),
  sealed       bytea CHECK (length(sealed) = 60), -- nonce, seed, tag
  created_at   timestamptz NOT NULL DEFAULT now(),
  activated_at timestamptz,
  retired_at   timestamptz,
  revoked_at   timestamptz,
  early        bool NOT NULL DEFAULT false, -- signed before it had been published for a day: the first one, or an emergency
  CHECK ((kek IS NULL) = (sealed IS NULL)),
  CHECK ((sealed IS NULL) = (retired_at IS NOT NULL OR revoked_at IS NOT NULL)),
  CHECK (retired_at IS NULL OR activated_at IS NOT NULL),
  CHECK (activated_at IS NULL OR early OR activated_at >= created_at + interval '24 hours')
);
CREATE UNIQUE INDEX one_active ON identity.signing_key ((true)) WHERE activated_at IS NOT NULL AND retired_at IS NULL AND revoked_at IS NULL;
CREATE UNIQUE INDEX one_pending ON identity.signing_key ((true)) WHERE activated_at IS NULL AND revoked_at IS NULL;
ALTER TABLE identity.signing_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.signing_key FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (kid, public, kek, sealed, created_at, activated_at, early), UPDATE (kek, sealed, activated_at, retired_at, revoked_at, early)
  ON identity.signing_key TO kg_sec;
CREATE POLICY sec ON identity.signing_key TO kg_sec USING (true) WITH CHECK (true);

SET LOCAL ROLE kg_sec;
CREATE FUNCTION sec.guard_signing_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.kid, NEW.public, NEW.created_at) IS DISTINCT FROM (OLD.kid, OLD.public, OLD.created_at)
     OR (OLD.activated_at IS NOT NULL AND NEW.activated_at IS DISTINCT FROM OLD.activated_at)
     OR (OLD.retired_at IS NOT NULL AND NEW.retired_at IS DISTINCT FROM OLD.retired_at)
     OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
     OR (NEW.sealed IS NOT NULL AND NEW.sealed IS DISTINCT FROM OLD.sealed AND NEW.kek = OLD.kek) THEN
    RAISE EXCEPTION 'kg: a signing key only moves forward' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION sec.signing_key_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL THEN
    PERFORM sec.revoke('kid', NULL, NEW.kid, now() + sec.token_life());
  ELSE
    PERFORM sec.revoke('ring', NULL, NULL, now() + sec.token_life());
  END IF;
  IF NOT EXISTS (SELECT FROM identity.signing_key k WHERE k.activated_at IS NOT NULL AND k.retired_at IS NULL AND k.revoked_at IS NULL) THEN
    RAISE EXCEPTION 'kg: one key has to sign' USING ERRCODE = '42501'; END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_signing_key(), sec.signing_key_changed() TO kg_owner;

-- Seeds for the platform's own worker as kg_auth, everything else for the platform's levels too.
CREATE FUNCTION gate.signing_keys()
RETURNS TABLE (kid text, public bytea, kek text, sealed bytea, created_at timestamptz, activated_at timestamptz, retired_at timestamptz, revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.kid, k.public, CASE WHEN w.worker THEN k.kek END, CASE WHEN w.worker THEN k.sealed END, k.created_at, k.activated_at, k.retired_at, k.revoked_at
  FROM identity.signing_key k, (SELECT session_user = 'kg_auth' AND gate.platform_worker() AS worker, gate.level() >= 6 AS admin) w
  WHERE w.worker OR w.admin ORDER BY k.created_at DESC, k.kid LIMIT 100 $$;

-- Whether anybody has ever logged in, for the platform's own worker; NULL for everybody else.
CREATE FUNCTION gate.has_had_sessions() RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN gate.platform_worker() THEN EXISTS (SELECT FROM identity.session) END $$;

-- A new key: pending, or the first of all, active at once. False when there is one in that state.
CREATE FUNCTION gate.add_signing_key(p_kid text, p_public bytea, p_kek text, p_sealed bytea, p_active bool) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE since timestamptz := now();
BEGIN
  IF NOT p_active THEN PERFORM sec.demand_revoker(gate.level() = 7);
  ELSIF session_user <> 'kg_auth' OR NOT gate.platform_worker() THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  -- The first may be one that has signed since the beginning.
  IF p_active AND NOT EXISTS (SELECT FROM identity.signing_key) THEN
    SELECT coalesce(min(g.at), now()) INTO since FROM sec.genesis g; END IF;
  INSERT INTO identity.signing_key (kid, public, kek, sealed, created_at, activated_at, early)
    VALUES (p_kid, p_public, p_kek, p_sealed, since, CASE WHEN p_active THEN since END, p_active) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

-- The pending key signs from now on, the active one only verifies. `none`, `young` or the kid.
CREATE FUNCTION gate.turn_signing_keys(p_emergency bool) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE p record;
BEGIN
  PERFORM sec.demand_revoker(gate.level() = 7);
  SELECT * INTO p FROM identity.signing_key k WHERE k.activated_at IS NULL AND k.revoked_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN 'none'; END IF;
  IF NOT coalesce(p_emergency, false) AND p.created_at + interval '24 hours' > now() THEN RETURN 'young'; END IF;
  UPDATE identity.signing_key k SET retired_at = now(), kek = NULL, sealed = NULL
    WHERE k.activated_at IS NOT NULL AND k.retired_at IS NULL AND k.revoked_at IS NULL;
  UPDATE identity.signing_key k SET activated_at = now(), early = p.created_at + interval '24 hours' > now() WHERE k.kid = p.kid;
  RETURN p.kid;
END $$;

-- A key is dead at once, and with it every session that may have been opened with it. NULL when there is no such living key.
CREATE FUNCTION gate.revoke_kid(p_kid text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE k record; n bigint;
BEGIN
  PERFORM sec.demand_revoker(gate.level() = 7);
  UPDATE identity.signing_key x SET revoked_at = now(), kek = NULL, sealed = NULL WHERE x.kid = p_kid AND x.revoked_at IS NULL RETURNING * INTO k;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE identity.session s SET revoked_at = now() WHERE s.revoked_at IS NULL AND s.expires_at > now()
    AND s.created_at >= k.activated_at AND (k.retired_at IS NULL OR s.created_at <= k.retired_at + interval '5 minutes');
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;
GRANT EXECUTE ON FUNCTION gate.signing_keys(), gate.has_had_sessions(), gate.add_signing_key(text, bytea, text, bytea, bool) TO kg_auth;
GRANT EXECUTE ON FUNCTION gate.signing_keys(), gate.add_signing_key(text, bytea, text, bytea, bool), gate.turn_signing_keys(bool),
  gate.revoke_kid(text) TO kg_app;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE UPDATE ON identity.signing_key FOR EACH ROW EXECUTE FUNCTION sec.guard_signing_key();
CREATE TRIGGER nodelete BEFORE DELETE ON identity.signing_key FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON identity.signing_key FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE ON identity.signing_key
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
CREATE CONSTRAINT TRIGGER revoke AFTER INSERT OR UPDATE ON identity.signing_key
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.signing_key_changed();
ALTER TABLE identity.signing_key ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.signing_key ENABLE ALWAYS TRIGGER nodelete;
ALTER TABLE identity.signing_key ENABLE ALWAYS TRIGGER notruncate;
ALTER TABLE identity.signing_key ENABLE ALWAYS TRIGGER audited;
ALTER TABLE identity.signing_key ENABLE ALWAYS TRIGGER revoke;
RESET ROLE;
