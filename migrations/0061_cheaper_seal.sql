-- Sealing is in the way of every operation: what it called for each entry stands in its body now, and costs half. The leaf is
-- the same to the byte.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
CREATE OR REPLACE FUNCTION sec.seal_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t timestamptz := clock_timestamp(); best text;
BEGIN
  IF abs(extract(epoch FROM t - NEW.recorded_at)) > 5 THEN RAISE EXCEPTION 'kg: an entry is recorded now, not then' USING ERRCODE = '42501'; END IF;
  NEW.xid := pg_current_xact_id();
  -- The best word of any node that is not older than three minutes.
  SELECT c.quality INTO best FROM audit.clock c WHERE c.at > t - interval '3 minutes' AND c.at <= t + interval '5 seconds'
   ORDER BY CASE c.quality WHEN 'synced' THEN 1 WHEN 'holdover' THEN 2 ELSE 3 END LIMIT 1;
  NEW.time_quality := coalesce(best, 'unattested');
  NEW.leaf := convert_to('{"action":' || to_json(NEW.action)::text
    || ',"actor":{"id":"' || NEW.actor_id || '","type":' || to_json(NEW.actor_type)::text || '}'
    || coalesce(',"c":{"source":"' || encode(NEW.source_c, 'hex') || '"}', '')
    || ',"entity":' || to_json(NEW.entity)::text
    || ',"id":"' || NEW.id || '"'
    || coalesce(',"occurred_at":"' || to_char(NEW.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', '')
    || ',"outcome":' || to_json(NEW.outcome)::text
    || coalesce(',"reason":' || to_json(NEW.reason)::text, '')
    || ',"recorded_at":"' || to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"request_id":"' || NEW.request_id || '"'
    || ',"tenant":"' || NEW.tenant_id || '"'
    || ',"time_quality":' || to_json(NEW.time_quality)::text
    || ',"v":2}', 'UTF8');
  NEW.leaf_hash := sha256('\x00'::bytea || NEW.leaf);
  RETURN NEW;
END $$;
DROP FUNCTION sec.time_quality();
DROP FUNCTION sec.jstr(text);
RESET ROLE;
