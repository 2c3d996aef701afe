-- Revocations, numbered in the order of their commits, written by triggers in the transaction of the change that kills a credential.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
CREATE TABLE identity.revocation (
  seq        bigint PRIMARY KEY CHECK (seq > 0),
  kind       text NOT NULL CHECK (kind IN ('session', 'principal', 'tenant', 'key', 'kid', 'all', 'ring')),
  id         uuid,
  kid        text CHECK (kid ~ '^[A-Za-z0-9_-]{16}$'),
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL, -- nothing it could kill lives any more
  xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CHECK ((id IS NOT NULL) = (kind IN ('session', 'principal', 'tenant', 'key'))),
  CHECK ((kid IS NOT NULL) = (kind = 'kid'))
);
CREATE INDEX revocation_xid ON identity.revocation (xid);
-- One row. Whoever takes the next number holds it until its commit: numbers become visible in their order, without gaps.
CREATE TABLE identity.revocation_head (
  one  bool PRIMARY KEY DEFAULT true CHECK (one),
  last bigint NOT NULL DEFAULT 0
);
INSERT INTO identity.revocation_head DEFAULT VALUES;
-- What was ordered by hand, by whom, and why.
CREATE TABLE identity.revocation_order (
  tenant_id  uuid NOT NULL REFERENCES rbac.tenant,
  request_id uuid NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('session', 'principal', 'tenant', 'key', 'kid', 'all')),
  target     text NOT NULL CHECK (length(target) BETWEEN 1 AND 64),
  reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
  ordered_by uuid NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, request_id)
);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['revocation', 'revocation_head', 'revocation_order'] LOOP
    EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE identity.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON identity.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE identity.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
END $$;
-- A revocation is never taken back: rows go when they have ended, and the number only grows.
CREATE TRIGGER nochange BEFORE UPDATE ON identity.revocation FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE identity.revocation ENABLE ALWAYS TRIGGER nochange;
CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON identity.revocation_order FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE identity.revocation_order ENABLE ALWAYS TRIGGER nochange;
CREATE CONSTRAINT TRIGGER audited AFTER INSERT ON identity.revocation_order
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE identity.revocation_order ENABLE ALWAYS TRIGGER audited;

GRANT SELECT, INSERT (seq, kind, id, kid, expires_at), DELETE ON identity.revocation TO kg_sec;
GRANT SELECT, UPDATE (last) ON identity.revocation_head TO kg_sec;
GRANT UPDATE (revoked_at) ON identity.session, identity.api_key TO kg_sec;
CREATE POLICY sec ON identity.revocation TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY sec ON identity.revocation_head TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY sec_u ON identity.session FOR UPDATE TO kg_sec USING (revoked_at IS NULL) WITH CHECK (revoked_at IS NOT NULL);
CREATE POLICY sec_u ON identity.api_key FOR UPDATE TO kg_sec USING (revoked_at IS NULL) WITH CHECK (revoked_at IS NOT NULL);
GRANT SELECT, INSERT (tenant_id, request_id, kind, target, reason, ordered_by) ON identity.revocation_order TO kg_app;
CREATE POLICY app_r ON identity.revocation_order FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 7)));
CREATE POLICY app_i ON identity.revocation_order FOR INSERT TO kg_app
  WITH CHECK (tenant_id = (SELECT gate.tenant(5, 7)) AND ordered_by = (SELECT gate.subject()));
SELECT sec.mask_hats('identity.revocation_order');

SET LOCAL ROLE kg_sec;
-- How long a token lives at most, and five minutes for clocks.
CREATE FUNCTION sec.token_life() RETURNS interval LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT interval '8 hours 5 minutes' $$;

CREATE FUNCTION sec.revoke(p_kind text, p_id uuid, p_kid text, p_until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  UPDATE identity.revocation_head SET last = last + 1 RETURNING last INTO STRICT n;
  INSERT INTO identity.revocation (seq, kind, id, kid, expires_at) VALUES (n, p_kind, p_id, p_kid, p_until);
  NOTIFY kg_revocation; -- a hint without content: anybody can send one
END $$;

-- The triggers are deferred to the commit: by then every row lock has been taken, so waiting for the next number can't deadlock.
CREATE FUNCTION sec.session_ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Where the whole tenant or everything was revoked, that says it.
  IF NOT EXISTS (SELECT FROM identity.revocation r WHERE r.xid = pg_current_xact_id()
      AND (r.kind = 'all' OR (r.kind = 'tenant' AND r.id = NEW.tenant_id))) THEN
    PERFORM sec.revoke('session', NEW.sid, NULL, NEW.expires_at + interval '5 minutes');
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION sec.key_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM identity.revocation r WHERE r.xid = pg_current_xact_id() AND r.kind = 'tenant' AND r.id = NEW.tenant_id) THEN
    PERFORM sec.revoke('key', NEW.id, NULL, now() + sec.token_life());
  END IF;
  RETURN NULL;
END $$;

