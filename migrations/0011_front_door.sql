-- The hat and the freshness of a caller in the sealed context; a narrow role for what happens before anybody is known.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
GRANT USAGE ON SCHEMA gate TO kg_auth;

-- As before, and two more fields: 7 hat or '-', 8 whether the credential is a session opened at most five minutes ago (and
-- half a minute for clocks and queues). The seal is the last field. kg_auth enters as a worker and as nobody else.
CREATE OR REPLACE FUNCTION gate.enter(p_claims text, p_sig bytea) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c text[]; i bytea; o bytea; s record; body text; lvl int;
BEGIN
  IF gate.ctx() IS NOT NULL THEN RAISE EXCEPTION 'kg: context already set' USING ERRCODE = '42501'; END IF;
  IF p_claims IS NULL OR length(p_claims) > 400 THEN RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001'; END IF;
  c := string_to_array(p_claims, '|');
  IF array_length(c, 1) IS DISTINCT FROM 9 OR c[1] <> 'v2' THEN RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001'; END IF;
  SELECT k.ipad, k.opad INTO i, o FROM sec.claim_key k WHERE k.kid = c[2] AND (k.not_after IS NULL OR k.not_after > clock_timestamp());
  -- Both sides are hashed once more under the key: the comparison is of values the caller can't predict.
  IF i IS NULL OR p_sig IS NULL OR sha256(o || sha256(o || sha256(i || convert_to(p_claims, 'UTF8')))) IS DISTINCT FROM sha256(o || p_sig)
    THEN RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001'; END IF;
  IF c[9]::int <> pg_backend_pid() OR c[8]::bigint < extract(epoch FROM clock_timestamp()) * 1000
    THEN RAISE EXCEPTION 'kg: stale claims' USING ERRCODE = 'KG001'; END IF;
  IF session_user = 'kg_auth' AND c[4] <> 'sys' THEN RAISE EXCEPTION 'kg: nobody is known here yet' USING ERRCODE = '42501'; END IF;

  IF c[4] = 'ses' THEN
    SELECT least(r.level, se.level)::int AS level, r.unit_id, r.hat, se.created_at > clock_timestamp() - interval '5 minutes 30 seconds' AS fresh INTO s
      FROM identity.session se
      JOIN rbac.principal p ON p.tenant_id = se.tenant_id AND p.id = se.principal_id AND p.status = 'active' AND p.epoch = se.epoch
      JOIN rbac.tenant t ON t.id = se.tenant_id AND t.status = 'active'
      JOIN rbac.role_assignment r ON r.tenant_id = se.tenant_id AND r.principal_id = se.principal_id AND r.revoked_at IS NULL
     WHERE se.sid = c[5]::uuid AND se.tenant_id = c[6]::uuid AND se.principal_id = c[3]::uuid
       AND se.revoked_at IS NULL AND se.expires_at > clock_timestamp();
  ELSIF c[4] = 'key' THEN
    -- A key is bounded by its owner's live level, less one, and by the owner's hat.
    SELECT least(r.level, ro.level - 1)::int AS level, r.unit_id, coalesce(r.hat, ro.hat) AS hat, false AS fresh INTO s
      FROM identity.api_key k
      JOIN rbac.tenant t ON t.id = k.tenant_id AND t.status = 'active'
      JOIN rbac.principal p ON p.tenant_id = k.tenant_id AND p.id = k.principal_id AND p.status = 'active'
      JOIN rbac.role_assignment r ON r.tenant_id = k.tenant_id AND r.principal_id = k.principal_id AND r.revoked_at IS NULL
      JOIN rbac.principal po ON po.tenant_id = k.tenant_id AND po.id = k.owner_id AND po.status = 'active'
      JOIN rbac.role_assignment ro ON ro.tenant_id = k.tenant_id AND ro.principal_id = k.owner_id AND ro.revoked_at IS NULL
     WHERE k.id = c[5]::uuid AND k.tenant_id = c[6]::uuid AND k.principal_id = c[3]::uuid
       AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp()) AND ro.level > 1;
  ELSIF c[4] = 'sys' AND c[3] = c[6] AND c[5] = c[6] AND c[7] = '0' THEN
    SELECT 0 AS level, NULL::uuid AS unit_id, NULL::text AS hat, false AS fresh INTO s
      FROM rbac.tenant t WHERE t.id = c[6]::uuid AND t.status = 'active';
  ELSE
    RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001';
  END IF;
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: credential is not live' USING ERRCODE = 'KG001'; END IF;
  lvl := least(c[7]::int, s.level); -- claims can only narrow
  IF (lvl = 0) <> (c[4] = 'sys') THEN RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001'; END IF;
  body := c[3] || '|' || c[4] || '|' || c[5] || '|' || c[6] || '|' || lvl || '|' || coalesce(s.unit_id::text, '-')
    || '|' || coalesce(s.hat, '-') || '|' || CASE WHEN s.fresh THEN 't' ELSE 'f' END;
  PERFORM set_config('kg.ctx', body || '|' || (SELECT encode(sha256(k2.opad || sha256(k2.ipad || convert_to(body, 'UTF8')
     || int4send(pg_backend_pid()) || timestamptz_send(now()))), 'hex') FROM sec.context_key k2), true);
