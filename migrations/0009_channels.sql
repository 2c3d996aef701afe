-- Recipients, routes, webhooks, messages, and how far each message has come.
SET LOCAL ROLE kg_owner;
CREATE TABLE channels.recipient (
  tenant_id   uuid NOT NULL REFERENCES rbac.tenant,
  id          uuid NOT NULL,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  contacts    jsonb NOT NULL CHECK (jsonb_typeof(contacts) = 'array' AND jsonb_array_length(contacts) BETWEEN 1 AND 20),
  quiet_hours jsonb CHECK (jsonb_typeof(quiet_hours) = 'object'),
  locale      text CHECK (locale ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE TABLE channels.route (
  tenant_id        uuid NOT NULL REFERENCES rbac.tenant,
  name             text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  id               uuid NOT NULL, -- this version of it
  steps            jsonb NOT NULL CHECK (jsonb_typeof(steps) = 'array' AND jsonb_array_length(steps) BETWEEN 1 AND 10),
  require_ack      bool NOT NULL,
  deadline_seconds int NOT NULL CHECK (deadline_seconds BETWEEN 1 AND 604800),
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, name)
);
CREATE TABLE channels.webhook (
  tenant_id  uuid NOT NULL REFERENCES rbac.tenant,
  id         uuid NOT NULL,
  url        text NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
  events     text[] NOT NULL CHECK (cardinality(events) <= 20),
  secret     bytea NOT NULL CHECK (length(secret) BETWEEN 1 AND 1024), -- sealed
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, url)
);

-- What was accepted: never changed, never deleted. Payload and text are sealed; route and contacts are as they were then.
CREATE TABLE channels.message (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  id           uuid NOT NULL,
  accepted_at  timestamptz NOT NULL,
  sender_kind  text NOT NULL CHECK (sender_kind IN ('user', 'device', 'service')),
  sender_id    uuid NOT NULL,
  unit_id      uuid,
  recipient_id uuid, -- no foreign key: a recipient can be deleted, its messages stay
  contacts     jsonb NOT NULL CHECK (jsonb_typeof(contacts) = 'array' AND jsonb_array_length(contacts) BETWEEN 1 AND 20),
  addressees   uuid[] NOT NULL CHECK (cardinality(addressees) <= 20),
  route        jsonb NOT NULL CHECK (jsonb_typeof(route) = 'object'),
  payload      bytea NOT NULL CHECK (length(payload) BETWEEN 1 AND 263168),
  text         bytea CHECK (length(text) BETWEEN 1 AND 7424),
  content_type text NOT NULL CHECK (length(content_type) BETWEEN 3 AND 100),
  priority     text NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  require_ack  bool NOT NULL,
  deadline     timestamptz NOT NULL CHECK (deadline > accepted_at AND deadline <= accepted_at + interval '7 days'),
  locale       text,
  replay_of    uuid,
  PRIMARY KEY (tenant_id, id)
);
ALTER TABLE channels.message ALTER COLUMN payload SET STORAGE EXTERNAL; -- sealed bytes don't compress
CREATE INDEX message_time ON channels.message (tenant_id, accepted_at DESC, id DESC);
CREATE INDEX message_recipient ON channels.message (tenant_id, recipient_id, accepted_at DESC, id DESC) WHERE recipient_id IS NOT NULL;

