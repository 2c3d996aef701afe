-- As in 0018, and a log-in that waits for its second factor ends with the password that began it.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_sec;
CREATE OR REPLACE FUNCTION gate.renew_password(p_present bytea, p_new text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF gate.tenant(1, 7) IS NULL OR (gate.ctx())[2] IS DISTINCT FROM 'ses' THEN RAISE EXCEPTION 'kg: a session changes its own password' USING ERRCODE = '42501'; END IF;
  UPDATE identity.password w SET phc = p_new, changed_at = now()
   WHERE w.tenant_id = gate.tenant(1, 7) AND w.principal_id = gate.subject() AND sha256(convert_to(w.phc, 'UTF8')) = p_present;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM identity.mfa_challenge WHERE tenant_id = gate.tenant(1, 7) AND principal_id = gate.subject(); -- of 0021
  RETURN true;
END $$;
RESET ROLE;
