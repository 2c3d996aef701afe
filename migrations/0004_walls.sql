-- Row-level security of authority and credentials, and the guards that look at live rows instead of the context.
SET LOCAL ROLE kg_owner;
-- kg_sec's own narrow windows: nobody bypasses row-level security.
CREATE POLICY sec_r ON rbac.tenant FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON rbac.unit FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_i ON rbac.unit FOR INSERT TO kg_sec WITH CHECK (true);
CREATE POLICY sec_r ON rbac.principal FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON rbac.role_assignment FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_l ON rbac.role_assignment FOR UPDATE TO kg_sec USING (true) WITH CHECK (false); -- may lock, may not write
CREATE POLICY sec_r ON identity.api_key FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON identity.session FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON identity.enrolment FOR SELECT TO kg_sec USING (true);

CREATE POLICY app_r ON rbac.tenant FOR SELECT TO kg_app USING (id = (SELECT gate.tenant(0, 7)) OR (SELECT gate.level()) >= 6);
CREATE POLICY app_i ON rbac.tenant FOR INSERT TO kg_app WITH CHECK ((SELECT gate.level()) = 7 AND kind = 'customer');
CREATE POLICY app_u ON rbac.tenant FOR UPDATE TO kg_app USING ((SELECT gate.level()) = 7 AND kind = 'customer') WITH CHECK ((SELECT gate.level()) = 7);
CREATE POLICY app_r ON rbac.unit FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(0, 7)));

CREATE POLICY app_r ON rbac.principal FOR SELECT TO kg_app USING
  (tenant_id = (SELECT gate.tenant(0, 7)) AND ((SELECT gate.level()) >= 3 OR (SELECT gate.level()) = 0 OR id = (SELECT gate.subject())));
CREATE POLICY app_i ON rbac.principal FOR INSERT TO kg_app WITH CHECK
  (tenant_id = (SELECT gate.tenant(4, 7)) OR ((SELECT gate.level()) = 7 AND kind = 'user')); -- 7 appoints owners elsewhere
CREATE POLICY app_u ON rbac.principal FOR UPDATE TO kg_app USING
  (tenant_id = (SELECT gate.tenant(4, 7)) AND (id = (SELECT gate.subject()) OR NOT EXISTS (SELECT FROM rbac.role_assignment r
     WHERE r.tenant_id = principal.tenant_id AND r.principal_id = principal.id AND r.level >= (SELECT gate.level()))))
  WITH CHECK (tenant_id = (SELECT gate.tenant(4, 7)));

-- Grants: strict domination within the tenant; 7 may also appoint a 5 anywhere.
CREATE POLICY app_r ON rbac.role_assignment FOR SELECT TO kg_app USING
  ((tenant_id = (SELECT gate.tenant(0, 7)) AND ((SELECT gate.level()) >= 3 OR (SELECT gate.level()) = 0 OR principal_id = (SELECT gate.subject())))
   OR ((SELECT gate.level()) = 7 AND level = 5));
CREATE POLICY app_i ON rbac.role_assignment FOR INSERT TO kg_app WITH CHECK
  (granted_by = (SELECT gate.subject()) AND principal_id <> (SELECT gate.subject())
   AND ((tenant_id = (SELECT gate.tenant(4, 7)) AND level < (SELECT gate.level())) OR ((SELECT gate.level()) = 7 AND level = 5)));
CREATE POLICY app_u ON rbac.role_assignment FOR UPDATE TO kg_app USING
  (principal_id <> (SELECT gate.subject())
   AND ((tenant_id = (SELECT gate.tenant(4, 7)) AND level < (SELECT gate.level())) OR ((SELECT gate.level()) = 7 AND level = 5)))
  WITH CHECK (granted_by = (SELECT gate.subject()) AND principal_id <> (SELECT gate.subject())
   AND ((tenant_id = (SELECT gate.tenant(4, 7)) AND level < (SELECT gate.level())) OR ((SELECT gate.level()) = 7 AND level = 5)));

