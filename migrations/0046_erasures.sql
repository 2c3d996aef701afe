-- Erasing a person, and ending a hold: both take two people.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
ALTER TABLE rbac.approval ADD COLUMN target_hold uuid;
ALTER TABLE rbac.approval DROP CONSTRAINT approval_action_check;
ALTER TABLE rbac.approval ADD CONSTRAINT approval_action_check
  CHECK (action IN ('role.grant_global', 'tenant.break-glass', 'key.destroy', 'erasure.create', 'hold.release')) NOT VALID;
ALTER TABLE rbac.approval VALIDATE CONSTRAINT approval_action_check;
ALTER TABLE rbac.approval DROP CONSTRAINT approval_check;
-- What is named is what the action is about, and nothing else.
ALTER TABLE rbac.approval ADD CONSTRAINT approval_check CHECK (CASE action
  WHEN 'role.grant_global' THEN num_nonnulls(target_tenant, target_key, target_hold) = 0 AND num_nonnulls(target_principal, target_email) = 1
  WHEN 'tenant.break-glass' THEN target_tenant IS NOT NULL AND target_principal IS NOT NULL AND num_nonnulls(target_email, target_key, target_hold) = 0
  WHEN 'key.destroy' THEN target_key IS NOT NULL AND num_nonnulls(target_tenant, target_principal, target_email, target_hold) = 0
  WHEN 'erasure.create' THEN target_principal IS NOT NULL AND num_nonnulls(target_tenant, target_email, target_key, target_hold) = 0
  WHEN 'hold.release' THEN target_hold IS NOT NULL AND num_nonnulls(target_tenant, target_principal, target_email, target_key) = 0
  ELSE false END) NOT VALID;
ALTER TABLE rbac.approval VALIDATE CONSTRAINT approval_check;
GRANT INSERT (target_hold) ON rbac.approval TO kg_app;
ALTER POLICY app_i ON rbac.approval WITH CHECK (requested_by = (SELECT gate.subject()) AND approved_by IS NULL
  AND CASE WHEN action IN ('key.destroy', 'erasure.create', 'hold.release') THEN tenant_id = (SELECT gate.tenant(5, 5)) ELSE tenant_id = (SELECT gate.tenant(7, 7)) END);
ALTER POLICY app_u ON rbac.approval USING (approved_by IS NULL AND consumed_at IS NULL AND expires_at > now()
    AND requested_by <> (SELECT gate.subject()) AND target_principal IS DISTINCT FROM (SELECT gate.subject())
    AND CASE WHEN action IN ('key.destroy', 'erasure.create', 'hold.release') THEN tenant_id = (SELECT gate.tenant(4, 5)) ELSE tenant_id = (SELECT gate.tenant(7, 7)) END)
  WITH CHECK (approved_by = (SELECT gate.subject()));

-- Who was erased, when, and which entry of the log says so. Without approval: done again after an older database came back.
CREATE TABLE audit.erasure (
  tenant_id   uuid NOT NULL REFERENCES rbac.tenant,
  id          uuid NOT NULL,
  subject     uuid NOT NULL,
  reason      text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
  erased_by   uuid,
  approval_id uuid,
  erased_at   timestamptz NOT NULL DEFAULT now(),
  entry_id    uuid NOT NULL,
  openings    bigint NOT NULL CHECK (openings >= 0),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, erased_by) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, approval_id) REFERENCES rbac.approval,
  CHECK ((erased_by IS NULL) = (approval_id IS NULL))
);
CREATE INDEX erasure_subject ON audit.erasure (tenant_id, subject);
CREATE INDEX erasure_by ON audit.erasure (tenant_id, erased_by);
CREATE INDEX erasure_approval ON audit.erasure (tenant_id, approval_id);
ALTER TABLE audit.erasure ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.erasure FORCE ROW LEVEL SECURITY;
CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.erasure FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.erasure FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.erasure ENABLE ALWAYS TRIGGER nochange;
ALTER TABLE audit.erasure ENABLE ALWAYS TRIGGER notruncate;
GRANT SELECT ON audit.erasure TO kg_app;
GRANT SELECT, INSERT ON audit.erasure TO kg_sec;
GRANT SELECT ON audit.leaf TO kg_sec;
CREATE POLICY sec_r ON audit.erasure FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_i ON audit.erasure FOR INSERT TO kg_sec WITH CHECK (true);
CREATE POLICY app_r ON audit.erasure FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7)), (SELECT gate.worker())));
-- The erasing function takes away what is left of a person, and nothing else does.
GRANT DELETE ON identity.password, identity.factor, identity.recovery_code, identity.mfa_challenge, identity.mail, identity.reset, sso.account, sso.link TO kg_sec;
GRANT SELECT (principal_id) ON identity.mail, identity.reset TO kg_sec;

