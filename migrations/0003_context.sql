-- The door: signed claims in, a sealed context for this transaction out.
SET LOCAL ROLE kg_sec;
-- HMAC keys are kept as their two RFC 2104 pads, so that HMAC(k, m) = sha256(opad || sha256(ipad || m)) needs core functions only.
CREATE FUNCTION sec.pad(k bytea, x int) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT decode(string_agg(lpad(to_hex((CASE WHEN n < length(k) THEN get_byte(k, n) ELSE 0 END) # x), 2, '0'), '' ORDER BY n), 'hex')
  FROM generate_series(0, 63) n $$;

CREATE TABLE sec.claim_key (
  kid       text PRIMARY KEY CHECK (kid ~ '^[A-Za-z0-9-]{1,40}$'),
  ipad      bytea NOT NULL CHECK (length(ipad) = 64),
  opad      bytea NOT NULL CHECK (length(opad) = 64),
  not_after timestamptz
);
-- Born here, never leaves this database.
CREATE TABLE sec.context_key (
  one  bool PRIMARY KEY DEFAULT true CHECK (one),
  ipad bytea NOT NULL CHECK (length(ipad) = 64),
  opad bytea NOT NULL CHECK (length(opad) = 64)
);
INSERT INTO sec.context_key (ipad, opad)
  SELECT sec.pad(k, 54), sec.pad(k, 92)
  FROM (SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS k OFFSET 0) r;

CREATE FUNCTION sec.install_claim_key(p_kid text, p_ipad bytea, p_opad bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO sec.claim_key (kid, ipad, opad) VALUES (p_kid, p_ipad, p_opad)
  ON CONFLICT (kid) DO UPDATE SET ipad = excluded.ipad, opad = excluded.opad, not_after = NULL $$;
GRANT EXECUTE ON FUNCTION sec.install_claim_key(text, bytea, bytea) TO kg_migrator;

-- The reader recomputes the seal; it never trusts the setting. Hot, so no SET clause: every name and operator is qualified.
-- Fields: 1 subject, 2 credential kind, 3 credential, 4 tenant, 5 level (0: Keepgate's own worker), 6 unit or '-', 7 seal.
CREATE FUNCTION gate.ctx() RETURNS text[] LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$
DECLARE v text := pg_catalog.current_setting('kg.ctx', true); i bytea; o bytea;
BEGIN
  IF v IS NULL OR pg_catalog.length(v) OPERATOR(pg_catalog.<) 66 OR pg_catalog.length(v) OPERATOR(pg_catalog.>) 400 THEN RETURN NULL; END IF;
  SELECT k.ipad, k.opad INTO i, o FROM sec.context_key k;
  IF pg_catalog.encode(pg_catalog.sha256(o OPERATOR(pg_catalog.||) pg_catalog.sha256(i OPERATOR(pg_catalog.||)
       pg_catalog.convert_to(pg_catalog.left(v, pg_catalog.length(v) OPERATOR(pg_catalog.-) 65), 'UTF8')
       OPERATOR(pg_catalog.||) pg_catalog.int4send(pg_catalog.pg_backend_pid())
       OPERATOR(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now()))), 'hex')
     OPERATOR(pg_catalog.=) pg_catalog.right(v, 64) THEN RETURN pg_catalog.string_to_array(v, '|'); END IF;
  RETURN NULL;
END $$;

-- The tenant of the context, provided its live level is within [lo, hi]; NULL, so no rows, otherwise. Always call it as
-- (SELECT gate.tenant(lo, hi)): one evaluation for each statement.
CREATE FUNCTION gate.tenant(lo int, hi int) RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$
DECLARE c text[] := gate.ctx();
BEGIN
  IF c IS NULL OR c[5]::int OPERATOR(pg_catalog.<) lo OR c[5]::int OPERATOR(pg_catalog.>) hi THEN RETURN NULL; END IF;
  RETURN c[4]::uuid;
END $$;
CREATE FUNCTION gate.subject() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$ DECLARE c text[] := gate.ctx(); BEGIN RETURN c[1]::uuid; END $$;
CREATE FUNCTION gate.level()   RETURNS int  LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$ DECLARE c text[] := gate.ctx(); BEGIN RETURN c[5]::int; END $$;
CREATE FUNCTION gate.unit()    RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$ DECLARE c text[] := gate.ctx(); BEGIN RETURN CASE WHEN c[6] OPERATOR(pg_catalog.=) '-' THEN NULL ELSE c[6]::uuid END; END $$;
-- The tenant of one of Keepgate's own workers, NULL for everybody else.
CREATE FUNCTION gate.worker()  RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$ BEGIN RETURN gate.tenant(0, 0); END $$;
-- True for the platform's own worker: it may ask where a credential lives, before anybody has been identified.
CREATE FUNCTION gate.platform_worker() RETURNS bool LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER COST 1000 AS $$
BEGIN RETURN EXISTS (SELECT FROM rbac.tenant t WHERE t.id OPERATOR(pg_catalog.=) gate.worker() AND t.kind OPERATOR(pg_catalog.=) 'platform'); END $$;

CREATE FUNCTION gate.enter(p_claims text, p_sig bytea) RETURNS void
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

  IF c[4] = 'ses' THEN
    SELECT least(r.level, se.level)::int AS level, r.unit_id INTO s
      FROM identity.session se
      JOIN rbac.principal p ON p.tenant_id = se.tenant_id AND p.id = se.principal_id AND p.status = 'active' AND p.epoch = se.epoch
      JOIN rbac.tenant t ON t.id = se.tenant_id AND t.status = 'active'
      JOIN rbac.role_assignment r ON r.tenant_id = se.tenant_id AND r.principal_id = se.principal_id AND r.revoked_at IS NULL
     WHERE se.sid = c[5]::uuid AND se.tenant_id = c[6]::uuid AND se.principal_id = c[3]::uuid
       AND se.revoked_at IS NULL AND se.expires_at > clock_timestamp();
  ELSIF c[4] = 'key' THEN
    -- A key is bounded by its owner's live level, less one.
    SELECT least(r.level, ro.level - 1)::int AS level, r.unit_id INTO s
      FROM identity.api_key k
      JOIN rbac.tenant t ON t.id = k.tenant_id AND t.status = 'active'
      JOIN rbac.principal p ON p.tenant_id = k.tenant_id AND p.id = k.principal_id AND p.status = 'active'
      JOIN rbac.role_assignment r ON r.tenant_id = k.tenant_id AND r.principal_id = k.principal_id AND r.revoked_at IS NULL
      JOIN rbac.principal po ON po.tenant_id = k.tenant_id AND po.id = k.owner_id AND po.status = 'active'
      JOIN rbac.role_assignment ro ON ro.tenant_id = k.tenant_id AND ro.principal_id = k.owner_id AND ro.revoked_at IS NULL
     WHERE k.id = c[5]::uuid AND k.tenant_id = c[6]::uuid AND k.principal_id = c[3]::uuid
       AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp()) AND ro.level > 1;
  ELSIF c[4] = 'sys' AND c[3] = c[6] AND c[5] = c[6] AND c[7] = '0' THEN
    SELECT 0 AS level, NULL::uuid AS unit_id INTO s FROM rbac.tenant t WHERE t.id = c[6]::uuid AND t.status = 'active';
  ELSE
    RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001';
  END IF;
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: credential is not live' USING ERRCODE = 'KG001'; END IF;
  lvl := least(c[7]::int, s.level); -- claims can only narrow
  IF (lvl = 0) <> (c[4] = 'sys') THEN RAISE EXCEPTION 'kg: bad claims' USING ERRCODE = 'KG001'; END IF;
  body := c[3] || '|' || c[4] || '|' || c[5] || '|' || c[6] || '|' || lvl || '|' || coalesce(s.unit_id::text, '-');
  PERFORM set_config('kg.ctx', body || '|' || (SELECT encode(sha256(k2.opad || sha256(k2.ipad || convert_to(body, 'UTF8')
     || int4send(pg_backend_pid()) || timestamptz_send(now()))), 'hex') FROM sec.context_key k2), true);
END $$;

-- Until when the credential of this context lives; NULL without end. A caller may ask that of its own credential.
CREATE FUNCTION gate.expires_at() RETURNS timestamptz LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c text[] := gate.ctx();
BEGIN
  IF c[2] = 'ses' THEN RETURN (SELECT s.expires_at FROM identity.session s WHERE s.tenant_id = c[4]::uuid AND s.sid = c[3]::uuid); END IF;
  IF c[2] = 'key' THEN RETURN (SELECT k.expires_at FROM identity.api_key k WHERE k.tenant_id = c[4]::uuid AND k.id = c[3]::uuid); END IF;
  RETURN NULL;
END $$;

-- Where something lives, for the platform's own worker only: the answer is a tenant's id and nothing else.
CREATE FUNCTION gate.platform_tenant() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.id FROM rbac.tenant t WHERE t.kind = 'platform' $$;
CREATE FUNCTION gate.homes_of_email(p_email text) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.tenant_id FROM rbac.principal p WHERE gate.platform_worker() AND p.email = p_email ORDER BY p.created_at LIMIT 20 $$;
CREATE FUNCTION gate.home_of_key(p_key uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.tenant_id FROM identity.api_key k WHERE gate.platform_worker() AND k.id = p_key $$;
CREATE FUNCTION gate.home_of_enrolment(p_hash bytea) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.tenant_id FROM identity.enrolment e WHERE gate.platform_worker() AND e.code_hash = p_hash $$;

GRANT EXECUTE ON FUNCTION gate.enter(text, bytea), gate.platform_tenant() TO kg_app, kg_integrator;
GRANT EXECUTE ON FUNCTION gate.expires_at(), gate.homes_of_email(text), gate.home_of_key(uuid), gate.home_of_enrolment(bytea) TO kg_app;
-- Forced row-level security evaluates the policies for the owner as well.
GRANT EXECUTE ON FUNCTION gate.tenant(int, int), gate.subject(), gate.level(), gate.unit(), gate.worker(), gate.platform_worker() TO kg_app, kg_owner;
RESET ROLE;