-- The delivery of a message. `due_at` is the state machine's timer; `wake_at` is when a worker may take it, which is later
-- while one holds a lease, and NULL when nothing is left to do. `lease_token` only grows: the fence against late workers.
CREATE TABLE channels.delivery (
  tenant_id   uuid NOT NULL,
  message_id  uuid NOT NULL,
  status      text NOT NULL DEFAULT 'accepted'
    CHECK (status IN ('accepted', 'delivering', 'delivered', 'acknowledged', 'failed', 'cancelled', 'expired')),
  step        smallint NOT NULL DEFAULT 0 CHECK (step BETWEEN 0 AND 9),
  target      smallint NOT NULL DEFAULT 0 CHECK (target BETWEEN 0 AND 19),
  tries       smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
  due_at      timestamptz NOT NULL,
  wake_at     timestamptz,
  lease_owner text CHECK (length(lease_owner) BETWEEN 1 AND 100),
  lease_token bigint NOT NULL DEFAULT 0 CHECK (lease_token >= 0),
  lease_until timestamptz,
  acked_at    timestamptz,
  acked_kind  text CHECK (acked_kind IN ('user', 'device', 'service', 'attempt')),
  acked_by    uuid, -- a principal, or the attempt whose recipient pressed 1
  ack_note    bytea CHECK (length(ack_note) BETWEEN 1 AND 5120), -- sealed
  ended_at    timestamptz,
  PRIMARY KEY (tenant_id, message_id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES channels.message,
  CHECK ((status = 'acknowledged') = (acked_at IS NOT NULL)),
  CHECK ((acked_at IS NULL) = (acked_kind IS NULL) AND (acked_at IS NULL) = (acked_by IS NULL)),
  CHECK ((status IN ('accepted', 'delivering')) = (ended_at IS NULL)),
  CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
);
CREATE INDEX delivery_wake ON channels.delivery (tenant_id, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX delivery_wake_all ON channels.delivery (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX delivery_status ON channels.delivery (tenant_id, status, message_id DESC);

-- One try on one channel through one provider. `live`: the try its delivery waits for; at most one.
CREATE TABLE channels.attempt (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  message_id   uuid NOT NULL,
  step         smallint NOT NULL CHECK (step BETWEEN 0 AND 9),
  target       smallint NOT NULL CHECK (target BETWEEN 0 AND 19),
  try          smallint NOT NULL CHECK (try BETWEEN 1 AND 100),
  channel      text NOT NULL CHECK (channel IN ('internet', 'sms', 'voice', 'email')),
  provider     text CHECK (provider ~ '^[a-z0-9_-]{1,63}$'),
  idempotent   bool NOT NULL,
  state        text NOT NULL CHECK (state IN ('intent', 'accepted', 'refused', 'unknown', 'delivered', 'undelivered')),
  live         bool NOT NULL CHECK (NOT live OR state NOT IN ('refused', 'undelivered')),
  reason       text CHECK (reason ~ '^[a-z0-9-]{1,80}$'),
  provider_ref text CHECK (length(provider_ref) BETWEEN 1 AND 200),
  sends        smallint NOT NULL CHECK (sends >= 0),
  lease_token  bigint NOT NULL,
  at           timestamptz NOT NULL,
  ends_at      timestamptz NOT NULL,
  settled_at   timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, message_id, step, try),
  FOREIGN KEY (tenant_id, message_id) REFERENCES channels.delivery,
  CHECK (state <> 'refused' OR reason IS NOT NULL),
  CHECK (sends <= 1 OR idempotent) -- what a provider may have taken is never sent again, unless it knows our key
);
CREATE UNIQUE INDEX attempt_live ON channels.attempt (tenant_id, message_id) WHERE live;
CREATE INDEX attempt_id ON channels.attempt (id);

-- What providers reported, once for each event; kept until the attempt's own answer is known.
CREATE TABLE channels.callback (
  tenant_id   uuid NOT NULL,
  attempt_id  uuid NOT NULL,
  event       text NOT NULL CHECK (length(event) BETWEEN 1 AND 200),
  stage       text NOT NULL CHECK (stage IN ('queued', 'sent', 'delivered', 'undelivered', 'other')),
  class       text CHECK (class IN ('retry', 'target', 'step')),
  reason      text CHECK (reason ~ '^[a-z0-9-]{1,80}$'),
  received_at timestamptz NOT NULL,
  parked      bool NOT NULL,
  PRIMARY KEY (tenant_id, attempt_id, event),
  FOREIGN KEY (tenant_id, attempt_id) REFERENCES channels.attempt
);

-- What the stream of a principal holds, numbered without gaps.
CREATE TABLE channels.stream (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  principal_id uuid NOT NULL,
  last_seq     bigint NOT NULL CHECK (last_seq > 0),
  PRIMARY KEY (tenant_id, principal_id)
);
CREATE TABLE channels.stream_event (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  seq          bigint NOT NULL CHECK (seq > 0),
  message_id   uuid NOT NULL,
  attempt_id   uuid NOT NULL,
  at           timestamptz NOT NULL,
  handed_at    timestamptz, -- to a connection, the first time
  PRIMARY KEY (tenant_id, principal_id, seq),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES channels.stream,
  FOREIGN KEY (tenant_id, attempt_id) REFERENCES channels.attempt
);
CREATE INDEX stream_unhanded ON channels.stream_event (tenant_id, principal_id, seq) WHERE handed_at IS NULL;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['recipient', 'route', 'webhook', 'message', 'delivery', 'attempt', 'callback', 'stream', 'stream_event'] LOOP
    EXECUTE format('ALTER TABLE channels.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE channels.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;

GRANT SELECT, DELETE, INSERT, UPDATE (name, contacts, quiet_hours, locale) ON channels.recipient TO kg_app;
GRANT SELECT, DELETE, INSERT, UPDATE (id, steps, require_ack, deadline_seconds, updated_at) ON channels.route TO kg_app;
GRANT SELECT, DELETE, INSERT ON channels.webhook TO kg_app;
GRANT SELECT, INSERT ON channels.message TO kg_app;
GRANT SELECT, INSERT (tenant_id, message_id, due_at, wake_at), UPDATE (status, step, target, tries, due_at, wake_at, lease_owner, lease_token,
  lease_until, acked_at, acked_kind, acked_by, ack_note, ended_at) ON channels.delivery TO kg_app;
GRANT SELECT, INSERT, UPDATE (state, live, reason, provider_ref, sends, lease_token, ends_at, settled_at) ON channels.attempt TO kg_app;
GRANT SELECT, INSERT, UPDATE (parked) ON channels.callback TO kg_app;
GRANT SELECT, INSERT, UPDATE (last_seq) ON channels.stream TO kg_app;
GRANT SELECT, INSERT, UPDATE (handed_at) ON channels.stream_event TO kg_app;
GRANT SELECT (tenant_id, message_id, status, lease_token, wake_at), UPDATE (lease_token) ON channels.delivery TO kg_sec;
GRANT SELECT (tenant_id, id) ON channels.attempt TO kg_sec;

CREATE POLICY app_r ON channels.recipient FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(1, 5)));
CREATE POLICY app_i ON channels.recipient FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(2, 5)));
CREATE POLICY app_u ON channels.recipient FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(2, 5))) WITH CHECK (tenant_id = (SELECT gate.tenant(2, 5)));
CREATE POLICY app_d ON channels.recipient FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(2, 5)));
CREATE POLICY app_r ON channels.route FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(1, 5)));
CREATE POLICY app_i ON channels.route FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_u ON channels.route FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5))) WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_d ON channels.route FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_r ON channels.webhook FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(0, 5)));
CREATE POLICY app_i ON channels.webhook FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)));
CREATE POLICY app_d ON channels.webhook FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5)));

