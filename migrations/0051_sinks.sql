-- Sinks: other systems that a tenant's log is sent on to, in order, from an index on.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.sink (
  tenant_id         uuid NOT NULL REFERENCES rbac.tenant,
  id                uuid NOT NULL,
  name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  format            text NOT NULL CHECK (format IN ('jsonl', 'ocsf')),
  target            jsonb NOT NULL CHECK (jsonb_typeof(target) = 'object' AND target->>'kind' IN ('https', 'syslog', 's3') AND length(target::text) <= 100000),
  batch_size        smallint NOT NULL CHECK (batch_size BETWEEN 1 AND 500),
  max_delay_seconds int NOT NULL CHECK (max_delay_seconds BETWEEN 0 AND 3600),
  paused            bool NOT NULL DEFAULT false,
  created_at        timestamptz NOT NULL,
  -- What is below was taken by the receiver, or is a dead letter.
  next_index        bigint NOT NULL DEFAULT 0 CHECK (next_index >= 0),
  -- The end, exclusive, of what was sent and not answered yet: sent again, it is the same records under the same name.
  batch_end         bigint CHECK (batch_end > next_index),
  state             text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'failing')),
  reason            text CHECK (reason ~ '^[a-z0-9-]{1,80}$'),
  failures          int NOT NULL DEFAULT 0 CHECK (failures >= 0), -- without a success in between
  rejected          int NOT NULL DEFAULT 0 CHECK (rejected >= 0), -- dead letters without a success in between
  next_at           timestamptz NOT NULL DEFAULT now(),
  lease_token       bigint NOT NULL DEFAULT 0 CHECK (lease_token >= 0), -- only grows: the fence against late workers
  lease_until       timestamptz,
  delivered_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name),
  CHECK (state = 'active' OR reason IS NOT NULL)
);
CREATE INDEX sink_next ON audit.sink (next_at) WHERE NOT paused;
CREATE TABLE audit.sink_secret (
  tenant_id uuid NOT NULL,
  sink_id   uuid NOT NULL,
  sealed    bytea NOT NULL CHECK (length(sealed) BETWEEN 1 AND 65536),
  PRIMARY KEY (tenant_id, sink_id),
  FOREIGN KEY (tenant_id, sink_id) REFERENCES audit.sink ON DELETE CASCADE
);
-- Ranges that the receiver refused for good. The records themselves are in the log.
CREATE TABLE audit.sink_dead (
  tenant_id   uuid NOT NULL,
  sink_id     uuid NOT NULL,
  first_index bigint NOT NULL CHECK (first_index >= 0),
  last_index  bigint NOT NULL CHECK (last_index >= first_index AND last_index < first_index + 500),
  reason      text NOT NULL CHECK (reason ~ '^[a-z0-9-]{1,80}$'),
  at          timestamptz NOT NULL,
  retry       bool NOT NULL DEFAULT false, -- somebody wants it sent once more
  PRIMARY KEY (tenant_id, sink_id, first_index),
  FOREIGN KEY (tenant_id, sink_id) REFERENCES audit.sink ON DELETE CASCADE
);
CREATE INDEX sink_retry ON audit.sink_dead (tenant_id, sink_id, first_index) WHERE retry;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['sink', 'sink_secret', 'sink_dead'] LOOP
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;
GRANT SELECT, DELETE, INSERT (tenant_id, id, name, format, target, batch_size, max_delay_seconds, paused, created_at, next_index),
  UPDATE (name, format, target, batch_size, max_delay_seconds, paused, next_index, batch_end, state, reason, failures, rejected, next_at,
    lease_token, lease_until, delivered_at) ON audit.sink TO kg_app;
GRANT SELECT, INSERT, UPDATE (sealed), DELETE ON audit.sink_secret TO kg_app;
GRANT SELECT, INSERT, UPDATE (reason, at, retry), DELETE ON audit.sink_dead TO kg_app;
GRANT SELECT, UPDATE (batch_end, lease_token, lease_until) ON audit.sink TO kg_sec;
GRANT SELECT ON audit.sink_dead, audit.leaf, audit.log, audit.checkpoint TO kg_sec;

