-- Units that come and go; hats; and what two people have to want.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';

-- A unit that was taken away stays on record for those who were in it; its name is free again.
ALTER TABLE rbac.unit ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE rbac.unit ADD COLUMN deleted_at timestamptz;
ALTER TABLE rbac.unit DROP CONSTRAINT unit_tenant_id_name_key;
CREATE UNIQUE INDEX unit_name ON rbac.unit (tenant_id, name) WHERE deleted_at IS NULL;
GRANT INSERT (tenant_id, id, name), UPDATE (name, deleted_at) ON rbac.unit TO kg_app;
GRANT UPDATE (deleted_at) ON rbac.unit TO kg_sec; -- so that FOR SHARE is allowed
CREATE POLICY sec_home ON rbac.unit FOR UPDATE TO kg_sec USING (true) WITH CHECK (false);
DROP POLICY IF EXISTS app_r ON rbac.unit;
CREATE POLICY app_r ON rbac.unit FOR SELECT TO kg_app USING
  (tenant_id = (SELECT gate.tenant(0, 7)) AND ((SELECT gate.level()) NOT BETWEEN 1 AND 3 OR id = (SELECT gate.unit())));
CREATE POLICY app_i ON rbac.unit FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)) AND deleted_at IS NULL);
CREATE POLICY app_u ON rbac.unit FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5)) AND deleted_at IS NULL)
  WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));

GRANT INSERT (hat), UPDATE (hat) ON rbac.role_assignment TO kg_app;

CREATE TABLE rbac.approval (
  tenant_id        uuid NOT NULL REFERENCES rbac.tenant,
  id               uuid NOT NULL,
  action           text NOT NULL CHECK (action IN ('role.grant_global', 'tenant.break-glass', 'key.destroy')),
  target_tenant    uuid REFERENCES rbac.tenant,
  target_principal uuid,
  target_email     text CHECK (target_email = lower(target_email) AND length(target_email) BETWEEN 3 AND 254),
  target_key       int CHECK (target_key >= 1),
  reason           text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
  requested_by     uuid NOT NULL,
  requested_at     timestamptz NOT NULL DEFAULT now(),
  expires_at       timestamptz NOT NULL DEFAULT now() + interval '4 hours',
  approved_by      uuid,
  approved_at      timestamptz,
  consumed_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, requested_by) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, approved_by) REFERENCES rbac.principal,
  -- What is named is what the action is about, and nothing else.
  CHECK (CASE action
    WHEN 'role.grant_global' THEN target_tenant IS NULL AND target_key IS NULL AND num_nonnulls(target_principal, target_email) = 1
    WHEN 'tenant.break-glass' THEN target_tenant IS NOT NULL AND target_principal IS NOT NULL AND target_email IS NULL AND target_key IS NULL
    ELSE target_key IS NOT NULL AND num_nonnulls(target_tenant, target_principal, target_email) = 0 END),
  -- Two people, neither of them the one it is about.
  CHECK (approved_by IS NULL OR approved_by <> requested_by),
  CHECK (target_principal IS NULL OR target_principal <> requested_by),
  CHECK (target_principal IS NULL OR approved_by IS NULL OR target_principal <> approved_by),
  CHECK (expires_at > requested_at AND expires_at <= requested_at + interval '4 hours'),
  CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
  CHECK (approved_at IS NULL OR approved_at BETWEEN requested_at AND expires_at),
  CHECK (consumed_at IS NULL OR (approved_at IS NOT NULL AND consumed_at BETWEEN approved_at AND expires_at))
);
CREATE INDEX approval_requester ON rbac.approval (tenant_id, requested_by);
CREATE INDEX approval_approver ON rbac.approval (tenant_id, approved_by);
CREATE INDEX approval_target_tenant ON rbac.approval (target_tenant) WHERE target_tenant IS NOT NULL;
ALTER TABLE rbac.approval ENABLE ROW LEVEL SECURITY;
ALTER TABLE rbac.approval FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (tenant_id, id, action, target_tenant, target_principal, target_email, target_key, reason, requested_by),
  UPDATE (approved_by, approved_at) ON rbac.approval TO kg_app;
GRANT SELECT, UPDATE (consumed_at) ON rbac.approval TO kg_sec;
CREATE POLICY sec_r ON rbac.approval FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_u ON rbac.approval FOR UPDATE TO kg_sec USING (true) WITH CHECK (consumed_at IS NOT NULL);
CREATE POLICY app_r ON rbac.approval FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_i ON rbac.approval FOR INSERT TO kg_app WITH CHECK (requested_by = (SELECT gate.subject()) AND approved_by IS NULL
  AND CASE action WHEN 'key.destroy' THEN tenant_id = (SELECT gate.tenant(5, 5)) ELSE tenant_id = (SELECT gate.tenant(7, 7)) END);
