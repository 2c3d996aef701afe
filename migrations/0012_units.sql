-- Levels 1 to 3 in their place: one's own things, and from level 2 those of one's unit. The guards lock what they look at.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- So that kg_sec may lock a principal; it may not write one (below).
GRANT UPDATE (epoch) ON rbac.principal TO kg_sec;
CREATE POLICY sec_l ON rbac.principal FOR UPDATE TO kg_sec USING (true) WITH CHECK (false);

-- The worker and levels 4 to 7: the tenant's. Levels 2 and 3: their unit's.
ALTER POLICY app_r ON rbac.role_assignment USING
  ((tenant_id = (SELECT gate.tenant(0, 7)) AND ((SELECT gate.level()) >= 4 OR (SELECT gate.level()) = 0 OR principal_id = (SELECT gate.subject())
      OR ((SELECT gate.level()) IN (2, 3) AND unit_id = (SELECT gate.unit()))))
   OR ((SELECT gate.level()) = 7 AND level = 5));
ALTER POLICY app_r ON rbac.principal USING
  (tenant_id = (SELECT gate.tenant(0, 7)) AND ((SELECT gate.level()) >= 4 OR (SELECT gate.level()) = 0 OR id = (SELECT gate.subject())
    OR ((SELECT gate.level()) IN (2, 3) AND EXISTS (SELECT FROM rbac.role_assignment r
      WHERE r.tenant_id = principal.tenant_id AND r.principal_id = principal.id AND r.unit_id = (SELECT gate.unit())))));

ALTER POLICY app_r ON channels.message USING (tenant_id = (SELECT gate.tenant(0, 5)) AND (
  (SELECT gate.level()) IN (0, 4, 5) OR sender_id = (SELECT gate.subject()) OR (SELECT gate.subject()) = ANY (addressees)
  OR ((SELECT gate.level()) IN (2, 3) AND unit_id = (SELECT gate.unit()))));
ALTER POLICY app_i ON channels.message WITH CHECK (tenant_id = (SELECT gate.tenant(1, 5))
  AND sender_id = (SELECT gate.subject()) AND unit_id IS NOT DISTINCT FROM (SELECT gate.unit()));
CREATE INDEX role_assignment_unit ON rbac.role_assignment (tenant_id, unit_id) WHERE unit_id IS NOT NULL;

SET LOCAL ROLE kg_sec;
-- FOR SHARE of every row a decision rests on: a demotion, promotion or disabling that is under way either waits or wins.
CREATE OR REPLACE FUNCTION sec.guard_assignment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE g record; tk text;
BEGIN
  SELECT kind INTO tk FROM rbac.tenant WHERE id = NEW.tenant_id;
  IF tk IS NULL OR (NEW.level >= 6) <> (tk = 'platform') THEN RAISE EXCEPTION 'kg: level % is not valid in this tenant', NEW.level USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'UPDATE' AND (NEW.tenant_id, NEW.principal_id) IS DISTINCT FROM (OLD.tenant_id, OLD.principal_id) THEN
    RAISE EXCEPTION 'kg: identity columns are immutable' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'INSERT' AND sec.in_genesis() THEN RETURN NEW; END IF;
  IF NEW.level = 7 THEN RAISE EXCEPTION 'kg: level 7 needs two live global admins' USING ERRCODE = '42501'; END IF;
  IF NEW.granted_by IS NULL OR NEW.granted_by IS DISTINCT FROM gate.subject() THEN RAISE EXCEPTION 'kg: the granter is not the caller' USING ERRCODE = '42501'; END IF;
  IF NEW.granted_by = NEW.principal_id THEN RAISE EXCEPTION 'kg: self-grant' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(NEW.tenant_id, NEW.principal_id);
  -- The granter's row is that of the context's tenant, whoever has the same number elsewhere.
  SELECT r.level, r.tenant_id INTO g FROM rbac.role_assignment r
    JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status = 'active'
   WHERE r.tenant_id = (gate.ctx())[4]::uuid AND r.principal_id = NEW.granted_by AND r.revoked_at IS NULL AND r.hat IS NULL FOR SHARE OF r, p;
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: the granter has no live level here' USING ERRCODE = '42501'; END IF;
  IF g.level < 4 OR NEW.level >= g.level THEN RAISE EXCEPTION 'kg: % may not grant %', g.level, NEW.level USING ERRCODE = '42501'; END IF;
  IF g.tenant_id <> NEW.tenant_id AND NOT (g.level = 7 AND NEW.level = 5) THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'UPDATE' AND OLD.level >= g.level THEN RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'UPDATE' THEN NEW.granted_at := now(); END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION sec.guard_principal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me int; them int;
BEGIN
  IF NEW.epoch < OLD.epoch THEN RAISE EXCEPTION 'kg: an epoch never goes back' USING ERRCODE = '42501'; END IF;
  IF OLD.status = 'deleted' THEN RAISE EXCEPTION 'kg: a deleted principal stays deleted' USING ERRCODE = '42501'; END IF;
  IF (NEW.tenant_id, NEW.id, NEW.kind) IS DISTINCT FROM (OLD.tenant_id, OLD.id, OLD.kind) THEN
    RAISE EXCEPTION 'kg: identity columns are immutable' USING ERRCODE = '42501'; END IF;
  IF NEW.id <> gate.subject() THEN PERFORM sec.demand_fresh(NEW.tenant_id, NEW.id); END IF;
  SELECT r.level INTO me FROM rbac.role_assignment r WHERE r.principal_id = gate.subject() AND r.tenant_id = NEW.tenant_id AND r.revoked_at IS NULL FOR SHARE;
  SELECT r.level INTO them FROM rbac.role_assignment r WHERE r.principal_id = NEW.id AND r.tenant_id = NEW.tenant_id FOR SHARE;
  IF me IS NULL OR (them IS NOT NULL AND them >= me AND NEW.id <> gate.subject()) THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION sec.guard_enrolment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me record; them record;
BEGIN
  IF sec.in_genesis() THEN RETURN NEW; END IF;
  PERFORM sec.demand_fresh(NEW.tenant_id, NEW.principal_id);
  SELECT r.level, r.tenant_id INTO me FROM rbac.role_assignment r
    JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status = 'active'
   WHERE r.tenant_id = (gate.ctx())[4]::uuid AND r.principal_id = gate.subject() AND r.revoked_at IS NULL FOR SHARE OF r, p;
  IF NOT FOUND OR me.level < 4 THEN RAISE EXCEPTION 'kg: no authority over others' USING ERRCODE = '42501'; END IF;
  SELECT r.level, r.granted_by INTO them FROM rbac.role_assignment r
   WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.revoked_at IS NULL FOR SHARE;
  IF NOT FOUND OR them.level >= me.level OR NEW.principal_id = gate.subject() THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  IF me.tenant_id <> NEW.tenant_id AND (me.level <> 7 OR them.level <> 5 OR them.granted_by IS DISTINCT FROM gate.subject()) THEN
    RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
RESET ROLE;