-- Read by who reads the log; changed by an owner who has just proved who it is, and moved on by Keepgate's own worker.
CREATE POLICY app_r ON audit.sink FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.worker())));
CREATE POLICY app_i ON audit.sink FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_u ON audit.sink FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()))
  WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_d ON audit.sink FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY worker_u ON audit.sink FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_r ON audit.sink_secret FOR SELECT TO kg_app
  USING (tenant_id = (SELECT gate.worker()) OR (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()) AND (SELECT gate.hat()) IS NULL));
CREATE POLICY app_i ON audit.sink_secret FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_u ON audit.sink_secret FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()))
  WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_d ON audit.sink_secret FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_r ON audit.sink_dead FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.worker())));
CREATE POLICY worker_i ON audit.sink_dead FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY worker_u ON audit.sink_dead FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_u ON audit.sink_dead FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()))
  WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY worker_d ON audit.sink_dead FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY sec_r ON audit.sink FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_u ON audit.sink FOR UPDATE TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY sec_r ON audit.sink_dead FOR SELECT TO kg_sec USING (true);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['leaf', 'log', 'checkpoint'] LOOP
    IF NOT EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'audit' AND p.tablename = t AND p.policyname = 'sec_r') THEN
      EXECUTE format('CREATE POLICY sec_r ON audit.%I FOR SELECT TO kg_sec USING (true)', t);
    END IF;
  END LOOP;
END $$;
SELECT sec.mask_hats(t::regclass) FROM unnest(ARRAY['audit.sink', 'audit.sink_secret', 'audit.sink_dead']) t;

SET LOCAL ROLE kg_sec;
-- How many entries of a log somebody has signed: only those are sent.
CREATE FUNCTION sec.signed_size(p_tenant uuid) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT c.size FROM audit.checkpoint c WHERE c.tenant_id = p_tenant ORDER BY c.size DESC LIMIT 1), 0) $$;
-- Whether there is something to send now: a full batch, one that was begun, or one whose oldest record has waited long enough.
CREATE FUNCTION sec.sink_due(s audit.sink) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT NOT s.paused AND s.next_at <= clock_timestamp() AND (s.lease_until IS NULL OR s.lease_until <= clock_timestamp()) AND (
    s.batch_end IS NOT NULL
    OR EXISTS (SELECT FROM audit.sink_dead d WHERE d.tenant_id = s.tenant_id AND d.sink_id = s.id AND d.retry)
    OR sec.signed_size(s.tenant_id) >= s.next_index + s.batch_size
    OR (sec.signed_size(s.tenant_id) > s.next_index AND (s.max_delay_seconds = 0 OR EXISTS (SELECT FROM audit.leaf l
         WHERE l.tenant_id = s.tenant_id AND l.idx = s.next_index AND l.recorded_at <= clock_timestamp() - make_interval(secs => s.max_delay_seconds))))) $$;
