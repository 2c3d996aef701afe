-- Cluster roles and their rights on the current database. Run by a superuser; safe to repeat, also by several at once.
-- Nothing here is a member of anything the service can reach: SET ROLE has nowhere to go.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['kg_owner', 'kg_sec', 'kg_app', 'kg_auth', 'kg_integrator', 'kg_auditor', 'kg_migrator'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT %s', r,
        CASE WHEN r IN ('kg_owner', 'kg_sec', 'kg_auditor') THEN 'NOLOGIN' ELSE 'LOGIN' END);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
  BEGIN
    GRANT kg_owner, kg_sec TO kg_migrator;
  EXCEPTION WHEN unique_violation OR internal_error THEN NULL; -- another database of the cluster granted it just now
  END;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO kg_app, kg_auth, kg_integrator, kg_migrator', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO kg_migrator, kg_owner, kg_sec', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO kg_migrator;
GRANT USAGE ON SCHEMA public TO kg_app; -- it reads the schema's version
