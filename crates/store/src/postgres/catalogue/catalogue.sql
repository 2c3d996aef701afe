-- Everything a wall is made of, one line each: what it is, its name, a digest of what it says. Names and words are the same on
-- every supported server. `part` is the partition a line is about; inside the line it is called *, so that every month looks alike.
WITH
ours AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
  WHERE r.rolname IN ('kg_owner', 'kg_sec')
),
-- Tables, and for a partition its name and its parent's.
rel AS (
  SELECT c.*, o.nspname, r.rolname AS owner, p.relname IS NOT NULL AS is_part,
    CASE WHEN p.relname IS NULL THEN NULL ELSE o.nspname || '.' || c.relname END AS part,
    CASE WHEN p.relname IS NULL THEN o.nspname || '.' || c.relname ELSE pn.nspname || '.' || p.relname || '/*' END AS name
  FROM pg_class c JOIN ours o ON o.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relkind IN ('r', 'p')
  LEFT JOIN pg_class p ON p.oid = i.inhparent LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
),
-- Rights of everybody but the owner, who has them all.
acl AS (
  SELECT 'schema' AS kind, o.oid, 0 AS sub, a.* FROM ours o, aclexplode(coalesce(o.nspacl, acldefault('n', o.nspowner))) a WHERE a.grantee <> o.nspowner
  UNION ALL
  SELECT 'table', r.oid, 0, a.* FROM rel r, aclexplode(coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, r.relowner))) a
  WHERE a.grantee <> r.relowner AND r.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL
  SELECT 'table', r.oid, t.attnum, a.* FROM rel r JOIN pg_attribute t ON t.attrelid = r.oid, aclexplode(t.attacl) a
  UNION ALL
  SELECT 'function', p.oid, 0, a.* FROM pg_proc p JOIN ours o ON o.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  WHERE a.grantee <> p.proowner
),
rights AS (
  SELECT a.kind, a.oid, a.sub, string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'public' ELSE coalesce(g.rolname, a.grantee::text) END
      || ' ' || a.privilege_type || CASE WHEN a.is_grantable THEN ' grantable' ELSE '' END, ', ' ORDER BY
      CASE a.grantee WHEN 0 THEN 'public' ELSE coalesce(g.rolname, a.grantee::text) END
      || ' ' || a.privilege_type || CASE WHEN a.is_grantable THEN ' grantable' ELSE '' END) AS who
  FROM acl a LEFT JOIN pg_roles g ON g.oid = a.grantee GROUP BY 1, 2, 3
),
says (part, kind, name, item, text) AS (
  SELECT NULL, 'schema', o.nspname::text, '', concat_ws('|', r.rolname, a.who) FROM ours o JOIN pg_roles r ON r.oid = o.nspowner
  LEFT JOIN rights a ON a.kind = 'schema' AND a.oid = o.oid
  UNION ALL
  SELECT r.part, 'table', r.name, '', concat_ws('|', CASE WHEN r.is_part THEN 'r' ELSE r.relkind END, r.owner, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity,
    r.relreplident, array_to_string(r.reloptions, ','), (SELECT am.amname FROM pg_am am WHERE am.oid = r.relam), a.who,
    CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END)
  FROM rel r LEFT JOIN rights a ON a.kind = 'table' AND a.oid = r.oid AND a.sub = 0 WHERE r.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL
  SELECT r.part, 'columns of', r.name, t.attname::text, concat_ws('|', format_type(t.atttypid, t.atttypmod), t.attnotnull, t.attidentity, t.attgenerated,
    pg_get_expr(d.adbin, d.adrelid), a.who)
  FROM rel r JOIN pg_attribute t ON t.attrelid = r.oid AND t.attnum > 0 AND NOT t.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = t.attnum
  LEFT JOIN rights a ON a.kind = 'table' AND a.oid = r.oid AND a.sub = t.attnum WHERE r.relkind IN ('r', 'p', 'f')
  UNION ALL
  -- A month's own bounds differ; constraints that it shares with the others don't.
  SELECT r.part, 'constraints of', r.name, CASE WHEN r.is_part THEN '' ELSE c.conname::text END,
    concat_ws('|', pg_get_constraintdef(c.oid), c.convalidated)
  FROM pg_constraint c JOIN rel r ON r.oid = c.conrelid WHERE c.contype IN ('c', 'f', 'p', 'u', 'x')
  UNION ALL
  SELECT r.part, 'indexes of', r.name, CASE WHEN r.is_part THEN '' ELSE i.relname::text END,
    concat_ws('|', CASE WHEN r.is_part THEN regexp_replace(pg_get_indexdef(x.indexrelid), '^.* USING ', '') ELSE pg_get_indexdef(x.indexrelid) END, x.indisvalid, x.indisready, x.indisunique)
  FROM pg_index x JOIN rel r ON r.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
  UNION ALL
  -- The server's own triggers of foreign keys are numbered anew everywhere.
  SELECT r.part, CASE WHEN t.tgisinternal THEN 'foreign key triggers of' ELSE 'trigger' END, r.name || CASE WHEN t.tgisinternal THEN '' ELSE ' ' || t.tgname END,
    CASE WHEN t.tgisinternal THEN coalesce(k.conname::text, '') || ' ' || t.tgfoid::regproc ELSE '' END,
    concat_ws('|', t.tgenabled, CASE WHEN t.tgisinternal THEN t.tgtype::text
      ELSE CASE WHEN r.is_part THEN regexp_replace(pg_get_triggerdef(t.oid), ' ON ' || quote_ident(r.nspname) || '\.' || quote_ident(r.relname) || ' ', ' ON * ')
        ELSE pg_get_triggerdef(t.oid) END END)
  FROM pg_trigger t JOIN rel r ON r.oid = t.tgrelid LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
  UNION ALL
  SELECT r.part, 'rule', r.name || ' ' || w.rulename, '', concat_ws('|', w.ev_enabled, pg_get_ruledef(w.oid))
  FROM pg_rewrite w JOIN rel r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
  UNION ALL
  SELECT r.part, 'policies of', r.name, p.polname::text, concat_ws('|', p.polcmd, p.polpermissive,
    (SELECT string_agg(CASE q WHEN 0 THEN 'public' ELSE coalesce(g.rolname, q::text) END, ',' ORDER BY coalesce(g.rolname, '')) FROM unnest(p.polroles) q LEFT JOIN pg_roles g ON g.oid = q),
    'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy p JOIN rel r ON r.oid = p.polrelid
  UNION ALL
  SELECT NULL, 'function', o.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', '',
    concat_ws('|', r.rolname, l.lanname, p.prokind, p.prosecdef, p.provolatile, p.proparallel, p.proisstrict, p.proleakproof,
      pg_get_function_result(p.oid), pg_get_function_arguments(p.oid), array_to_string(p.proconfig, ','), p.probin, p.prosrc, pg_get_function_sqlbody(p.oid), a.who)
  FROM pg_proc p JOIN ours o ON o.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner JOIN pg_language l ON l.oid = p.prolang
  LEFT JOIN rights a ON a.kind = 'function' AND a.oid = p.oid
  UNION ALL
  -- What the walls call, and what could stand before it.
  SELECT NULL, 'system function', 'pg_catalog.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', '', concat_ws('|', l.lanname, p.prosrc, p.prosecdef)
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND (p.oid < 16384 AND p.proname = ANY (ARRAY['sha256', 'now', 'clock_timestamp', 'transaction_timestamp',
      'pg_current_xact_id', 'pg_backend_pid', 'encode', 'decode', 'convert_to', 'current_setting', 'set_config', 'gen_random_uuid', 'uuid_send', 'timestamptz_send'])
    OR p.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'))
  UNION ALL
  SELECT NULL, 'operator', o.nspname || '.' || p.oprname || '(' || format_type(p.oprleft, NULL) || ',' || format_type(p.oprright, NULL) || ')', '', p.oprcode::text
  FROM pg_operator p JOIN ours o ON o.oid = p.oprnamespace
  UNION ALL
  SELECT NULL, 'type', o.nspname || '.' || t.typname, '', concat_ws('|', t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
    (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
  FROM pg_type t JOIN ours o ON o.oid = t.typnamespace WHERE t.typtype IN ('d', 'e', 'r')
  UNION ALL
  SELECT NULL, 'default rights', r.rolname || ' ' || d.defaclobjtype::text || coalesce(' in ' || n.nspname, ''), '',
    (SELECT string_agg(CASE x.grantee WHEN 0 THEN 'public' ELSE coalesce(g.rolname, '?') END || ' ' || x.privilege_type, ', ' ORDER BY 1)
       FROM (SELECT a.* FROM aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole) x LEFT JOIN pg_roles g ON g.oid = x.grantee)
  FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE r.rolname LIKE 'kg\_%' OR n.oid IN (SELECT oid FROM ours)
  UNION ALL
  SELECT NULL, 'role', r.rolname::text, '', concat_ws('|', r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolinherit, r.rolcanlogin)
  FROM pg_roles r WHERE r.rolname IN ('kg_owner', 'kg_sec', 'kg_app', 'kg_auth', 'kg_integrator', 'kg_auditor', 'kg_migrator')
  UNION ALL
  -- Who makes roles on a managed server is made their member, without a right to use it (PostgreSQL 16): superusers and that are no breach.
  SELECT NULL, 'membership', m.rolname || ' in ' || g.rolname, '', NULL
  FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
  WHERE NOT m.rolsuper AND (m.rolname LIKE 'kg\_%' OR g.rolname IN ('kg_owner', 'kg_sec', 'kg_app', 'kg_auth', 'kg_integrator', 'kg_migrator'))
    AND coalesce((to_jsonb(a) ->> 'set_option')::bool, true)
  UNION ALL
  -- Settings that take a wall's ground away.
  SELECT NULL, 'setting', coalesce(r.rolname, 'everybody') || ' ' || split_part(c, '=', 1), '', c
  FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
  WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) AND (s.setrole = 0 OR r.rolname LIKE 'kg\_%')
    AND (split_part(c, '=', 1) IN ('session_replication_role', 'search_path', 'row_security', 'role', 'session_authorization', 'session_preload_libraries',
      'local_preload_libraries', 'allow_system_table_mods', 'ignore_checksum_failure', 'zero_damaged_pages', 'event_triggers', 'synchronous_commit')
      OR split_part(c, '=', 1) LIKE 'kg.%')
  UNION ALL
  SELECT NULL, 'setting', 'this connection session_replication_role', '', current_setting('session_replication_role') WHERE current_setting('session_replication_role') <> 'origin'
  UNION ALL
  SELECT NULL, 'right to a setting', p.parname || ' ' || CASE a.grantee WHEN 0 THEN 'public' ELSE coalesce(g.rolname, '?') END, a.privilege_type, NULL
  FROM pg_parameter_acl p, aclexplode(p.paracl) a LEFT JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee = 0 OR NOT coalesce(g.rolsuper, false)
  UNION ALL
  SELECT NULL, 'subscription', r.name, '', NULL FROM pg_subscription_rel s JOIN rel r ON r.oid = s.srrelid
  UNION ALL
  SELECT NULL, 'security label', r.name, '', l.provider || ' ' || l.label FROM pg_seclabel l JOIN rel r ON r.oid = l.objoid AND l.classoid = 'pg_class'::regclass
  UNION ALL
  SELECT NULL, 'event trigger', e.evtname::text, '', concat_ws('|', e.evtevent, e.evtenabled, n.nspname || '.' || f.proname, array_to_string(e.evttags, ','))
  FROM pg_event_trigger e JOIN pg_proc f ON f.oid = e.evtfoid JOIN pg_namespace n ON n.oid = f.pronamespace WHERE e.evtname LIKE 'kg\_%'
  UNION ALL
  SELECT NULL, 'guard', n.nspname || '.' || p.proname, '', concat_ws('|', r.rolsuper, p.prosecdef, array_to_string(p.proconfig, ','), p.prosrc)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner WHERE n.nspname = 'kg_guard'
  UNION ALL
  SELECT NULL, 'guard', 'kg_guard.' || c.relname, t.tgname::text, concat_ws('|', t.tgenabled, pg_get_triggerdef(t.oid))
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'kg_guard'
)
SELECT part, kind || ' ' || name || ' ' || encode(substr(sha256(convert_to(
  string_agg(concat_ws('=', item, text), chr(10) ORDER BY concat_ws('=', item, text) COLLATE "C"), 'UTF8')), 1, 8), 'hex') AS line
FROM (SELECT DISTINCT * FROM says) one GROUP BY part, kind, name ORDER BY part COLLATE "C" NULLS FIRST, (kind || ' ' || name) COLLATE "C"
