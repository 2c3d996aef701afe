-- Two cracks the attack suite found: a signed level below none, and a demoted admin that still reaches lower levels' accounts.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
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
  IF (lvl = 0) <> (c[4] = 'sys') OR lvl NOT BETWEEN 0 AND 7 THEN RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001'; END IF;
  body := c[3] || '|' || c[4] || '|' || c[5] || '|' || c[6] || '|' || lvl || '|' || coalesce(s.unit_id::text, '-')
    || '|' || coalesce(s.hat, '-') || '|' || CASE WHEN s.fresh THEN 't' ELSE 'f' END;
  PERFORM set_config('kg.ctx', body || '|' || (SELECT encode(sha256(k2.opad || sha256(k2.ipad || convert_to(body, 'UTF8')
     || int4send(pg_backend_pid()) || timestamptz_send(now()))), 'hex') FROM sec.context_key k2), true);
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
  -- From level 4 up, and a supervisor for devices.
  IF me IS NULL OR (NEW.id <> gate.subject() AND (them >= me OR (me < 4 AND NOT (me = 3 AND NEW.kind = 'device')))) THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
RESET ROLE;
