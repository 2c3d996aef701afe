-- COUNT entries of one tenant's log, two years of them, as the owner of the database writes them past every guard. The leaves are
-- canonical and hashed; tiles, which no search reads, are left out.
ALTER TABLE audit.entry DISABLE TRIGGER ALL;

ALTER TABLE audit.leaf DISABLE TRIGGER ALL;

SET synchronous_commit = off;

SET work_mem = '256MB';

-- Skewed as logs are: the first action is every fourth entry, the first actor every seventh; each hundredth is refused. Entities come
-- about three times each. Planted: action `key.destroy` every 500,000th, actor 9999999 every 2,000,000th, `failed` every 10,000th.
SELECT audit.ensure_partitions((now() - interval '24 months')::date, 24);

CREATE TEMP TABLE word AS SELECT array['message.accept', 'message.read', 'auth.authenticate', 'auth.login', 'message.list', 'attempt.list',
  'user.read', 'auth.logout', 'audit.list', 'apikey.issue', 'route.put', 'user.update', 'password.change', 'template.put', 'webhook.put',
  'user.create', 'recipient.read', 'mfa.list', 'audit.export', 'apikey.revoke'] AS actions;

DO $$
DECLARE n bigint; batch bigint := 250000; t uuid := current_setting('bench.tenant')::uuid; total bigint := current_setting('bench.count')::bigint;
  began timestamptz := date_trunc('month', now()) - interval '23 months'; step interval; words text[];
BEGIN
  step := (now() - began) / total;
  SELECT actions INTO words FROM word;
  INSERT INTO audit.log (tenant_id, origin) VALUES (t, 'bench.example/audit/' || t);
  FOR n IN SELECT generate_series(0, total - 1, batch) LOOP
    WITH entry AS (
      INSERT INTO audit.entry (tenant_id, id, recorded_at, actor_type, actor_id, action, entity, outcome, reason, request_id, leaf, leaf_hash)
      SELECT t, m.id, m.at, 'user', m.actor, m.action, m.entity, m.outcome, m.reason, m.request, l.leaf, sha256('\x00'::bytea || l.leaf)
      FROM (SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid AS id, began + i * step AS at, gen_random_uuid() AS request,
          ('01900000-0000-7000-9000-' || lpad((CASE WHEN i % 2000000 = 77 THEN 9999999 ELSE floor(3000 * power(random(), 4))::int END)::text, 12, '0'))::uuid AS actor,
          CASE WHEN i % 500000 = 333 THEN 'key.destroy' ELSE words[1 + floor(20 * power(random(), 2.2))::int] END AS action,
          'msg_' || lpad(to_hex(floor(random() * greatest(i, 3) / 3)::bigint), 26, '0') AS entity,
          CASE WHEN i % 10000 = 4242 THEN 'failed' WHEN i % 100 = 42 THEN 'refused' ELSE 'done' END AS outcome,
          CASE WHEN i % 10000 = 4242 THEN 'store-unavailable' WHEN i % 100 = 42 THEN 'level-too-low' END AS reason
        FROM generate_series(n, least(n + batch, total) - 1) i OFFSET 0) m,
        LATERAL (SELECT convert_to('{"action":"' || m.action || '","actor":{"id":"' || m.actor || '","type":"user"},"entity":"' || m.entity
          || '","id":"' || m.id || '","outcome":"' || m.outcome || '"' || coalesce(',"reason":"' || m.reason || '"', '')
          || ',"recorded_at":"' || to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","request_id":"' || m.request
          || '","tenant":"' || t || '","time_quality":"unattested","v":1}', 'UTF8') AS leaf OFFSET 0) l
      RETURNING id, recorded_at, actor_id, action, outcome, entity, reason, leaf_hash),
    leaf AS (
      INSERT INTO audit.leaf (tenant_id, idx, entry_id, recorded_at, leaf_hash)
      SELECT t, ('x' || right(id::text, 12))::bit(48)::bigint, id, recorded_at, leaf_hash FROM entry)
    INSERT INTO audit.search (tenant_id, idx, recorded_at, actor_id, actor_type, action, outcome, entity, reason)
    SELECT t, ('x' || right(id::text, 12))::bit(48)::bigint, recorded_at, actor_id, 'user', action, outcome, entity, reason FROM entry;
    COMMIT;
  END LOOP;
  INSERT INTO audit.head (tenant_id, size) VALUES (t, total);
  -- What is shown ends where the newest checkpoint does; nobody here reads its signature.
  INSERT INTO audit.checkpoint (tenant_id, size, root, note) VALUES (t, total, sha256('root'), 'note');
END $$;

VACUUM (ANALYZE) audit.search;

VACUUM (ANALYZE) audit.leaf;

VACUUM (ANALYZE) audit.opening;

ANALYZE audit.entry;
