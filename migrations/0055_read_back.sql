-- Five walls as PostgreSQL itself reads them back: what a dump restores is then the same to the letter as what migrations make.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT c.conrelid::regclass AS t, c.conname AS n, pg_get_constraintdef(c.oid) AS d FROM pg_constraint c
           WHERE c.contype = 'c' AND c.conrelid IN ('audit.log'::regclass, 'audit.meta_log'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', r.t, r.n, r.n, r.d);
  END LOOP;
  FOR r IN SELECT p.polrelid::regclass AS t, p.polname AS n, pg_get_expr(p.polqual, p.polrelid) AS q, pg_get_expr(p.polwithcheck, p.polrelid) AS w
           FROM pg_policy p WHERE p.polrelid = 'rbac.unit'::regclass LOOP
    EXECUTE format('ALTER POLICY %I ON %s', r.n, r.t) || coalesce(' USING (' || r.q || ')', '') || coalesce(' WITH CHECK (' || r.w || ')', '');
  END LOOP;
  FOR r IN SELECT g.tgrelid::regclass AS t, g.tgname AS n, pg_get_triggerdef(g.oid) AS d FROM pg_trigger g
           WHERE g.tgname = 'revoke' AND g.tgrelid IN ('identity.api_key'::regclass, 'rbac.role_assignment'::regclass) LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', r.n, r.t);
    EXECUTE r.d;
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', r.t, r.n);
  END LOOP;
END $$;
RESET ROLE;