SET LOCAL ROLE kg_sec;
-- Whom a function is erasing in this transaction.
CREATE TABLE sec.erasing (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (tenant_id, principal_id)
);
CREATE FUNCTION sec.erases(p_tenant uuid, p_principal uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM sec.erasing e WHERE e.tenant_id = p_tenant AND e.principal_id = p_principal AND e.xid = pg_current_xact_id_if_assigned()) $$;
GRANT EXECUTE ON FUNCTION sec.erases(uuid, uuid) TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE POLICY erase_d ON identity.password FOR DELETE TO kg_sec USING (sec.erases(tenant_id, principal_id));
CREATE POLICY erase_d ON identity.mail FOR DELETE TO kg_sec USING (sec.erases(tenant_id, principal_id));
CREATE POLICY erase_d ON identity.reset FOR DELETE TO kg_sec USING (sec.erases(tenant_id, principal_id));
CREATE POLICY erase_d ON sso.account FOR DELETE TO kg_sec USING (sec.erases(tenant_id, principal_id));

SET LOCAL ROLE kg_sec;
-- Which levels ask for what takes two, and which agree to it.
CREATE FUNCTION sec.asks(p_action text) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_action IN ('key.destroy', 'erasure.create', 'hold.release') THEN 5 ELSE 7 END $$;
CREATE FUNCTION sec.seconds(p_action text) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_action IN ('key.destroy', 'erasure.create', 'hold.release') THEN 4 ELSE 7 END $$;

CREATE OR REPLACE FUNCTION sec.guard_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me uuid := gate.subject(); home uuid := (gate.ctx())[4]::uuid; asks int := sec.asks(NEW.action); seconds int := sec.seconds(NEW.action);
BEGIN
  IF me IS NULL OR NEW.tenant_id IS DISTINCT FROM home THEN RAISE EXCEPTION 'kg: another tenant''s approval' USING ERRCODE = '42501'; END IF;
  IF NEW.consumed_at IS NULL THEN PERFORM sec.demand_fresh(home, NULL); END IF;
  IF TG_OP = 'INSERT' THEN
    IF num_nonnulls(NEW.approved_by, NEW.approved_at, NEW.consumed_at) > 0 THEN RAISE EXCEPTION 'kg: an approval is asked for, never made' USING ERRCODE = '42501'; END IF;
    IF NEW.requested_by <> me OR NEW.target_principal IS NOT DISTINCT FROM me THEN RAISE EXCEPTION 'kg: nobody asks in another''s name, or for themselves' USING ERRCODE = '42501'; END IF;
    IF NOT sec.stands(home, me, asks, asks) THEN RAISE EXCEPTION 'kg: this level may not ask for that' USING ERRCODE = '42501'; END IF;
    NEW.requested_at := now();
    NEW.expires_at := now() + interval '4 hours';
    RETURN NEW;
  END IF;
  IF (NEW.tenant_id, NEW.id, NEW.action, NEW.target_tenant, NEW.target_principal, NEW.target_email, NEW.target_key, NEW.target_hold, NEW.reason, NEW.requested_by, NEW.requested_at, NEW.expires_at)
     IS DISTINCT FROM
     (OLD.tenant_id, OLD.id, OLD.action, OLD.target_tenant, OLD.target_principal, OLD.target_email, OLD.target_key, OLD.target_hold, OLD.reason, OLD.requested_by, OLD.requested_at, OLD.expires_at)
    THEN RAISE EXCEPTION 'kg: what was asked for never changes' USING ERRCODE = '42501'; END IF;
  IF OLD.consumed_at IS NOT NULL OR OLD.expires_at <= clock_timestamp() THEN RAISE EXCEPTION 'kg: the approval is used or past its end' USING ERRCODE = '42501'; END IF;
  IF OLD.approved_by IS NULL THEN
    IF NEW.approved_by IS DISTINCT FROM me OR NEW.consumed_at IS NOT NULL THEN RAISE EXCEPTION 'kg: nobody approves in another''s name' USING ERRCODE = '42501'; END IF;
    IF me = OLD.requested_by OR me IS NOT DISTINCT FROM OLD.target_principal THEN RAISE EXCEPTION 'kg: two people, neither of them the target' USING ERRCODE = '42501'; END IF;
    IF NOT sec.stands(home, me, seconds, asks) OR NOT sec.stands(home, OLD.requested_by, asks, asks) THEN
      RAISE EXCEPTION 'kg: this level may not approve that' USING ERRCODE = '42501'; END IF;
    NEW.approved_at := now();
  ELSIF (NEW.approved_by, NEW.approved_at) IS DISTINCT FROM (OLD.approved_by, OLD.approved_at) OR NEW.consumed_at IS NULL THEN
    RAISE EXCEPTION 'kg: an approval is given once' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;

