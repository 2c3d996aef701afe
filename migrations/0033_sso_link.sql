-- Linking an account of an identity provider to oneself. Whoever serves log-ins can't link anybody: it takes a wish that the person's
-- own fresh session has put on record, and the account becomes that person's, of the issuer that the wish names.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- Wishes under way: hashes only, as with log-ins.
CREATE TABLE sso.link (
  tenant_id    uuid NOT NULL,
  state_hash   bytea NOT NULL CHECK (length(state_hash) = 32),
  binding_hash bytea NOT NULL CHECK (length(binding_hash) = 32), -- of the browser's cookie
  principal_id uuid NOT NULL,
  session_id   uuid NOT NULL, -- if that has ended meanwhile, so has the wish
  provider     text NOT NULL,
  issuer       text NOT NULL CHECK (length(issuer) BETWEEN 8 AND 300),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz, -- the browser came back
  PRIMARY KEY (tenant_id, state_hash),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK (expires_at <= created_at + interval '10 minutes')
);
CREATE INDEX link_expiry ON sso.link (tenant_id, expires_at);
CREATE INDEX link_principal ON sso.link (tenant_id, principal_id);
ALTER TABLE sso.link ENABLE ROW LEVEL SECURITY;
ALTER TABLE sso.link FORCE ROW LEVEL SECURITY;
GRANT INSERT (tenant_id, state_hash, binding_hash, principal_id, session_id, provider, issuer, expires_at) ON sso.link TO kg_app;
GRANT SELECT, UPDATE (used_at), DELETE ON sso.link TO kg_auth;
GRANT SELECT, DELETE ON sso.link TO kg_sec;
GRANT INSERT (tenant_id, principal_id, issuer, subject, user_name, provisioned) ON sso.account TO kg_sec;
CREATE POLICY app_i ON sso.link FOR INSERT TO kg_app WITH CHECK
  (tenant_id = (SELECT gate.tenant(1, 4)) AND principal_id = (SELECT gate.subject()) AND (SELECT gate.fresh()));
CREATE POLICY auth ON sso.link TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY sec_r ON sso.link FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_d ON sso.link FOR DELETE TO kg_sec USING (true);
CREATE POLICY link_i ON sso.account FOR INSERT TO kg_sec WITH CHECK (tenant_id = (SELECT gate.worker()) AND NOT provisioned);
SELECT sec.mask_hats('sso.link');
RESET ROLE;

SET LOCAL ROLE kg_sec;
-- Grants a wish. One that was used is never used again.
CREATE FUNCTION sec.guard_link() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.used_at IS NOT NULL THEN RAISE EXCEPTION 'kg: a wish is used once' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_link() TO kg_owner;
CREATE FUNCTION gate.link_account(p_state bytea, p_subject text, p_user_name text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := sec.directory_tenant(); l sso.link; held int; n int;
BEGIN
  DELETE FROM sso.link k WHERE k.tenant_id = t AND k.state_hash = p_state AND k.used_at IS NOT NULL AND k.expires_at > now() RETURNING k.* INTO l;
  IF NOT FOUND THEN RETURN 'gone'; END IF;
  PERFORM FROM identity.session s JOIN rbac.principal p ON p.tenant_id = s.tenant_id AND p.id = s.principal_id
    AND p.epoch = s.epoch AND p.status = 'active' AND p.kind = 'user'
   WHERE s.tenant_id = t AND s.sid = l.session_id AND s.principal_id = l.principal_id AND s.revoked_at IS NULL AND s.expires_at > now();
  IF NOT FOUND THEN RETURN 'gone'; END IF;
  -- No directory reaches an owner. FOR SHARE: a promotion under way waits or wins.
  SELECT r.level INTO held FROM rbac.role_assignment r
   WHERE r.tenant_id = t AND r.principal_id = l.principal_id AND r.revoked_at IS NULL FOR SHARE OF r;
  IF held IS NULL OR held > 4 THEN RETURN 'out-of-reach'; END IF;
  INSERT INTO sso.account (tenant_id, principal_id, issuer, subject, user_name, provisioned)
    VALUES (t, l.principal_id, l.issuer, p_subject, p_user_name, false) ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN CASE n WHEN 1 THEN 'done' ELSE 'taken' END;
END $$;
GRANT EXECUTE ON FUNCTION gate.link_account(bytea, text, text) TO kg_auth;
SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE UPDATE ON sso.link FOR EACH ROW EXECUTE FUNCTION sec.guard_link();
ALTER TABLE sso.link ENABLE ALWAYS TRIGGER guard;
RESET ROLE;