-- The caller's unit is read where gate.enter reads it: its own assignment, one row, once for each statement.
-- Level 1: what it sent or what is addressed to it. Level 2: its unit's as well. Levels 3 to 5, and the worker: the tenant's.
CREATE POLICY app_r ON channels.message FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(0, 5)) AND (
  (SELECT gate.level()) IN (0, 3, 4, 5) OR sender_id = (SELECT gate.subject()) OR (SELECT gate.subject()) = ANY (addressees)
  OR ((SELECT gate.level()) = 2 AND unit_id = (SELECT r.unit_id FROM rbac.role_assignment r WHERE r.tenant_id = (SELECT gate.tenant(1, 5)) AND r.principal_id = (SELECT gate.subject())))));
CREATE POLICY app_i ON channels.message FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(1, 5))
  AND sender_id = (SELECT gate.subject()) AND unit_id IS NOT DISTINCT FROM (SELECT r.unit_id FROM rbac.role_assignment r WHERE r.tenant_id = (SELECT gate.tenant(1, 5)) AND r.principal_id = (SELECT gate.subject())));

-- The journey is seen by whoever sees the message.
CREATE POLICY app_r ON channels.delivery FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker()) OR (tenant_id = (SELECT gate.tenant(1, 5))
  AND EXISTS (SELECT FROM channels.message m WHERE m.tenant_id = delivery.tenant_id AND m.id = delivery.message_id)));
