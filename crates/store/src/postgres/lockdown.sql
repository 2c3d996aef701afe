-- What PUBLIC may do by default and a gateway never needs. Run by a superuser, after the roles exist.
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; -- no DO blocks for the service
GRANT USAGE ON LANGUAGE plpgsql TO kg_owner, kg_sec, kg_migrator;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_terminate_backend(int, bigint), pg_catalog.pg_cancel_backend(int) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(int), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea),
  pg_catalog.lo_put(oid, bigint, bytea), pg_catalog.lo_open(oid, int), pg_catalog.lowrite(int, bytea), pg_catalog.lo_unlink(oid) FROM PUBLIC;
-- A SELECT-only injection could run a second statement through these.
REVOKE EXECUTE ON FUNCTION pg_catalog.query_to_xml(text, boolean, boolean, text), pg_catalog.query_to_xmlschema(text, boolean, boolean, text),
  pg_catalog.query_to_xml_and_xmlschema(text, boolean, boolean, text), pg_catalog.cursor_to_xml(refcursor, int, boolean, boolean, text),
  pg_catalog.database_to_xml(boolean, boolean, text), pg_catalog.schema_to_xml(name, boolean, boolean, text),
  pg_catalog.table_to_xml(regclass, boolean, boolean, text) FROM PUBLIC;
-- The way from a SELECT-only injection to SET and SET ROLE; only the door needs it.
REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO kg_sec;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8), pg_catalog.pg_sleep_for(interval), pg_catalog.pg_sleep_until(timestamptz) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) FROM PUBLIC;
DO $$
DECLARE f text;
BEGIN
  FOR f IN SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p
           WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname LIKE 'pg\_%advisory%' LOOP
    EXECUTE 'REVOKE EXECUTE ON FUNCTION pg_catalog.' || f || ' FROM PUBLIC';
    EXECUTE 'GRANT EXECUTE ON FUNCTION pg_catalog.' || f || ' TO kg_migrator, kg_integrator';
  END LOOP;
END $$;
-- Queries of the other pool connections (same role) are visible otherwise.
REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(int) FROM PUBLIC;
