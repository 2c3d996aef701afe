-- The first principals, once in the life of a database: run by the migrator, audit entry 1 of both tenants.
SET LOCAL ROLE kg_owner;
GRANT INSERT ON rbac.tenant, rbac.principal, rbac.role_assignment, identity.enrolment, identity.api_key TO kg_sec;

SET LOCAL ROLE kg_sec;
GRANT EXECUTE ON FUNCTION sec.in_genesis() TO kg_owner;
CREATE FUNCTION sec.genesis(p jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE who jsonb; t record; unit uuid;
BEGIN
  INSERT INTO sec.genesis DEFAULT VALUES; -- unique violation the second time
  INSERT INTO rbac.tenant (id, name, kind) VALUES ((p->>'platform')::uuid, 'platform', 'platform'), ((p->>'tenant')::uuid, 'default', 'customer');
  FOR who IN SELECT * FROM jsonb_array_elements(p->'people') LOOP
    INSERT INTO rbac.principal (tenant_id, id, kind, email, display_name)
      VALUES ((who->>'tenant')::uuid, (who->>'id')::uuid, 'user', who->>'email', who->>'name');
    INSERT INTO rbac.role_assignment (tenant_id, principal_id, level) VALUES ((who->>'tenant')::uuid, (who->>'id')::uuid, (who->>'level')::smallint);
    INSERT INTO identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at)
      VALUES ((who->>'tenant')::uuid, (who->>'enrolment')::uuid, (who->>'id')::uuid, decode(who->>'code_hash', 'hex'), now() + interval '24 hours');
  END LOOP;
  SELECT u.id INTO STRICT unit FROM rbac.unit u WHERE u.tenant_id = (p->>'tenant')::uuid;
  INSERT INTO rbac.principal (tenant_id, id, kind, display_name) VALUES ((p->>'tenant')::uuid, (p->'key'->>'service')::uuid, 'service', 'bootstrap');
  INSERT INTO rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by)
    VALUES ((p->>'tenant')::uuid, (p->'key'->>'service')::uuid, 2, unit, (p->'key'->>'owner')::uuid);
  INSERT INTO identity.api_key (tenant_id, id, principal_id, owner_id, name, phc)
    VALUES ((p->>'tenant')::uuid, (p->'key'->>'id')::uuid, (p->'key'->>'service')::uuid, (p->'key'->>'owner')::uuid, 'bootstrap', p->'key'->>'phc');
  FOR t IN SELECT r.id FROM rbac.tenant r LOOP
    INSERT INTO audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
      VALUES (t.id, gen_random_uuid(), 'system', t.id, 'platform.genesis', p->'names'->>(t.id::text), 'done', (p->>'request')::uuid, '', '');
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION sec.genesis(jsonb) TO kg_migrator;
CREATE FUNCTION sec.has_genesis() RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT EXISTS (SELECT FROM sec.genesis) $$;
GRANT EXECUTE ON FUNCTION sec.has_genesis() TO kg_migrator;

SET LOCAL ROLE kg_owner;
CREATE POLICY genesis ON rbac.tenant FOR INSERT TO kg_sec WITH CHECK ((SELECT sec.in_genesis()));
CREATE POLICY genesis ON rbac.principal FOR INSERT TO kg_sec WITH CHECK ((SELECT sec.in_genesis()));
CREATE POLICY genesis ON rbac.role_assignment FOR INSERT TO kg_sec WITH CHECK ((SELECT sec.in_genesis()));
CREATE POLICY genesis ON identity.enrolment FOR INSERT TO kg_sec WITH CHECK ((SELECT sec.in_genesis()));
CREATE POLICY genesis ON identity.api_key FOR INSERT TO kg_sec WITH CHECK ((SELECT sec.in_genesis()));
RESET ROLE;