CREATE POLICY app_i ON channels.delivery FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(1, 5))
  AND EXISTS (SELECT FROM channels.message m WHERE m.tenant_id = delivery.tenant_id AND m.id = delivery.message_id AND m.sender_id = (SELECT gate.subject())));
CREATE POLICY worker_u ON channels.delivery FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
-- People end a delivery and do nothing else to it: an addressed principal or the desk acknowledges, the desk cancels.
CREATE POLICY people_u ON channels.delivery FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(1, 5))
    AND EXISTS (SELECT FROM channels.message m WHERE m.tenant_id = delivery.tenant_id AND m.id = delivery.message_id))
  WITH CHECK (tenant_id = (SELECT gate.tenant(1, 5))
    AND ((status = 'acknowledged' AND acked_by = (SELECT gate.subject()) AND ((SELECT gate.level()) >= 2
          OR EXISTS (SELECT FROM channels.message m WHERE m.tenant_id = delivery.tenant_id AND m.id = delivery.message_id AND (SELECT gate.subject()) = ANY (m.addressees))))
      OR (status = 'cancelled' AND (SELECT gate.level()) >= 2)));

CREATE POLICY app_r ON channels.attempt FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker()) OR (tenant_id = (SELECT gate.tenant(1, 5))
  AND EXISTS (SELECT FROM channels.message m WHERE m.tenant_id = attempt.tenant_id AND m.id = attempt.message_id)));
CREATE POLICY app_i ON channels.attempt FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_u ON channels.attempt FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app ON channels.callback TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));

CREATE POLICY app_r ON channels.stream FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker())
  OR (tenant_id = (SELECT gate.tenant(1, 5)) AND principal_id = (SELECT gate.subject())));
CREATE POLICY app_i ON channels.stream FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_u ON channels.stream FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_r ON channels.stream_event FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.worker())
  OR (tenant_id = (SELECT gate.tenant(1, 5)) AND principal_id = (SELECT gate.subject())));
CREATE POLICY app_i ON channels.stream_event FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_u ON channels.stream_event FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));

-- kg_sec sees when work is due and whose, which attempt is whose, and what the guard of attempts compares. No content.
CREATE POLICY sec_r ON channels.delivery FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_l ON channels.delivery FOR UPDATE TO kg_sec USING (true) WITH CHECK (false); -- may lock, may not write
CREATE POLICY sec_r ON channels.attempt FOR SELECT TO kg_sec USING (true);

SET LOCAL ROLE kg_sec;
-- Tenants with due work, the longest waiting first; for the platform's own worker only, as below.
CREATE FUNCTION gate.due_tenants(p_limit int) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.tenant_id FROM channels.delivery d WHERE gate.platform_worker() AND d.wake_at <= clock_timestamp()
  GROUP BY d.tenant_id ORDER BY min(d.wake_at) LIMIT least(greatest(p_limit, 0), 1000) $$;
