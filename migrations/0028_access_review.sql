-- When somebody was last here, and what they could prove a second time with: for whoever sees them, and no more than that.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
-- No session, seed or code: a time and three counts. The scope is that of rbac.principal: from level 4 the tenant's, levels 2 and 3
-- their unit's, and oneself.
CREATE FUNCTION gate.last_seen(p_ids uuid[]) RETURNS TABLE (principal uuid, at timestamptz, totp bool, passkeys bigint, recovery_codes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id,
         (SELECT max(s.created_at) FROM identity.session s WHERE s.tenant_id = p.tenant_id AND s.principal_id = p.id),
         EXISTS (SELECT FROM identity.factor f WHERE f.tenant_id = p.tenant_id AND f.principal_id = p.id AND f.kind = 'totp' AND f.confirmed_at IS NOT NULL),
         (SELECT count(*) FROM identity.factor f WHERE f.tenant_id = p.tenant_id AND f.principal_id = p.id AND f.kind = 'passkey' AND f.confirmed_at IS NOT NULL),
         (SELECT count(*) FROM identity.recovery_code c WHERE c.tenant_id = p.tenant_id AND c.principal_id = p.id AND c.used_at IS NULL)
    FROM rbac.principal p
   WHERE p.tenant_id = (SELECT gate.tenant(1, 7)) AND p.id = ANY (p_ids)
     AND ((SELECT gate.level()) >= 4 OR p.id = (SELECT gate.subject())
       OR ((SELECT gate.level()) IN (2, 3) AND EXISTS (SELECT FROM rbac.role_assignment r
            WHERE r.tenant_id = p.tenant_id AND r.principal_id = p.id AND r.unit_id = (SELECT gate.unit())))) $$;
GRANT EXECUTE ON FUNCTION gate.last_seen(uuid[]) TO kg_app;
RESET ROLE;