END $$;

-- The hat of the caller, NULL without one: it takes every write away.
CREATE FUNCTION gate.hat() RETURNS text LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$ DECLARE c text[] := gate.ctx(); BEGIN RETURN CASE WHEN c[7] OPERATOR(pg_catalog.<>) '-' THEN c[7] END; END $$;
-- Whether the caller has proved who it is just now.
CREATE FUNCTION gate.fresh() RETURNS bool LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$ DECLARE c text[] := gate.ctx(); BEGIN RETURN COALESCE(c[8] OPERATOR(pg_catalog.=) 't', false); END $$;
GRANT EXECUTE ON FUNCTION gate.hat(), gate.fresh() TO kg_app, kg_owner;

REVOKE EXECUTE ON FUNCTION gate.homes_of_email(text), gate.home_of_key(uuid), gate.home_of_enrolment(bytea) FROM kg_app;
GRANT EXECUTE ON FUNCTION gate.enter(text, bytea), gate.homes_of_email(text), gate.home_of_key(uuid), gate.home_of_enrolment(bytea),
  gate.append_entry(uuid, text, text, text, text, uuid, text, text, uuid), gate.worker() TO kg_auth;

-- For kg_owner, on each table that kg_app may write: whoever wears a hat writes nothing there.
CREATE FUNCTION sec.mask_hats(p_table regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE POLICY hat_i ON %s AS RESTRICTIVE FOR INSERT TO kg_app WITH CHECK ((SELECT gate.hat()) IS NULL)', p_table);
  EXECUTE format('CREATE POLICY hat_u ON %s AS RESTRICTIVE FOR UPDATE TO kg_app USING ((SELECT gate.hat()) IS NULL) WITH CHECK ((SELECT gate.hat()) IS NULL)', p_table);
  EXECUTE format('CREATE POLICY hat_d ON %s AS RESTRICTIVE FOR DELETE TO kg_app USING ((SELECT gate.hat()) IS NULL)', p_table);
END $$;
GRANT EXECUTE ON FUNCTION sec.mask_hats(regclass) TO kg_owner;

-- What changes authority or credentials needs a session that was opened just now. Devices are enrolled in passing.
CREATE FUNCTION sec.demand_fresh(p_tenant uuid, p_principal uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (gate.ctx())[2] = 'ses' AND NOT gate.fresh()
      AND NOT EXISTS (SELECT FROM rbac.principal p WHERE p.tenant_id = p_tenant AND p.id = p_principal AND p.kind = 'device') THEN
    RAISE EXCEPTION 'kg: the log-in is too long ago' USING ERRCODE = '42501'; END IF;
END $$;

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
  -- The granter's row is that of the context's tenant, whoever has the same number elsewhere. FOR SHARE: a demotion of the
  -- granter that is under way either waits or wins.
  SELECT r.level, r.tenant_id INTO g FROM rbac.role_assignment r
    JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status = 'active'
   WHERE r.tenant_id = (gate.ctx())[4]::uuid AND r.principal_id = NEW.granted_by AND r.revoked_at IS NULL AND r.hat IS NULL FOR SHARE OF r;
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
  IF NEW.id <> gate.subject() THEN PERFORM sec.demand_fresh(NEW.tenant_id, NEW.id); END IF;
  SELECT r.level INTO me FROM rbac.role_assignment r WHERE r.principal_id = gate.subject() AND r.tenant_id = NEW.tenant_id AND r.revoked_at IS NULL FOR SHARE;
  SELECT r.level INTO them FROM rbac.role_assignment r WHERE r.principal_id = NEW.id AND r.tenant_id = NEW.tenant_id;
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
   WHERE r.tenant_id = (gate.ctx())[4]::uuid AND r.principal_id = gate.subject() AND r.revoked_at IS NULL FOR SHARE;
  IF NOT FOUND OR me.level < 4 THEN RAISE EXCEPTION 'kg: no authority over others' USING ERRCODE = '42501'; END IF;
  SELECT r.level, r.granted_by INTO them FROM rbac.role_assignment r
   WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.revoked_at IS NULL;
  IF NOT FOUND OR them.level >= me.level OR NEW.principal_id = gate.subject() THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  IF me.tenant_id <> NEW.tenant_id AND (me.level <> 7 OR them.level <> 5 OR them.granted_by IS DISTINCT FROM gate.subject()) THEN
    RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- The service can't read a verifier, so the guard keeps the one before a rotation, for as long as `old_until` says.
CREATE OR REPLACE FUNCTION sec.guard_api_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine int;
BEGIN
  IF NOT sec.in_genesis() AND gate.level() IS DISTINCT FROM 0 THEN
    SELECT r.level INTO mine FROM rbac.role_assignment r
     WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = gate.subject() AND r.revoked_at IS NULL AND r.level >= 4 FOR SHARE;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL THEN RAISE EXCEPTION 'kg: a revoked key stays revoked' USING ERRCODE = '42501'; END IF;
    IF (NEW.phc, NEW.old_phc, NEW.old_until) IS DISTINCT FROM (OLD.phc, OLD.old_phc, OLD.old_until) THEN
      PERFORM sec.demand_fresh(NEW.tenant_id, NULL);
      IF NOT EXISTS (SELECT FROM rbac.role_assignment r WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.level < mine) THEN
        RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
      NEW.old_phc := CASE WHEN NEW.old_until IS NOT NULL THEN OLD.phc END;
    END IF;
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT FROM rbac.principal p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.principal_id AND p.kind = 'service') THEN
    RAISE EXCEPTION 'kg: a key belongs to a service' USING ERRCODE = '42501'; END IF;
  IF sec.in_genesis() THEN RETURN NEW; END IF;
  IF NEW.owner_id IS DISTINCT FROM gate.subject() OR mine IS NULL THEN RAISE EXCEPTION 'kg: the owner is not the caller' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(NEW.tenant_id, NULL);
  RETURN NEW;
END $$;

SET LOCAL ROLE kg_owner;
GRANT USAGE ON SCHEMA rbac, identity TO kg_auth;
-- Every verifier and secret of a person or key: kg_auth's alone.
REVOKE ALL ON identity.password, identity.throttle, identity.enrolment, identity.api_key, identity.session FROM kg_app;
GRANT INSERT (tenant_id, id, principal_id, code_hash, expires_at) ON identity.enrolment TO kg_app;
GRANT SELECT (tenant_id, id, principal_id, owner_id, name, old_until, scopes, allowed_cidrs, created_at, expires_at, revoked_at, last_used_at),
  INSERT (tenant_id, id, principal_id, owner_id, name, phc, scopes, allowed_cidrs, expires_at), UPDATE (phc, old_until, revoked_at) ON identity.api_key TO kg_app;
GRANT SELECT, UPDATE (revoked_at) ON identity.session TO kg_app;

GRANT SELECT (tenant_id, id, kind, email, status, epoch) ON rbac.principal TO kg_auth;
GRANT SELECT (tenant_id, principal_id, level, unit_id, hat, revoked_at) ON rbac.role_assignment TO kg_auth;
GRANT SELECT, INSERT (tenant_id, principal_id, phc), UPDATE (phc, changed_at) ON identity.password TO kg_auth;
GRANT SELECT, UPDATE (used_at) ON identity.enrolment TO kg_auth;
GRANT SELECT, UPDATE (last_used_at) ON identity.api_key TO kg_auth;
GRANT SELECT, INSERT (tenant_id, sid, principal_id, level, epoch, expires_at, factors), UPDATE (revoked_at) ON identity.session TO kg_auth;
GRANT SELECT, INSERT (bucket, failures, blocked_until), UPDATE (failures, blocked_until, updated_at), DELETE ON identity.throttle TO kg_auth;

ALTER POLICY app ON identity.password TO kg_auth;
ALTER POLICY app ON identity.throttle TO kg_auth;
ALTER POLICY app_r ON identity.enrolment TO kg_auth;
ALTER POLICY app_u ON identity.enrolment TO kg_auth;
ALTER POLICY app_i ON identity.session TO kg_auth;
ALTER POLICY app_r ON identity.api_key USING (tenant_id = (SELECT gate.tenant(4, 5)));
ALTER POLICY app_u ON identity.api_key USING (tenant_id = (SELECT gate.tenant(4, 5))) WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));
ALTER POLICY app_r ON identity.session USING (tenant_id = (SELECT gate.tenant(1, 7))
  AND (principal_id = (SELECT gate.subject()) OR ((SELECT gate.level()) >= 4 AND level < (SELECT gate.level()))));