CREATE POLICY app_u ON rbac.approval FOR UPDATE TO kg_app USING (approved_by IS NULL AND consumed_at IS NULL AND expires_at > now()
    AND requested_by <> (SELECT gate.subject()) AND target_principal IS DISTINCT FROM (SELECT gate.subject())
    AND CASE action WHEN 'key.destroy' THEN tenant_id = (SELECT gate.tenant(4, 5)) ELSE tenant_id = (SELECT gate.tenant(7, 7)) END)
  WITH CHECK (approved_by = (SELECT gate.subject()));

-- The approval a level 7 rests on; the first two rest on a ceremony of the migrator.
ALTER TABLE rbac.role_assignment ADD COLUMN approval_id uuid;
ALTER TABLE rbac.role_assignment ADD FOREIGN KEY (tenant_id, approval_id) REFERENCES rbac.approval NOT VALID;
ALTER TABLE rbac.role_assignment VALIDATE CONSTRAINT role_assignment_tenant_id_approval_id_fkey;
GRANT INSERT (approval_id), UPDATE (approval_id) ON rbac.role_assignment TO kg_app;
CREATE POLICY seven_i ON rbac.role_assignment FOR INSERT TO kg_app WITH CHECK
  (level = 7 AND tenant_id = (SELECT gate.tenant(7, 7)) AND granted_by = (SELECT gate.subject()) AND principal_id <> (SELECT gate.subject())
   AND EXISTS (SELECT FROM rbac.approval q WHERE q.tenant_id = role_assignment.tenant_id AND q.id = role_assignment.approval_id
     AND q.action = 'role.grant_global' AND q.approved_by IS NOT NULL AND q.expires_at > now()));
CREATE POLICY seven_u ON rbac.role_assignment FOR UPDATE TO kg_app
  USING (level < 7 AND tenant_id = (SELECT gate.tenant(7, 7)) AND principal_id <> (SELECT gate.subject()))
  WITH CHECK (level = 7 AND tenant_id = (SELECT gate.tenant(7, 7)) AND granted_by = (SELECT gate.subject()) AND principal_id <> (SELECT gate.subject())
   AND EXISTS (SELECT FROM rbac.approval q WHERE q.tenant_id = role_assignment.tenant_id AND q.id = role_assignment.approval_id
     AND q.action = 'role.grant_global' AND q.approved_by IS NOT NULL AND q.expires_at > now()));

-- The approval an enrolment code rests on: for somebody whom its maker could not invite alone.
ALTER TABLE identity.enrolment ADD COLUMN approval_id uuid;
GRANT INSERT (approval_id) ON identity.enrolment TO kg_app;
GRANT UPDATE (used_at) ON identity.enrolment TO kg_sec;
GRANT UPDATE (revoked_at) ON identity.session TO kg_sec;
CREATE POLICY sec_newest ON identity.enrolment FOR UPDATE TO kg_sec USING (used_at IS NULL) WITH CHECK (used_at IS NOT NULL);
CREATE POLICY sec_anew ON identity.session FOR UPDATE TO kg_sec USING (revoked_at IS NULL) WITH CHECK (revoked_at IS NOT NULL);

SET LOCAL ROLE kg_sec;
-- Whether this user holds a level within [lo, hi] now, wears no hat and may act; it stays so until this transaction ends.
CREATE FUNCTION sec.stands(p_tenant uuid, p_who uuid, lo int, hi int) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM rbac.role_assignment r
    JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.kind = 'user' AND p.status = 'active'
   WHERE r.tenant_id = p_tenant AND r.principal_id = p_who AND r.revoked_at IS NULL AND r.hat IS NULL AND r.level BETWEEN lo AND hi
     FOR SHARE OF r, p;
  RETURN FOUND;
END $$;

