-- What witnesses said about the log of logs, for everybody who may read a log: its rows carry the nil id. What the database's clock is compared with.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['cosignature', 'witnessed'] LOOP
    EXECUTE format('CREATE POLICY app_meta ON audit.%I FOR SELECT TO kg_app USING (tenant_id = ''00000000-0000-0000-0000-000000000000''
      AND ((SELECT gate.tenant(4, 5)) IS NOT NULL OR (SELECT gate.tenant(7, 7)) IS NOT NULL))', t);
  END LOOP;
END $$;
SET LOCAL ROLE kg_sec;
CREATE FUNCTION gate.clock_probe(OUT now timestamptz, OUT latest timestamptz) LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT clock_timestamp(), CASE WHEN gate.platform_worker() THEN (SELECT max(c.at) FROM audit.clock c) END $$;
GRANT EXECUTE ON FUNCTION gate.clock_probe() TO kg_app;
RESET ROLE;