-- Verifiers are read and written by Keepgate's own worker only, in the transaction of a log-in or enrolment.
CREATE POLICY app ON identity.password TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_r ON identity.enrolment FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_u ON identity.enrolment FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker()) AND used_at IS NULL) WITH CHECK (used_at IS NOT NULL);
CREATE POLICY app_i ON identity.enrolment FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(4, 7)) OR (SELECT gate.level()) = 7);
CREATE POLICY app_r ON identity.api_key FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker()) OR tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_i ON identity.api_key FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)) AND owner_id = (SELECT gate.subject()));
CREATE POLICY app_u ON identity.api_key FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker()) OR tenant_id = (SELECT gate.tenant(4, 5)))
  WITH CHECK (tenant_id = (SELECT gate.worker()) OR tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_r ON identity.session FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker()) OR (tenant_id = (SELECT gate.tenant(1, 7))
  AND (principal_id = (SELECT gate.subject()) OR ((SELECT gate.level()) >= 4 AND level < (SELECT gate.level())))));
CREATE POLICY app_i ON identity.session FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_u ON identity.session FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(1, 7)) AND revoked_at IS NULL
  AND (principal_id = (SELECT gate.subject()) OR ((SELECT gate.level()) >= 4 AND level < (SELECT gate.level()))))
  WITH CHECK (revoked_at IS NOT NULL); -- revoke only, never back
CREATE POLICY app ON identity.throttle TO kg_app USING ((SELECT gate.worker()) IS NOT NULL) WITH CHECK ((SELECT gate.worker()) IS NOT NULL);

SET LOCAL ROLE kg_sec;
-- Set once, by the genesis, in the transaction that makes the first principals.
CREATE TABLE sec.genesis (one bool PRIMARY KEY DEFAULT true CHECK (one), xid xid8 NOT NULL DEFAULT pg_current_xact_id(), at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION sec.in_genesis() RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM sec.genesis g WHERE g.xid = pg_current_xact_id_if_assigned() AND g.at = now()) $$;

CREATE FUNCTION sec.guard_assignment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
  -- The granter's row is that of the context's tenant, whoever has the same number elsewhere. FOR SHARE: a demotion of the
  -- granter that is under way either waits or wins.
  SELECT r.level, r.tenant_id INTO g FROM rbac.role_assignment r
    JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status = 'active'
   WHERE r.tenant_id = (gate.ctx())[4]::uuid AND r.principal_id = NEW.granted_by AND r.revoked_at IS NULL FOR SHARE OF r;
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: the granter has no live level here' USING ERRCODE = '42501'; END IF;
  IF g.level < 4 OR NEW.level >= g.level THEN RAISE EXCEPTION 'kg: % may not grant %', g.level, NEW.level USING ERRCODE = '42501'; END IF;
  IF g.tenant_id <> NEW.tenant_id AND NOT (g.level = 7 AND NEW.level = 5) THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'UPDATE' AND OLD.level >= g.level THEN RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'UPDATE' THEN NEW.granted_at := now(); END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION sec.guard_principal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me int; them int;
BEGIN
  IF NEW.epoch < OLD.epoch THEN RAISE EXCEPTION 'kg: an epoch never goes back' USING ERRCODE = '42501'; END IF;
  IF OLD.status = 'deleted' THEN RAISE EXCEPTION 'kg: a deleted principal stays deleted' USING ERRCODE = '42501'; END IF;
  SELECT level INTO me FROM rbac.role_assignment WHERE principal_id = gate.subject() AND tenant_id = NEW.tenant_id AND revoked_at IS NULL;
  SELECT level INTO them FROM rbac.role_assignment WHERE principal_id = NEW.id AND tenant_id = NEW.tenant_id;
  IF me IS NULL OR (them IS NOT NULL AND them >= me AND NEW.id <> gate.subject()) THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- A session is worth what its principal is worth now, whatever the service asks for.