-- Sinks with something to send, and how far each one is behind: for the platform's own worker only.
CREATE FUNCTION gate.due_sinks(p_limit int) RETURNS TABLE (tenant_id uuid, sink_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.tenant_id, s.id FROM audit.sink s JOIN rbac.tenant t ON t.id = s.tenant_id AND t.status = 'active'
   WHERE gate.platform_worker() AND NOT s.paused AND s.next_at <= clock_timestamp() AND sec.sink_due(s)
   ORDER BY s.next_at LIMIT least(greatest(p_limit, 0), 1000) $$;
CREATE FUNCTION gate.sink_lags() RETURNS TABLE (sink_id uuid, state text, paused bool, behind bigint, oldest timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, s.state, s.paused, greatest(sec.signed_size(s.tenant_id) - s.next_index, 0),
      (SELECT l.recorded_at FROM audit.leaf l WHERE l.tenant_id = s.tenant_id AND l.idx = s.next_index)
    FROM audit.sink s JOIN rbac.tenant t ON t.id = s.tenant_id AND t.status = 'active' WHERE gate.platform_worker() LIMIT 10000 $$;

-- Takes a sink for so many seconds, and says which records are next; nothing when there is nothing to do or another has it.
CREATE FUNCTION gate.claim_sink(p_sink uuid, p_seconds int, OUT token bigint, OUT first_index bigint, OUT past_index bigint, OUT dead bool, OUT origin text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s audit.sink; d audit.sink_dead;
BEGIN
  SELECT * INTO s FROM audit.sink x WHERE x.tenant_id = gate.worker() AND x.id = p_sink FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR NOT sec.sink_due(s) THEN RETURN; END IF;
  SELECT * INTO d FROM audit.sink_dead x WHERE x.tenant_id = s.tenant_id AND x.sink_id = s.id AND x.retry ORDER BY x.first_index LIMIT 1;
  dead := FOUND;
  IF dead THEN
    first_index := d.first_index;
    past_index := d.last_index + 1;
  ELSE
    first_index := s.next_index;
    past_index := coalesce(s.batch_end, least(s.next_index + s.batch_size, sec.signed_size(s.tenant_id)));
    s.batch_end := past_index;
  END IF;
  SELECT g.origin INTO origin FROM audit.log g WHERE g.tenant_id = s.tenant_id;
  UPDATE audit.sink x SET batch_end = s.batch_end, lease_token = x.lease_token + 1,
      lease_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 300))
    WHERE x.tenant_id = s.tenant_id AND x.id = s.id RETURNING x.lease_token INTO token;
END $$;
-- The records of a range, for whoever holds the sink: signed ones only. `leaf` is NULL where the entry is gone.
CREATE FUNCTION gate.sink_records(p_sink uuid, p_token bigint, p_first bigint, p_past bigint) RETURNS TABLE (idx bigint, leaf_hash bytea, leaf bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.idx, l.leaf_hash, e.leaf FROM audit.sink s
    JOIN audit.leaf l ON l.tenant_id = s.tenant_id AND l.idx >= p_first AND l.idx < least(p_past, p_first + 500, sec.signed_size(s.tenant_id))
    LEFT JOIN audit.entry e ON e.recorded_at = l.recorded_at AND e.tenant_id = l.tenant_id AND e.id = l.entry_id
   WHERE s.tenant_id = gate.worker() AND s.id = p_sink AND s.lease_token = p_token AND s.lease_until > clock_timestamp()
   ORDER BY l.idx $$;
GRANT EXECUTE ON FUNCTION gate.due_sinks(int), gate.sink_lags(), gate.claim_sink(uuid, int), gate.sink_records(uuid, bigint, bigint, bigint) TO kg_app;

-- The worker moves forward and configures nothing; an owner configures, and moves the place only, never beyond what is signed.
CREATE FUNCTION sec.guard_sink() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.next_index > sec.signed_size(NEW.tenant_id) AND (TG_OP = 'INSERT' OR NEW.next_index <> OLD.next_index) THEN
    RAISE EXCEPTION 'kg: the log does not reach so far' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'INSERT' THEN RETURN NEW; END IF;
  IF NEW.lease_token < OLD.lease_token THEN RAISE EXCEPTION 'kg: a fence only grows' USING ERRCODE = '42501'; END IF;
  IF gate.level() = 0 THEN
    IF (NEW.name, NEW.format, NEW.target, NEW.batch_size, NEW.max_delay_seconds, NEW.paused) IS DISTINCT FROM
       (OLD.name, OLD.format, OLD.target, OLD.batch_size, OLD.max_delay_seconds, OLD.paused) THEN
      RAISE EXCEPTION 'kg: a worker configures no sink' USING ERRCODE = '42501'; END IF;
    IF NEW.next_index < OLD.next_index THEN RAISE EXCEPTION 'kg: a sink only moves forward' USING ERRCODE = '42501'; END IF;
  ELSIF (NEW.state, NEW.reason, NEW.delivered_at) IS DISTINCT FROM (OLD.state, OLD.reason, OLD.delivered_at) THEN
    RAISE EXCEPTION 'kg: how a sink fares is the worker''s to say' USING ERRCODE = '42501';
  ELSIF NEW.lease_token = OLD.lease_token THEN
    RAISE EXCEPTION 'kg: a change ends what is under way' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_sink() TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON audit.sink FOR EACH ROW EXECUTE FUNCTION sec.guard_sink();
ALTER TABLE audit.sink ENABLE ALWAYS TRIGGER guard;
-- Moving on is bookkeeping; stopping, recovering and being configured are not.
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR DELETE OR UPDATE OF name, format, target, batch_size, max_delay_seconds, paused, state ON audit.sink
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE audit.sink ENABLE ALWAYS TRIGGER audited;
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON audit.sink_secret
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE audit.sink_secret ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