-- What was remembered of the keys that somebody owns or acts with.
CREATE FUNCTION sec.forget_keys(p_tenant uuid, p_principal uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sec.revoke('key', k.id, NULL, now() + sec.token_life()) FROM identity.api_key k
    WHERE k.tenant_id = p_tenant AND (k.owner_id = p_principal OR k.principal_id = p_principal) AND k.revoked_at IS NULL;
END $$;

CREATE FUNCTION sec.principal_ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sec.revoke('principal', NEW.id, NULL, now() + sec.token_life());
  PERFORM sec.forget_keys(NEW.tenant_id, NEW.id);
  RETURN NULL;
END $$;

CREATE FUNCTION sec.assignment_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- A changed level narrows sessions at the door; a lost one ends them.
  IF NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL THEN
    PERFORM sec.revoke('principal', NEW.principal_id, NULL, now() + sec.token_life());
  END IF;
  PERFORM sec.forget_keys(NEW.tenant_id, NEW.principal_id);
  RETURN NULL;
END $$;

-- A tenant that is suspended loses its sessions for good; its keys work again when it does.
CREATE FUNCTION sec.tenant_suspended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sec.revoke('tenant', NEW.id, NULL, now() + sec.token_life());
  UPDATE identity.session SET revoked_at = now() WHERE tenant_id = NEW.id AND revoked_at IS NULL AND expires_at > now();
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION sec.session_ended(), sec.key_changed(), sec.principal_ended(), sec.assignment_changed(), sec.tenant_suspended() TO kg_owner;

-- For the platform's own worker, as kg_auth: those after a number, and the newest number, of one snapshot. Always at least one row.
CREATE FUNCTION gate.revocations(p_after bigint, p_limit int)
RETURNS TABLE (head bigint, seq bigint, kind text, id uuid, kid text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT h.last, r.seq, r.kind, r.id, r.kid, r.expires_at FROM identity.revocation_head h LEFT JOIN LATERAL
    (SELECT * FROM identity.revocation x WHERE x.seq > p_after ORDER BY x.seq LIMIT least(p_limit, 10000)) r ON true
  WHERE gate.platform_worker() ORDER BY r.seq $$;
-- The newest number as the calling statement sees it: what a session that opens now can't be killed by.
CREATE FUNCTION gate.revocation_seq() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT h.last FROM identity.revocation_head h WHERE gate.worker() IS NOT NULL $$;
CREATE FUNCTION gate.sweep_revocations() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  IF NOT gate.platform_worker() THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  DELETE FROM identity.revocation r WHERE r.expires_at < now();
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

-- Whoever revokes for others has just proved who it is, and wears no hat.
CREATE FUNCTION sec.demand_revoker(p_within bool) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coalesce(p_within, false) OR gate.hat() IS NOT NULL OR NOT gate.fresh() THEN
    RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
END $$;

-- Everything of one tenant: sessions and API keys. An owner its own, a global admin any; no row when there is no such tenant.
CREATE FUNCTION gate.revoke_tenant(p_tenant uuid) RETURNS TABLE (sessions bigint, keys bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sec.demand_revoker(gate.level() = 7 OR gate.tenant(5, 5) = p_tenant);
  IF NOT EXISTS (SELECT FROM rbac.tenant t WHERE t.id = p_tenant) THEN RETURN; END IF;
  PERFORM sec.revoke('tenant', p_tenant, NULL, now() + sec.token_life());
  UPDATE identity.session s SET revoked_at = now() WHERE s.tenant_id = p_tenant AND s.revoked_at IS NULL AND s.expires_at > now();
  GET DIAGNOSTICS sessions = ROW_COUNT;
  UPDATE identity.api_key k SET revoked_at = now() WHERE k.tenant_id = p_tenant AND k.revoked_at IS NULL;
  GET DIAGNOSTICS keys = ROW_COUNT;
  RETURN NEXT;
END $$;
-- Every session of everybody. API keys are no tokens: they stay.
CREATE FUNCTION gate.revoke_all() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  PERFORM sec.demand_revoker(gate.level() = 7);
  PERFORM sec.revoke('all', NULL, NULL, now() + sec.token_life());
  UPDATE identity.session s SET revoked_at = now() WHERE s.revoked_at IS NULL AND s.expires_at > now();
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;
GRANT EXECUTE ON FUNCTION gate.revoke_tenant(uuid), gate.revoke_all() TO kg_app;
GRANT EXECUTE ON FUNCTION gate.revocations(bigint, int), gate.revocation_seq(), gate.sweep_revocations() TO kg_auth;

SET LOCAL ROLE kg_owner;
CREATE CONSTRAINT TRIGGER revoke AFTER UPDATE OF revoked_at ON identity.session DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION sec.session_ended();
CREATE CONSTRAINT TRIGGER revoke AFTER UPDATE ON identity.api_key DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN ((OLD.revoked_at, OLD.phc, OLD.old_phc, OLD.old_until, OLD.expires_at, OLD.scopes, OLD.allowed_cidrs)
    IS DISTINCT FROM (NEW.revoked_at, NEW.phc, NEW.old_phc, NEW.old_until, NEW.expires_at, NEW.scopes, NEW.allowed_cidrs))
  EXECUTE FUNCTION sec.key_changed();
CREATE CONSTRAINT TRIGGER revoke AFTER UPDATE ON rbac.principal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.epoch <> NEW.epoch OR (OLD.status = 'active' AND NEW.status <> 'active')) EXECUTE FUNCTION sec.principal_ended();
CREATE CONSTRAINT TRIGGER revoke AFTER UPDATE ON rbac.role_assignment DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN ((OLD.level, OLD.unit_id, OLD.hat, OLD.revoked_at) IS DISTINCT FROM (NEW.level, NEW.unit_id, NEW.hat, NEW.revoked_at))
  EXECUTE FUNCTION sec.assignment_changed();
CREATE CONSTRAINT TRIGGER revoke AFTER UPDATE OF status ON rbac.tenant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.status = 'active' AND NEW.status <> 'active') EXECUTE FUNCTION sec.tenant_suspended();
ALTER TABLE identity.session ENABLE ALWAYS TRIGGER revoke;
ALTER TABLE identity.api_key ENABLE ALWAYS TRIGGER revoke;
ALTER TABLE rbac.principal ENABLE ALWAYS TRIGGER revoke;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER revoke;
ALTER TABLE rbac.tenant ENABLE ALWAYS TRIGGER revoke;
RESET ROLE;