CREATE FUNCTION gate.next_due() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT min(d.wake_at) FROM channels.delivery d WHERE gate.platform_worker() $$;
CREATE FUNCTION gate.home_of_attempt(p_attempt uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.tenant_id FROM channels.attempt a WHERE gate.platform_worker() AND a.id = p_attempt $$;
GRANT EXECUTE ON FUNCTION gate.due_tenants(int), gate.next_due(), gate.home_of_attempt(uuid) TO kg_app;

-- An end is an end, and nothing goes backwards, whoever writes.
CREATE FUNCTION sec.guard_delivery() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.status NOT IN ('accepted', 'delivering') AND (NEW.status, NEW.acked_at, NEW.acked_by, NEW.ended_at, NEW.step, NEW.target, NEW.tries)
      IS DISTINCT FROM (OLD.status, OLD.acked_at, OLD.acked_by, OLD.ended_at, OLD.step, OLD.target, OLD.tries) THEN
    RAISE EXCEPTION 'kg: an ended delivery stays as it is' USING ERRCODE = '42501'; END IF;
  IF (NEW.step, NEW.target, NEW.tries) < (OLD.step, OLD.target, OLD.tries) OR NEW.lease_token < OLD.lease_token
      OR (NEW.status = 'accepted' AND OLD.status <> 'accepted') THEN
    RAISE EXCEPTION 'kg: a delivery only moves forward' USING ERRCODE = '42501'; END IF;
  IF gate.level() <> 0 AND (NEW.step, NEW.target, NEW.tries, NEW.lease_token) IS DISTINCT FROM (OLD.step, OLD.target, OLD.tries, OLD.lease_token) THEN
    RAISE EXCEPTION 'kg: only the worker moves a delivery' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- No try begins after the end of its delivery, nor for a worker whose lease another one has taken over.
CREATE FUNCTION sec.guard_attempt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE d record;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.state <> NEW.state AND NOT (
        (OLD.state = 'intent' AND NEW.state IN ('accepted', 'refused', 'unknown', 'delivered', 'undelivered'))
        OR (OLD.state = 'unknown' AND NEW.state IN ('intent', 'accepted', 'delivered', 'undelivered'))
        OR (OLD.state = 'accepted' AND NEW.state IN ('delivered', 'undelivered'))) THEN
      RAISE EXCEPTION 'kg: an attempt does not go from % to %', OLD.state, NEW.state USING ERRCODE = '42501'; END IF;
    IF NEW.live AND NOT OLD.live THEN RAISE EXCEPTION 'kg: a superseded attempt stays so' USING ERRCODE = '42501'; END IF;
    IF NEW.sends < OLD.sends OR (NEW.state = 'intent' AND OLD.state = 'unknown' AND NEW.sends = OLD.sends) THEN
      RAISE EXCEPTION 'kg: a send is counted' USING ERRCODE = '42501'; END IF;
    IF NEW.sends > 1 AND NOT NEW.idempotent THEN RAISE EXCEPTION 'kg: what may have been taken is not sent again' USING ERRCODE = '42501'; END IF;
  END IF;
  IF TG_OP = 'INSERT' OR (NEW.state = 'intent' AND OLD.state <> 'intent') THEN
    SELECT x.status, x.lease_token INTO d FROM channels.delivery x WHERE x.tenant_id = NEW.tenant_id AND x.message_id = NEW.message_id FOR SHARE;
    IF NOT FOUND OR d.status NOT IN ('accepted', 'delivering') THEN
      RAISE EXCEPTION 'kg: the delivery has ended' USING ERRCODE = '42501'; END IF;
    IF d.lease_token <> NEW.lease_token THEN RAISE EXCEPTION 'kg: the lease is lost' USING ERRCODE = '40001'; END IF;
  END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_delivery(), sec.guard_attempt() TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE UPDATE ON channels.delivery FOR EACH ROW EXECUTE FUNCTION sec.guard_delivery();
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON channels.attempt FOR EACH ROW EXECUTE FUNCTION sec.guard_attempt();
CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON channels.message FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON channels.message FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE channels.delivery ENABLE ALWAYS TRIGGER guard;
ALTER TABLE channels.attempt ENABLE ALWAYS TRIGGER guard;
ALTER TABLE channels.message ENABLE ALWAYS TRIGGER nochange;
ALTER TABLE channels.message ENABLE ALWAYS TRIGGER notruncate;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['recipient', 'route', 'webhook', 'message', 'attempt'] LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON channels.%I
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()', t);
    EXECUTE format('ALTER TABLE channels.%I ENABLE ALWAYS TRIGGER audited', t);
  END LOOP;
END $$;
-- Leases are bookkeeping; where a delivery stands is not.
CREATE CONSTRAINT TRIGGER audited AFTER UPDATE OF status, step, target, tries ON channels.delivery
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE channels.delivery ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
