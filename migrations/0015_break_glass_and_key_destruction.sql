-- What two people do: let an owner in again, and end a data key.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
ALTER TABLE keys.data_key ADD COLUMN destroy_after timestamptz;
ALTER TABLE keys.data_key ADD COLUMN destroy_approval uuid;
ALTER TABLE keys.data_key ADD CONSTRAINT data_key_by_two CHECK ((destroy_after IS NULL) = (destroy_approval IS NULL)) NOT VALID;
ALTER TABLE keys.data_key VALIDATE CONSTRAINT data_key_by_two;
GRANT SELECT (tenant_id, version, created_at, destroy_after, destroy_approval), UPDATE (destroy_after, destroy_approval) ON keys.data_key TO kg_sec;
CREATE POLICY sec_r ON keys.data_key FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_u ON keys.data_key FOR UPDATE TO kg_sec USING (destroy_after IS NULL) WITH CHECK (destroy_after IS NOT NULL);

SET LOCAL ROLE kg_sec;
-- The states of the tenant's keys for its levels 4 and 5; the wrapped keys stay the worker's.
CREATE FUNCTION gate.key_states() RETURNS TABLE (version int, created_at timestamptz, destroy_after timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.version, k.created_at, k.destroy_after FROM keys.data_key k WHERE k.tenant_id = (SELECT gate.tenant(4, 5)) ORDER BY k.version $$;

-- Marks a key for destruction in seven days, for an owner with the consent of a second person. False when there is no such key, or
-- it is marked already.
CREATE FUNCTION gate.condemn_key(p_version int, p_approval uuid) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE home uuid := gate.tenant(5, 5);
BEGIN
  IF home IS NULL OR gate.hat() IS NOT NULL THEN RAISE EXCEPTION 'kg: only an owner ends a key' USING ERRCODE = '42501'; END IF;
  PERFORM sec.demand_fresh(home, NULL);
  PERFORM FROM keys.data_key k WHERE k.tenant_id = home AND k.version = p_version AND k.destroy_after IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM sec.spend(p_approval, 'key.destroy', NULL, NULL, NULL, p_version);
  UPDATE keys.data_key k SET destroy_after = now() + interval '7 days', destroy_approval = p_approval WHERE k.tenant_id = home AND k.version = p_version;
  RETURN true;
END $$;

-- The entry in the log of the tenant that was reached into. Only with a break-glass approval that this transaction has used up.
CREATE FUNCTION gate.tell_tenant(p_tenant uuid, p_id uuid, p_entity text, p_request uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM rbac.approval q WHERE q.tenant_id = gate.tenant(7, 7) AND q.action = 'tenant.break-glass' AND q.target_tenant = p_tenant
      AND gate.subject() IN (q.requested_by, q.approved_by) AND q.consumed_at >= transaction_timestamp()) THEN
    RAISE EXCEPTION 'kg: another tenant''s log' USING ERRCODE = '42501'; END IF;
  INSERT INTO audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
    VALUES (p_tenant, p_id, 'user', gate.subject(), 'tenant.break-glass', p_entity, 'done', p_request, '', '');
END $$;
-- At commit: nobody is let in again behind the tenant's back.
CREATE FUNCTION sec.tenant_is_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM audit.entry e WHERE e.tenant_id = NEW.tenant_id AND e.xid = pg_current_xact_id() AND e.recorded_at >= transaction_timestamp()) THEN
    RAISE EXCEPTION 'kg: the tenant''s own log does not tell it' USING ERRCODE = 'KG002'; END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION gate.key_states(), gate.condemn_key(int, uuid), gate.tell_tenant(uuid, uuid, text, uuid) TO kg_app;
GRANT EXECUTE ON FUNCTION sec.tenant_is_told() TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE CONSTRAINT TRIGGER told AFTER INSERT ON identity.enrolment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.approval_id IS NOT NULL) EXECUTE FUNCTION sec.tenant_is_told();
ALTER TABLE identity.enrolment ENABLE ALWAYS TRIGGER told;
RESET ROLE;
