-- How good the clock is that stamps entries: one row for each node that compares the database's clock with a reference, renewed
-- every minute together with a leaf.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.clock (
  node      uuid PRIMARY KEY,
  at        timestamptz NOT NULL,                                  -- by the clock that is attested
  quality   text NOT NULL CHECK (quality IN ('synced', 'holdover', 'unsynchronised')),
  source    text NOT NULL CHECK (source ~ '^[a-z0-9-]{1,20}$'),
  offset_us bigint NOT NULL,                                       -- the database's clock less the node's
  bound_us  bigint NOT NULL CHECK (bound_us >= 0),                 -- the database's clock is that near to UTC
  step_us   bigint NOT NULL,                                       -- how far it jumped since the attestation before
  CHECK (quality <> 'synced' OR bound_us <= 50000)
);
ALTER TABLE audit.clock ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.clock FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE, UPDATE (at, quality, source, offset_us, bound_us, step_us) ON audit.clock TO kg_sec;
GRANT SELECT ON audit.clock TO kg_integrator, kg_auditor;
CREATE POLICY sec ON audit.clock TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY integrator_r ON audit.clock FOR SELECT TO kg_integrator USING (true);
CREATE POLICY auditor_r ON audit.clock FOR SELECT TO kg_auditor USING (true);

SET LOCAL ROLE kg_sec;
-- What an entry recorded now says about its time. The best word counts: each bounds the same clock. A word from the future or
-- older than three minutes counts for nothing, so a clock that jumps loses its attestation by itself.
CREATE FUNCTION sec.time_quality() RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE best text; t timestamptz := clock_timestamp();
BEGIN
  SELECT c.quality INTO best FROM audit.clock c WHERE c.at > t - interval '3 minutes' AND c.at <= t + interval '5 seconds'
   ORDER BY CASE c.quality WHEN 'synced' THEN 1 WHEN 'holdover' THEN 2 ELSE 3 END LIMIT 1;
  RETURN coalesce(best, 'unattested');
END $$;

-- One node's word, by the platform's own worker. Nodes that have been silent for a day are forgotten; their leaves stay.
CREATE FUNCTION gate.attest_clock(p_node uuid, p_quality text, p_source text, p_offset bigint, p_bound bigint, p_step bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT gate.platform_worker() THEN RAISE EXCEPTION 'kg: out of reach' USING ERRCODE = '42501'; END IF;
  DELETE FROM audit.clock c WHERE c.at < clock_timestamp() - interval '1 day' AND c.node <> p_node;
  INSERT INTO audit.clock AS c (node, at, quality, source, offset_us, bound_us, step_us)
    VALUES (p_node, clock_timestamp(), p_quality, p_source, p_offset, p_bound, p_step)
    ON CONFLICT (node) DO UPDATE SET at = excluded.at, quality = excluded.quality, source = excluded.source,
      offset_us = excluded.offset_us, bound_us = excluded.bound_us, step_us = excluded.step_us;
END $$;
-- The clock to compare with.
CREATE FUNCTION gate.database_time() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT clock_timestamp() $$;
GRANT EXECUTE ON FUNCTION gate.attest_clock(uuid, text, text, bigint, bigint, bigint), gate.database_time() TO kg_app;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.clock FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.clock ENABLE ALWAYS TRIGGER notruncate;
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON audit.clock
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE audit.clock ENABLE ALWAYS TRIGGER audited;
RESET ROLE;
