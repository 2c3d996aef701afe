-- Searching ten million entries: what searches ask for, by index. Filled where a leaf gets its index, so appending pays nothing for it.
-- Derived and no evidence: what a search shows is read from the entries themselves.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.search (
  tenant_id   uuid NOT NULL,
  idx         bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  actor_id    uuid NOT NULL,
  actor_type  text NOT NULL,
  action      text NOT NULL,
  outcome     text NOT NULL,
  entity      text NOT NULL,
  reason      text,
  PRIMARY KEY (tenant_id, idx)
);
CREATE INDEX search_actor ON audit.search (tenant_id, actor_id, idx);
CREATE INDEX search_action ON audit.search (tenant_id, action, idx);
CREATE INDEX search_entity ON audit.search (tenant_id, entity, idx);
CREATE INDEX search_outcome ON audit.search (tenant_id, outcome, idx) WHERE outcome <> 'done';
ALTER TABLE audit.search ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.search FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON audit.search TO kg_sec;
GRANT SELECT ON audit.search TO kg_app, kg_auditor;
GRANT SELECT ON audit.leaf TO kg_sec;
CREATE POLICY sec ON audit.search TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY sec_r ON audit.leaf FOR SELECT TO kg_sec USING (true);
CREATE POLICY app_r ON audit.search FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY auditor_r ON audit.search FOR SELECT TO kg_auditor USING (true);
CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.search FOR EACH ROW EXECUTE FUNCTION sec.deny();
CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.search FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.search ENABLE ALWAYS TRIGGER nochange;
ALTER TABLE audit.search ENABLE ALWAYS TRIGGER notruncate;
-- Nothing but the old search used it, and every append paid for it.
-- squawk-ignore require-concurrent-index-deletion -- of a partitioned table, where that is impossible
DROP INDEX audit.entry_entity;

SET LOCAL ROLE kg_sec;
-- One look-up by key for each leaf, whatever the planner thinks of a table that has just been filled.
CREATE FUNCTION sec.index_leaves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO audit.search (tenant_id, idx, recorded_at, actor_id, actor_type, action, outcome, entity, reason)
    SELECT n.tenant_id, n.idx, n.recorded_at, e.actor_id, e.actor_type, e.action, e.outcome, e.entity, e.reason
      FROM fresh n JOIN audit.entry e ON e.recorded_at = n.recorded_at AND e.tenant_id = n.tenant_id AND e.id = n.entry_id;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION sec.index_leaves() TO kg_owner;
INSERT INTO audit.search (tenant_id, idx, recorded_at, actor_id, actor_type, action, outcome, entity, reason)
  SELECT l.tenant_id, l.idx, l.recorded_at, e.actor_id, e.actor_type, e.action, e.outcome, e.entity, e.reason
    FROM audit.leaf l JOIN audit.entry e ON e.recorded_at = l.recorded_at AND e.tenant_id = l.tenant_id AND e.id = l.entry_id;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER searchable AFTER INSERT ON audit.leaf REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION sec.index_leaves();
ALTER TABLE audit.leaf ENABLE ALWAYS TRIGGER searchable;

-- Where in a log an instant lies: the entry before the answer is older, the one at it is not. Leaves stand in the order of their
-- times but for the length of a transaction, so both ends of a search by time are found in some twenty steps.
CREATE FUNCTION audit.place_of(p_tenant uuid, p_size bigint, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE lo bigint := -1; hi bigint := p_size; mid bigint; at timestamptz;
BEGIN
  WHILE hi - lo > 1 LOOP
    mid := lo + (hi - lo) / 2;
    SELECT l.recorded_at INTO at FROM audit.leaf l WHERE l.tenant_id = p_tenant AND l.idx = mid;
    IF at < p_at THEN lo := mid; ELSE hi := mid; END IF;
  END LOOP;
  RETURN hi;
END $$;
REVOKE ALL ON FUNCTION audit.place_of(uuid, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.place_of(uuid, bigint, timestamptz) TO kg_app;
RESET ROLE;