CREATE POLICY auth_r ON rbac.principal FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_r ON rbac.role_assignment FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_r ON identity.api_key FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_u ON identity.api_key FOR UPDATE TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_r ON identity.session FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
-- A new proof of who somebody is takes the place of an older session.
CREATE POLICY auth_u ON identity.session FOR UPDATE TO kg_auth USING (tenant_id = (SELECT gate.worker()) AND revoked_at IS NULL)
  WITH CHECK (tenant_id = (SELECT gate.worker()) AND revoked_at IS NOT NULL);

SELECT sec.mask_hats(t::regclass) FROM unnest(ARRAY['rbac.tenant', 'rbac.principal', 'rbac.role_assignment', 'identity.enrolment', 'identity.api_key',
  'doorway.idempotency', 'keys.data_key', 'channels.recipient', 'channels.route', 'channels.webhook', 'channels.message', 'channels.delivery',
  'channels.attempt', 'channels.callback', 'channels.stream', 'channels.stream_event']) t;
-- Ending a session of one's own is left to everybody.
CREATE POLICY hat_i ON identity.session AS RESTRICTIVE FOR INSERT TO kg_app WITH CHECK ((SELECT gate.hat()) IS NULL);
CREATE POLICY hat_u ON identity.session AS RESTRICTIVE FOR UPDATE TO kg_app USING ((SELECT gate.hat()) IS NULL OR principal_id = (SELECT gate.subject()));
CREATE POLICY hat_d ON identity.session AS RESTRICTIVE FOR DELETE TO kg_app USING ((SELECT gate.hat()) IS NULL);
RESET ROLE;