CREATE FUNCTION sec.guard_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me uuid := gate.subject(); home uuid := (gate.ctx())[4]::uuid; asks int; seconds int;
BEGIN
  asks := CASE NEW.action WHEN 'key.destroy' THEN 5 ELSE 7 END;
  seconds := CASE NEW.action WHEN 'key.destroy' THEN 4 ELSE 7 END;
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
  IF (NEW.tenant_id, NEW.id, NEW.action, NEW.target_tenant, NEW.target_principal, NEW.target_email, NEW.target_key, NEW.reason, NEW.requested_by, NEW.requested_at, NEW.expires_at)
     IS DISTINCT FROM
     (OLD.tenant_id, OLD.id, OLD.action, OLD.target_tenant, OLD.target_principal, OLD.target_email, OLD.target_key, OLD.reason, OLD.requested_by, OLD.requested_at, OLD.expires_at)
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
CREATE FUNCTION sec.spend(p_id uuid, p_action text, p_tenant uuid, p_principal uuid, p_email text, p_key int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me uuid := gate.subject(); home uuid := (gate.ctx())[4]::uuid; asks int := CASE p_action WHEN 'key.destroy' THEN 5 ELSE 7 END; a record;
BEGIN
  SELECT * INTO a FROM rbac.approval q WHERE q.tenant_id = home AND q.id = p_id FOR UPDATE;
  IF NOT FOUND OR me IS NULL OR a.action <> p_action OR a.approved_by IS NULL OR a.consumed_at IS NOT NULL OR a.expires_at <= clock_timestamp()
     OR me NOT IN (a.requested_by, a.approved_by)
     OR a.target_tenant IS DISTINCT FROM p_tenant OR a.target_key IS DISTINCT FROM p_key
     OR (CASE WHEN a.target_email IS NULL THEN a.target_principal IS NOT DISTINCT FROM p_principal ELSE a.target_email = p_email END) IS NOT TRUE
     OR NOT sec.stands(home, me, asks, asks)
     OR NOT sec.stands(home, a.requested_by, asks, asks)
     OR NOT sec.stands(home, a.approved_by, CASE p_action WHEN 'key.destroy' THEN 4 ELSE 7 END, asks) THEN
    RAISE EXCEPTION 'kg: that needs an approval of two people' USING ERRCODE = '42501';
  END IF;
  UPDATE rbac.approval q SET consumed_at = clock_timestamp() WHERE q.tenant_id = home AND q.id = p_id;
END $$;

-- Level 7 is given by two of its kind, or by the ceremony of the migrator.
CREATE FUNCTION sec.guard_seven() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who record;
BEGIN
  IF NOT EXISTS (SELECT FROM rbac.tenant t WHERE t.id = NEW.tenant_id AND t.kind = 'platform') THEN
    RAISE EXCEPTION 'kg: level % is not valid in this tenant', NEW.level USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'INSERT' AND sec.in_genesis() THEN RETURN NEW; END IF;
  IF TG_OP = 'UPDATE' AND ((NEW.tenant_id, NEW.principal_id) IS DISTINCT FROM (OLD.tenant_id, OLD.principal_id) OR OLD.level = 7) THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  IF NEW.tenant_id IS DISTINCT FROM (gate.ctx())[4]::uuid OR NEW.granted_by IS NULL OR NEW.granted_by IS DISTINCT FROM gate.subject() THEN
    RAISE EXCEPTION 'kg: the granter is not the caller' USING ERRCODE = '42501'; END IF;
  IF NEW.granted_by = NEW.principal_id THEN RAISE EXCEPTION 'kg: self-grant' USING ERRCODE = '42501'; END IF;
  IF NEW.hat IS NOT NULL OR NEW.revoked_at IS NOT NULL THEN RAISE EXCEPTION 'kg: a global admin wears no hat' USING ERRCODE = '42501'; END IF;
  SELECT p.kind, p.status, p.email INTO who FROM rbac.principal p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.principal_id;
  IF who.kind IS DISTINCT FROM 'user' OR who.status IS DISTINCT FROM 'active' THEN RAISE EXCEPTION 'kg: only people who may act' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(NEW.tenant_id, NULL);
  -- An approval that names an address is for somebody new: whoever holds a level already is named by id.
  PERFORM sec.spend(NEW.approval_id, 'role.grant_global', NULL, NEW.principal_id, CASE TG_OP WHEN 'INSERT' THEN who.email END, NULL);
  NEW.granted_at := now();
  RETURN NEW;
END $$;

-- A code for somebody at or above its maker: for a global admin whom two have just appointed and who was never here before, or
-- for the owner whom two want to let in again.
CREATE FUNCTION sec.guard_approved_code() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := (gate.ctx())[4]::uuid; what text;
BEGIN
  PERFORM sec.demand_fresh(NEW.tenant_id, NULL);
  SELECT q.action INTO what FROM rbac.approval q WHERE q.tenant_id = home AND q.id = NEW.approval_id;
  IF what = 'role.grant_global' THEN
    IF NOT EXISTS (SELECT FROM rbac.role_assignment r JOIN rbac.approval q ON q.tenant_id = r.tenant_id AND q.id = r.approval_id
        WHERE r.tenant_id = NEW.tenant_id AND r.tenant_id = home AND r.principal_id = NEW.principal_id AND r.level = 7 AND r.revoked_at IS NULL
          AND r.approval_id = NEW.approval_id AND r.granted_by = gate.subject() AND q.target_email IS NOT NULL AND q.consumed_at >= transaction_timestamp())
      OR EXISTS (SELECT FROM identity.session s WHERE s.tenant_id = NEW.tenant_id AND s.principal_id = NEW.principal_id) THEN
      RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  ELSIF what = 'tenant.break-glass' THEN
    IF NOT EXISTS (SELECT FROM rbac.role_assignment r JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.kind = 'user' AND p.status = 'active'
        WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.level = 5 AND r.revoked_at IS NULL FOR SHARE OF r) THEN
      RAISE EXCEPTION 'kg: only an owner who may act' USING ERRCODE = '42501'; END IF;
    PERFORM sec.spend(NEW.approval_id, 'tenant.break-glass', NEW.tenant_id, NEW.principal_id, NULL, NULL);
  ELSE
    RAISE EXCEPTION 'kg: that needs an approval of two people' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
-- The newest code counts, and no other.
CREATE FUNCTION sec.newest_code() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.enrolment e SET used_at = now()
   WHERE e.tenant_id = NEW.tenant_id AND e.principal_id = NEW.principal_id AND e.id <> NEW.id AND e.used_at IS NULL;
  RETURN NULL;
END $$;
-- Whoever is let in again starts anew: what was open before is closed.
CREATE FUNCTION sec.let_in_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.session s SET revoked_at = now()
   WHERE s.tenant_id = NEW.tenant_id AND s.principal_id = NEW.principal_id AND s.revoked_at IS NULL;
  RETURN NULL;
END $$;

-- Nobody is in a unit that was taken away, and nobody takes a unit away that somebody is in.
CREATE FUNCTION sec.guard_home() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM rbac.unit u WHERE u.tenant_id = NEW.tenant_id AND u.id = NEW.unit_id AND u.deleted_at IS NULL FOR SHARE;
  IF NOT FOUND AND NEW.revoked_at IS NULL THEN RAISE EXCEPTION 'kg: no such unit' USING ERRCODE = '23503'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION sec.guard_unit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.deleted_at IS NOT NULL OR (NEW.tenant_id, NEW.id, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.id, OLD.created_at) THEN
    RAISE EXCEPTION 'kg: a unit keeps its identity' USING ERRCODE = '42501'; END IF;
  IF NEW.deleted_at IS NOT NULL AND EXISTS (SELECT FROM rbac.role_assignment r
      JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status <> 'deleted'
      WHERE r.tenant_id = NEW.tenant_id AND r.unit_id = NEW.id AND r.revoked_at IS NULL) THEN
    RAISE EXCEPTION 'kg: somebody is in that unit' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- The second global admin: while fewer than two may act, and only by whoever may migrate. The same locks, guards and entry as
-- the genesis. A second one who never came in is given a fresh code instead.
CREATE FUNCTION sec.appoint_second(p jsonb) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid; who uuid; entity text := p->>'entity'; sevens int;
BEGIN
  PERFORM FROM sec.genesis FOR UPDATE;
  IF NOT FOUND THEN RETURN 'no-genesis'; END IF;
  SELECT t.id INTO STRICT home FROM rbac.tenant t WHERE t.kind = 'platform';
  SELECT r.principal_id INTO who FROM rbac.role_assignment r
    JOIN rbac.principal s ON s.tenant_id = r.tenant_id AND s.id = r.principal_id AND s.status = 'active' AND s.email = p->>'email'
   WHERE r.tenant_id = home AND r.level = 7 AND r.revoked_at IS NULL AND r.granted_by IS NULL
     AND NOT EXISTS (SELECT FROM identity.session e WHERE e.tenant_id = home AND e.principal_id = r.principal_id);
  SELECT count(*) INTO sevens FROM rbac.role_assignment r
    JOIN rbac.principal s ON s.tenant_id = r.tenant_id AND s.id = r.principal_id AND s.status = 'active'
   WHERE r.tenant_id = home AND r.level = 7 AND r.revoked_at IS NULL;
  IF who IS NULL AND sevens >= 2 THEN RETURN 'two-already'; END IF;
  IF who IS NULL AND EXISTS (SELECT FROM rbac.principal s WHERE s.tenant_id = home AND s.email = p->>'email') THEN RETURN 'email-taken'; END IF;
  UPDATE sec.genesis SET xid = pg_current_xact_id(), at = now();
  IF who IS NULL THEN
    who := (p->>'id')::uuid;
    INSERT INTO rbac.principal (tenant_id, id, kind, email, display_name) VALUES (home, who, 'user', p->>'email', 'Platform administrator');
    INSERT INTO rbac.role_assignment (tenant_id, principal_id, level) VALUES (home, who, 7);
  ELSE
    entity := 'platform';
  END IF;
  INSERT INTO identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at)
    VALUES (home, (p->>'enrolment')::uuid, who, decode(p->>'code_hash', 'hex'), now() + interval '24 hours');
  INSERT INTO audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
    VALUES (home, gen_random_uuid(), 'system', home, 'platform.genesis', entity, 'done', (p->>'request')::uuid, '', '');
  RETURN 'done';