CREATE FUNCTION sec.guard_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT r.level, p.epoch INTO NEW.level, NEW.epoch FROM rbac.principal p
    JOIN rbac.role_assignment r ON r.tenant_id = p.tenant_id AND r.principal_id = p.id AND r.revoked_at IS NULL
   WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.principal_id AND p.status = 'active';
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: no live principal' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- Whoever has an enrolment code becomes its principal: codes are made for lower levels only, and in another tenant only for an
-- owner one has just appointed.
CREATE FUNCTION sec.guard_enrolment() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE me record; them record;
BEGIN
  IF sec.in_genesis() THEN RETURN NEW; END IF;
  SELECT r.level, r.tenant_id INTO me FROM rbac.role_assignment r
   WHERE r.tenant_id = (gate.ctx())[4]::uuid AND r.principal_id = gate.subject() AND r.revoked_at IS NULL;
  IF NOT FOUND OR me.level < 4 THEN RAISE EXCEPTION 'kg: no authority over others' USING ERRCODE = '42501'; END IF;
  SELECT r.level, r.granted_by INTO them FROM rbac.role_assignment r
   WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.revoked_at IS NULL;
  IF NOT FOUND OR them.level >= me.level OR NEW.principal_id = gate.subject() THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  IF me.tenant_id <> NEW.tenant_id AND (me.level <> 7 OR them.level <> 5 OR them.granted_by IS DISTINCT FROM gate.subject()) THEN
    RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- A key acts as a service below its owner; its owner is who issues it. A secret is replaced only from above, a revoked key
-- stays revoked.
CREATE FUNCTION sec.guard_api_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL THEN RAISE EXCEPTION 'kg: a revoked key stays revoked' USING ERRCODE = '42501'; END IF;
    IF (NEW.phc, NEW.old_phc, NEW.old_until) IS DISTINCT FROM (OLD.phc, OLD.old_phc, OLD.old_until) AND NOT EXISTS (
        SELECT FROM rbac.role_assignment mine JOIN rbac.role_assignment r ON r.tenant_id = mine.tenant_id AND r.level < mine.level
         WHERE mine.tenant_id = NEW.tenant_id AND mine.principal_id = gate.subject() AND mine.revoked_at IS NULL AND mine.level >= 4
           AND r.principal_id = NEW.principal_id) THEN
      RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT FROM rbac.principal p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.principal_id AND p.kind = 'service') THEN
    RAISE EXCEPTION 'kg: a key belongs to a service' USING ERRCODE = '42501'; END IF;
  IF NOT sec.in_genesis() AND NEW.owner_id IS DISTINCT FROM gate.subject() THEN RAISE EXCEPTION 'kg: the owner is not the caller' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION sec.deny() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN RAISE EXCEPTION 'kg: % on % is forbidden for everyone', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501'; END $$;

-- Every tenant is born with one unit.
CREATE FUNCTION sec.first_unit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.kind = 'customer' THEN INSERT INTO rbac.unit (tenant_id, id, name) VALUES (NEW.id, gen_random_uuid(), 'main'); END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_assignment(), sec.guard_principal(), sec.guard_session(), sec.guard_enrolment(), sec.guard_api_key(), sec.deny(), sec.first_unit() TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW EXECUTE FUNCTION sec.guard_assignment();
CREATE TRIGGER nodelete BEFORE DELETE ON rbac.role_assignment FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON rbac.role_assignment FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
CREATE TRIGGER guard BEFORE UPDATE ON rbac.principal FOR EACH ROW EXECUTE FUNCTION sec.guard_principal();
CREATE TRIGGER guard BEFORE INSERT ON identity.session FOR EACH ROW EXECUTE FUNCTION sec.guard_session();
CREATE TRIGGER guard BEFORE INSERT ON identity.enrolment FOR EACH ROW EXECUTE FUNCTION sec.guard_enrolment();
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON identity.api_key FOR EACH ROW EXECUTE FUNCTION sec.guard_api_key();
CREATE TRIGGER first_unit AFTER INSERT ON rbac.tenant FOR EACH ROW EXECUTE FUNCTION sec.first_unit();
-- ENABLE ALWAYS: they fire under session_replication_role = replica as well.
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER guard;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER nodelete;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER notruncate;
ALTER TABLE rbac.principal ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.session ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.enrolment ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.api_key ENABLE ALWAYS TRIGGER guard;
RESET ROLE;
