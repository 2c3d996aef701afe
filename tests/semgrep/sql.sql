# What the rules of sql.yaml must find (ruleid) and leave alone (ok). Never run; annotations are in the form the tool reads.
# ruleid: definer-without-search-path
CREATE FUNCTION gate.peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$;
# ok: definer-without-search-path
CREATE FUNCTION gate.look() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT 1 $$;
# ok: definer-without-search-path
CREATE FUNCTION gate.level() RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000 AS $$ BEGIN RETURN 1; END $$;

# ruleid: search-path-without-pg-temp
CREATE FUNCTION sec.a() RETURNS int LANGUAGE sql SET search_path = pg_catalog AS $$ SELECT 1 $$;
# ok: search-path-without-pg-temp
CREATE FUNCTION sec.b() RETURNS int LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT 1 $$;

# ruleid: granted-to-everybody
GRANT SELECT ON rbac.tenant TO PUBLIC;
# ok: granted-to-everybody
REVOKE ALL ON rbac.tenant FROM PUBLIC;

# ruleid: wall-taken-down
ALTER TABLE rbac.tenant DISABLE ROW LEVEL SECURITY;
# ok: wall-taken-down
ALTER TABLE rbac.tenant FORCE ROW LEVEL SECURITY;

# ruleid: service-may-destroy
GRANT TRUNCATE ON rbac.tenant TO kg_app;
# ok: service-may-destroy
GRANT SELECT ON rbac.tenant TO kg_app;

# ruleid: view-of-its-owner
CREATE VIEW rbac.names AS SELECT name FROM rbac.tenant;
# ok: view-of-its-owner
CREATE VIEW rbac.names WITH (security_invoker = true) AS SELECT name FROM rbac.tenant;