END $$;
GRANT EXECUTE ON FUNCTION sec.appoint_second(jsonb) TO kg_migrator;
GRANT EXECUTE ON FUNCTION sec.guard_approval(), sec.guard_approved_code(), sec.newest_code(), sec.let_in_again(), sec.guard_seven(), sec.guard_home(), sec.guard_unit() TO kg_owner;

SET LOCAL ROLE kg_owner;
SELECT sec.mask_hats(t::regclass) FROM unnest(ARRAY['rbac.unit', 'rbac.approval']) t;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON rbac.approval FOR EACH ROW EXECUTE FUNCTION sec.guard_approval();
CREATE TRIGGER nodelete BEFORE DELETE ON rbac.approval FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON rbac.approval FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
CREATE TRIGGER guard BEFORE UPDATE ON rbac.unit FOR EACH ROW EXECUTE FUNCTION sec.guard_unit();
-- One guard for each kind of grant, and none for two.
DROP TRIGGER guard ON rbac.role_assignment;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW WHEN (NEW.level <> 7) EXECUTE FUNCTION sec.guard_assignment();
CREATE TRIGGER guard_seven BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW WHEN (NEW.level = 7) EXECUTE FUNCTION sec.guard_seven();
CREATE TRIGGER home BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW WHEN (NEW.unit_id IS NOT NULL) EXECUTE FUNCTION sec.guard_home();
DROP TRIGGER guard ON identity.enrolment;
CREATE TRIGGER guard BEFORE INSERT ON identity.enrolment FOR EACH ROW WHEN (NEW.approval_id IS NULL) EXECUTE FUNCTION sec.guard_enrolment();
CREATE TRIGGER guard_approved BEFORE INSERT ON identity.enrolment FOR EACH ROW WHEN (NEW.approval_id IS NOT NULL) EXECUTE FUNCTION sec.guard_approved_code();
CREATE TRIGGER newest AFTER INSERT ON identity.enrolment FOR EACH ROW EXECUTE FUNCTION sec.newest_code();
CREATE TRIGGER let_in_again AFTER UPDATE OF used_at ON identity.enrolment FOR EACH ROW
  WHEN (NEW.approval_id IS NOT NULL AND OLD.used_at IS NULL AND pg_trigger_depth() = 0) EXECUTE FUNCTION sec.let_in_again();
ALTER TABLE identity.enrolment ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.enrolment ENABLE ALWAYS TRIGGER guard_approved;
ALTER TABLE identity.enrolment ENABLE ALWAYS TRIGGER newest;
ALTER TABLE identity.enrolment ENABLE ALWAYS TRIGGER let_in_again;
ALTER TABLE rbac.approval ENABLE ALWAYS TRIGGER guard;
ALTER TABLE rbac.approval ENABLE ALWAYS TRIGGER nodelete;
ALTER TABLE rbac.approval ENABLE ALWAYS TRIGGER notruncate;
ALTER TABLE rbac.unit ENABLE ALWAYS TRIGGER guard;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER guard;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER guard_seven;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER home;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['rbac.approval', 'rbac.unit'] LOOP
    EXECUTE 'CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ' || t
      || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()';
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ALWAYS TRIGGER audited';
  END LOOP;
END $$;
RESET ROLE;