-- Uses an approval up for exactly this, or fails. Both people are looked at again, as they are now.
CREATE FUNCTION sec.spend(p_id uuid, p_action text, p_tenant uuid, p_principal uuid, p_email text, p_key int, p_hold uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me uuid := gate.subject(); home uuid := (gate.ctx())[4]::uuid; asks int := sec.asks(p_action); a record;
BEGIN
  SELECT * INTO a FROM rbac.approval q WHERE q.tenant_id = home AND q.id = p_id FOR UPDATE;
  IF NOT FOUND OR me IS NULL OR a.action <> p_action OR a.approved_by IS NULL OR a.consumed_at IS NOT NULL OR a.expires_at <= clock_timestamp()
     OR me NOT IN (a.requested_by, a.approved_by)
     OR a.target_tenant IS DISTINCT FROM p_tenant OR a.target_key IS DISTINCT FROM p_key OR a.target_hold IS DISTINCT FROM p_hold
     OR (CASE WHEN a.target_email IS NULL THEN a.target_principal IS NOT DISTINCT FROM p_principal ELSE a.target_email = p_email END) IS NOT TRUE
     OR NOT sec.stands(home, me, asks, asks)
     OR NOT sec.stands(home, a.requested_by, asks, asks)
     OR NOT sec.stands(home, a.approved_by, sec.seconds(p_action), asks) THEN
    RAISE EXCEPTION 'kg: that needs an approval of two people' USING ERRCODE = '42501';
  END IF;
  UPDATE rbac.approval q SET consumed_at = clock_timestamp() WHERE q.tenant_id = home AND q.id = p_id;
END $$;
CREATE OR REPLACE FUNCTION sec.spend(p_id uuid, p_action text, p_tenant uuid, p_principal uuid, p_email text, p_key int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN PERFORM sec.spend(p_id, p_action, p_tenant, p_principal, p_email, p_key, NULL); END $$;

-- Destroys the keys of a person, and takes away the openings under them and what else is left of it. Returns how many openings.
CREATE FUNCTION sec.wipe(p_tenant uuid, p_subject uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE gone bigint; more bigint;
BEGIN
  INSERT INTO sec.erasing (tenant_id, principal_id) VALUES (p_tenant, p_subject);
  DELETE FROM audit.sealed_opening o USING keys.subject_key k
   WHERE k.tenant_id = p_tenant AND k.subject = p_subject AND o.tenant_id = k.tenant_id AND o.key_id = k.id;
  GET DIAGNOSTICS gone = ROW_COUNT;
  DELETE FROM keys.subject_key k WHERE k.tenant_id = p_tenant AND k.subject = p_subject;
  -- From the first version of the log, not sealed.
  DELETE FROM audit.opening o USING audit.entry e WHERE o.tenant_id = p_tenant AND e.tenant_id = p_tenant AND e.id = o.entry_id AND e.actor_id = p_subject;
  GET DIAGNOSTICS more = ROW_COUNT;
  DELETE FROM identity.password t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM identity.factor t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM identity.recovery_code t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM identity.mfa_challenge t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM identity.mail t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM identity.reset t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM sso.account t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM sso.link t WHERE t.tenant_id = p_tenant AND t.principal_id = p_subject;
  DELETE FROM sec.erasing e WHERE e.tenant_id = p_tenant AND e.principal_id = p_subject;
  RETURN gone + more;
END $$;

-- Erases a user who has been deleted, for an owner with the consent of a second person. 'erased', or why not: 'unknown',
-- 'not-deleted', 'held'. The entry `p_entry` must be in the log when this commits.
CREATE FUNCTION gate.erase_subject(p_id uuid, p_subject uuid, p_reason text, p_entry uuid, p_approval uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.tenant(5, 5); state text;
BEGIN
  IF home IS NULL OR gate.hat() IS NOT NULL THEN RAISE EXCEPTION 'kg: only an owner erases' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(home, NULL);
  -- Whoever places a hold on this person at the same time waits, or is waited for.
  SELECT p.status INTO state FROM rbac.principal p WHERE p.tenant_id = home AND p.id = p_subject AND p.kind = 'user' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  IF state <> 'deleted' THEN RETURN 'not-deleted'; END IF;
  IF EXISTS (SELECT FROM audit.hold h WHERE h.tenant_id = home AND h.released_at IS NULL AND coalesce(h.subject, p_subject) = p_subject) THEN RETURN 'held'; END IF;
  PERFORM sec.spend(p_approval, 'erasure.create', NULL, p_subject, NULL, NULL, NULL);
  INSERT INTO audit.erasure (tenant_id, id, subject, reason, erased_by, approval_id, entry_id, openings)
    VALUES (home, p_id, p_subject, p_reason, gate.subject(), p_approval, p_entry, sec.wipe(home, p_subject));
  RETURN 'erased';
END $$;

-- The same again, for somebody whom an older database has brought back: Keepgate's own worker has seen the erasure elsewhere. Whoever
-- is alive again is deleted first. False where it was on record already.
CREATE FUNCTION gate.erase_again(p_id uuid, p_subject uuid, p_entry uuid) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.worker(); state text;
BEGIN
  IF home IS NULL THEN RAISE EXCEPTION 'kg: only Keepgate''s own worker' USING ERRCODE = '42501'; END IF;
  SELECT p.status INTO state FROM rbac.principal p WHERE p.tenant_id = home AND p.id = p_subject AND p.kind = 'user' FOR UPDATE;
  IF NOT FOUND OR EXISTS (SELECT FROM audit.erasure e WHERE e.tenant_id = home AND e.subject = p_subject) THEN RETURN false; END IF;
  IF state <> 'deleted' THEN
    INSERT INTO sec.directory_act (tenant_id, principal_id) VALUES (home, p_subject);
    UPDATE rbac.principal p SET status = 'deleted', email = NULL, display_name = NULL, epoch = p.epoch + 1 WHERE p.tenant_id = home AND p.id = p_subject;
    DELETE FROM sec.directory_act a WHERE a.tenant_id = home AND a.principal_id = p_subject;
  END IF;
  INSERT INTO audit.erasure (tenant_id, id, subject, reason, entry_id, openings)
    VALUES (home, p_id, p_subject, 'erased before this database was restored', p_entry, sec.wipe(home, p_subject));
  RETURN true;
END $$;

-- Who has been erased in the worker's tenant: what every instance keeps a second copy of.
CREATE FUNCTION gate.erased_subjects() RETURNS TABLE (subject uuid, erased_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.subject, e.erased_at FROM audit.erasure e WHERE e.tenant_id = (SELECT gate.worker()) ORDER BY e.erased_at, e.id $$;
-- The tenants in which somebody was erased, for the platform's own worker.
CREATE FUNCTION gate.tenants_with_erasures() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT e.tenant_id FROM audit.erasure e WHERE (SELECT gate.platform_worker()) $$;

-- Ends a hold. False where there is none that still holds.
CREATE FUNCTION gate.release_hold(p_id uuid, p_approval uuid) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.tenant(5, 5);
BEGIN
  IF home IS NULL OR gate.hat() IS NOT NULL THEN RAISE EXCEPTION 'kg: only an owner releases a hold' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(home, NULL);
  PERFORM FROM audit.hold h WHERE h.tenant_id = home AND h.id = p_id AND h.released_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM sec.spend(p_approval, 'hold.release', NULL, NULL, NULL, NULL, p_id);
  UPDATE audit.hold h SET released_by = gate.subject(), released_at = now(), release_approval = p_approval WHERE h.tenant_id = home AND h.id = p_id;
  RETURN true;
END $$;

-- At commit: the log says it.
CREATE FUNCTION sec.erasure_is_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM audit.entry e WHERE e.tenant_id = NEW.tenant_id AND e.id = NEW.entry_id AND e.action = 'audit.erased'
      AND e.xid = pg_current_xact_id() AND e.recorded_at >= transaction_timestamp()) THEN
    RAISE EXCEPTION 'kg: the log does not tell the erasure' USING ERRCODE = 'KG002'; END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION gate.erase_subject(uuid, uuid, text, uuid, uuid), gate.erase_again(uuid, uuid, uuid), gate.erased_subjects(),
  gate.tenants_with_erasures(), gate.release_hold(uuid, uuid) TO kg_app;
GRANT EXECUTE ON FUNCTION sec.erasure_is_told() TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE CONSTRAINT TRIGGER told AFTER INSERT ON audit.erasure DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.erasure_is_told();
ALTER TABLE audit.erasure ENABLE ALWAYS TRIGGER told;
RESET ROLE;
