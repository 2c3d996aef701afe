-- The schema changes by migrations, and by nothing else. Event triggers need a superuser: run by one, in Keepgate's database, before
-- or after the migrations; safe to repeat. Who disables them is told by the self-check, which asks for them every minute.
DO $$ BEGIN
  IF to_regnamespace('kg_guard') IS NULL THEN
    CREATE SCHEMA kg_guard;
    -- Every change that was let through, and who made it.
    CREATE TABLE kg_guard.change (
      at           timestamptz NOT NULL DEFAULT clock_timestamp(),
      xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
      session_role name NOT NULL,
      command      text NOT NULL,
      what         text
    );
  END IF;
END $$;
REVOKE ALL ON SCHEMA kg_guard FROM PUBLIC;
REVOKE ALL ON kg_guard.change FROM PUBLIC;

-- A migration is a transaction that says so in the table of migrations. Which ones there may be, and in which form, is the
-- binary's to say.
CREATE OR REPLACE FUNCTION kg_guard.must_be_migration() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found bool := false;
BEGIN
  IF to_regclass('public.schema_migrations') IS NOT NULL THEN
    EXECUTE 'SELECT EXISTS (SELECT FROM public.schema_migrations m WHERE m.xmin = pg_current_xact_id()::xid)' INTO found;
  END IF;
  IF NOT found THEN RAISE EXCEPTION 'kg: % of % outside of a migration', NEW.command, NEW.what USING ERRCODE = '42501'; END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION kg_guard.no_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN RAISE EXCEPTION 'kg: % on kg_guard.change is forbidden for everyone', TG_OP USING ERRCODE = '42501'; END $$;

CREATE OR REPLACE FUNCTION kg_guard.is_ours(p_schema text) RETURNS bool LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p_schema IN ('audit', 'sec', 'gate', 'rbac', 'identity', 'keys', 'channels', 'doorway', 'sso') OR EXISTS (
    SELECT FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = p_schema AND r.rolname IN ('kg_owner', 'kg_sec')) $$;
-- The migrator migrates; the integrator makes months through audit.ensure_partitions, whose text a digest holds.
CREATE OR REPLACE FUNCTION kg_guard.judge(p_schema text, p_command text, p_what text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_schema IS NULL OR NOT kg_guard.is_ours(p_schema) THEN RETURN; END IF;
  IF session_user NOT IN ('kg_migrator', 'kg_integrator') THEN
    RAISE EXCEPTION 'kg: % of % by %: the schema changes by migrations only', p_command, p_what, session_user USING ERRCODE = '42501';
  END IF;
  INSERT INTO kg_guard.change (session_role, command, what) VALUES (session_user, p_command, p_what);
END $$;

CREATE OR REPLACE FUNCTION kg_guard.after_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c record; bare text;
BEGIN
  FOR c IN SELECT d.command_tag, d.object_identity, CASE
      WHEN d.schema_name IS NOT NULL THEN d.schema_name
      WHEN d.classid = 'pg_namespace'::regclass THEN d.object_identity
      WHEN d.classid = 'pg_trigger'::regclass THEN (SELECT r.relnamespace::regnamespace::text FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid WHERE t.oid = d.objid)
      WHEN d.classid = 'pg_policy'::regclass THEN (SELECT r.relnamespace::regnamespace::text FROM pg_policy p JOIN pg_class r ON r.oid = p.polrelid WHERE p.oid = d.objid)
      WHEN d.classid = 'pg_rewrite'::regclass THEN (SELECT r.relnamespace::regnamespace::text FROM pg_rewrite w JOIN pg_class r ON r.oid = w.ev_class WHERE w.oid = d.objid)
    END AS home FROM pg_event_trigger_ddl_commands() d LOOP
    PERFORM kg_guard.judge(c.home, c.command_tag, c.object_identity);
  END LOOP;
  -- A statement trigger is not handed on to a partition: whoever attaches one brings the guards along.
  SELECT string_agg(p.oid::regclass || ' lacks ' || t.tgname, ', ') INTO bare
    FROM pg_trigger t JOIN pg_class e ON e.oid = t.tgrelid AND e.relkind = 'p' JOIN pg_inherits i ON i.inhparent = e.oid JOIN pg_class p ON p.oid = i.inhrelid
   WHERE e.relnamespace = to_regnamespace('audit') AND NOT t.tgisinternal AND t.tgenabled = 'A'
     AND NOT EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = p.oid AND o.tgname = t.tgname AND o.tgfoid = t.tgfoid AND o.tgtype = t.tgtype AND o.tgenabled = 'A');
  IF bare IS NOT NULL THEN RAISE EXCEPTION 'kg: %', bare USING ERRCODE = '42501'; END IF;
END $$;
CREATE OR REPLACE FUNCTION kg_guard.after_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c record;
BEGIN
  FOR c IN SELECT d.object_identity, coalesce(d.schema_name, d.address_names[1]) AS home FROM pg_event_trigger_dropped_objects() d WHERE NOT d.is_temporary LOOP
    PERFORM kg_guard.judge(c.home, 'DROP', c.object_identity);
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION kg_guard.must_be_migration(), kg_guard.no_change(), kg_guard.is_ours(text), kg_guard.judge(text, text, text), kg_guard.after_ddl(),
  kg_guard.after_drop() FROM PUBLIC;

-- Made once and never enabled again by itself: one that somebody disabled stays visible.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'kg_guard.change'::regclass AND tgname = 'migration') THEN
    CREATE CONSTRAINT TRIGGER migration AFTER INSERT ON kg_guard.change DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.session_role = 'kg_migrator') EXECUTE FUNCTION kg_guard.must_be_migration();
    CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON kg_guard.change FOR EACH STATEMENT EXECUTE FUNCTION kg_guard.no_change();
    CREATE TRIGGER notruncate BEFORE TRUNCATE ON kg_guard.change FOR EACH STATEMENT EXECUTE FUNCTION kg_guard.no_change();
    ALTER TABLE kg_guard.change ENABLE ALWAYS TRIGGER migration;
    ALTER TABLE kg_guard.change ENABLE ALWAYS TRIGGER nochange;
    ALTER TABLE kg_guard.change ENABLE ALWAYS TRIGGER notruncate;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'kg_ddl') THEN
    CREATE EVENT TRIGGER kg_ddl ON ddl_command_end EXECUTE FUNCTION kg_guard.after_ddl();
    ALTER EVENT TRIGGER kg_ddl ENABLE ALWAYS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'kg_drop') THEN
    CREATE EVENT TRIGGER kg_drop ON sql_drop EXECUTE FUNCTION kg_guard.after_drop();
    ALTER EVENT TRIGGER kg_drop ENABLE ALWAYS;
  END IF;
END $$;
