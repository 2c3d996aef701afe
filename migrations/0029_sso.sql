-- Identity providers, who came through them, and the narrow hand with which a directory acts on people.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
CREATE SCHEMA sso;
GRANT USAGE ON SCHEMA sso TO kg_app, kg_auth, kg_sec;

CREATE TABLE sso.provider (
  tenant_id     uuid NOT NULL REFERENCES rbac.tenant,
  name          text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  issuer        text NOT NULL CHECK (length(issuer) BETWEEN 8 AND 300),
  client_id     text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 300),
  secret        bytea CHECK (length(secret) <= 2000), -- sealed under the tenant's data key
  groups_claim  text CHECK (length(groups_claim) BETWEEN 1 AND 100),
  default_level smallint CHECK (default_level BETWEEN 1 AND 4),
  jit           bool NOT NULL,
  trust_mfa     bool NOT NULL,
  configured_by uuid NOT NULL, -- the owner in whose name its mapping gives levels
  updated_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name),
  UNIQUE (tenant_id, issuer),
  FOREIGN KEY (tenant_id, configured_by) REFERENCES rbac.principal
);
CREATE TABLE sso.group_level (
  tenant_id  uuid NOT NULL,
  provider   text NOT NULL,
  group_name text NOT NULL CHECK (length(group_name) BETWEEN 1 AND 256),
  level      smallint NOT NULL CHECK (level BETWEEN 1 AND 4), -- never an owner, never the platform
  unit_id    uuid, -- NULL: the tenant's first
  PRIMARY KEY (tenant_id, provider, group_name),
  FOREIGN KEY (tenant_id, provider) REFERENCES sso.provider ON DELETE CASCADE,
  CHECK (level <= 3 OR unit_id IS NULL)
);
-- Log-ins under way: hashes only. A row is used up by deleting it.
CREATE TABLE sso.login (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  state_hash   bytea NOT NULL CHECK (length(state_hash) = 32),
  binding_hash bytea NOT NULL CHECK (length(binding_hash) = 32), -- of the browser's cookie
  provider     text NOT NULL,
  issuer       text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, state_hash),
  CHECK (expires_at <= created_at + interval '10 minutes')
);
CREATE INDEX login_expiry ON sso.login (tenant_id, expires_at);
-- Whom an issuer knows as whom. (issuer, subject) is the identity; an e-mail address never is.
CREATE TABLE sso.account (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  issuer       text NOT NULL CHECK (length(issuer) BETWEEN 8 AND 300),
  subject      text CHECK (length(subject) BETWEEN 1 AND 255), -- NULL: not known yet
  user_name    text NOT NULL CHECK (length(user_name) BETWEEN 1 AND 254),
  external_id  text CHECK (length(external_id) BETWEEN 1 AND 255),
  provisioned  bool NOT NULL DEFAULT false, -- the directory, not the token, says which groups
  updated_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, principal_id), -- one directory for each person
  UNIQUE (tenant_id, issuer, subject),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal
);
CREATE UNIQUE INDEX account_user_name ON sso.account (tenant_id, issuer, lower(user_name));
CREATE UNIQUE INDEX account_external_id ON sso.account (tenant_id, issuer, external_id);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['provider', 'group_level', 'login', 'account'] LOOP
    EXECUTE format('ALTER TABLE sso.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE sso.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['provider', 'group_level', 'account'] LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON sso.%I
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()', t);
    EXECUTE format('ALTER TABLE sso.%I ENABLE ALWAYS TRIGGER audited', t);
  END LOOP;
END $$;

-- The service configures, and never reads a client's secret; whoever serves log-ins reads it, and changes nothing.
GRANT SELECT (tenant_id, name, issuer, client_id, groups_claim, default_level, jit, trust_mfa, configured_by, updated_at),
  INSERT (tenant_id, name, issuer, client_id, secret, groups_claim, default_level, jit, trust_mfa, configured_by),
  UPDATE (issuer, client_id, secret, groups_claim, default_level, jit, trust_mfa, configured_by, updated_at), DELETE ON sso.provider TO kg_app;
GRANT SELECT, INSERT (tenant_id, provider, group_name, level, unit_id), DELETE ON sso.group_level TO kg_app;
GRANT SELECT ON sso.provider, sso.group_level TO kg_auth;
GRANT SELECT, INSERT (tenant_id, state_hash, binding_hash, provider, issuer, expires_at), DELETE ON sso.login TO kg_auth;
GRANT SELECT, INSERT (tenant_id, principal_id, issuer, subject, user_name, external_id, provisioned),
  UPDATE (subject, user_name, external_id, provisioned, updated_at), DELETE ON sso.account TO kg_app;
GRANT SELECT, INSERT (tenant_id, principal_id, issuer, subject, user_name, external_id, provisioned) ON sso.account TO kg_auth;
GRANT SELECT ON sso.provider, sso.group_level, sso.account TO kg_sec;
CREATE POLICY sec_r ON sso.provider FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON sso.group_level FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_r ON sso.account FOR SELECT TO kg_sec USING (true);

CREATE POLICY app_r ON sso.provider FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.worker())));
CREATE POLICY app_i ON sso.provider FOR INSERT TO kg_app WITH CHECK
  (tenant_id = (SELECT gate.tenant(5, 5)) AND configured_by = (SELECT gate.subject()) AND (SELECT gate.fresh()));
CREATE POLICY app_u ON sso.provider FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)))
  WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND configured_by = (SELECT gate.subject()) AND (SELECT gate.fresh()));
CREATE POLICY app_d ON sso.provider FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY auth_r ON sso.provider FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_r ON sso.group_level FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.worker())));
CREATE POLICY app_i ON sso.group_level FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_d ON sso.group_level FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY auth_r ON sso.group_level FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth ON sso.login TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
RESET ROLE;

SET LOCAL ROLE kg_sec;
-- What a function below is doing right now, in this transaction: the one thing that the guards of people and levels let pass
-- besides a person's own authority. Nobody else can write here, and the row is gone when the function returns.
CREATE TABLE sec.directory_act (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
  level        smallint CHECK (level BETWEEN 1 AND 4), -- NULL: nothing is given
  unit_id      uuid,
  granted_by   uuid,
  PRIMARY KEY (tenant_id, principal_id)
);
CREATE FUNCTION sec.acts_for_directory(p_tenant uuid, p_principal uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM sec.directory_act a WHERE a.tenant_id = p_tenant AND a.principal_id = p_principal
    AND a.xid = pg_current_xact_id_if_assigned()) $$;
-- Exactly the level that was decided on, or the end of one.
CREATE FUNCTION sec.gives_for_directory(p_tenant uuid, p_principal uuid, p_level smallint, p_unit uuid, p_by uuid, p_revoked timestamptz) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM sec.directory_act a WHERE a.tenant_id = p_tenant AND a.principal_id = p_principal
    AND a.xid = pg_current_xact_id_if_assigned()
    AND CASE WHEN a.level IS NULL THEN p_revoked IS NOT NULL
             ELSE p_revoked IS NULL AND a.level = p_level AND a.unit_id IS NOT DISTINCT FROM p_unit AND a.granted_by = p_by END) $$;
-- An account may be written down for somebody whom this transaction has just made: nobody is linked to whom they were not.
CREATE FUNCTION sec.is_newborn(p_tenant uuid, p_principal uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM rbac.principal p WHERE p.tenant_id = p_tenant AND p.id = p_principal AND p.kind = 'user'
      AND p.created_at = now() AND p.epoch = 0)
    AND NOT EXISTS (SELECT FROM rbac.role_assignment r WHERE r.tenant_id = p_tenant AND r.principal_id = p_principal) $$;
GRANT EXECUTE ON FUNCTION sec.acts_for_directory(uuid, uuid), sec.gives_for_directory(uuid, uuid, smallint, uuid, uuid, timestamptz),
  sec.is_newborn(uuid, uuid) TO kg_owner, kg_app, kg_auth;

-- The customer's tenant whose own worker is asking.
CREATE FUNCTION sec.directory_tenant() RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := gate.worker();
BEGIN
  IF NOT EXISTS (SELECT FROM rbac.tenant k WHERE k.id = t AND k.kind = 'customer') THEN
    RAISE EXCEPTION 'kg: only a customer''s own worker acts for a directory' USING ERRCODE = '42501'; END IF;
  RETURN t;
END $$;

-- Notes what is about to happen to somebody whom a directory keeps; false if there is no such person. Their level is locked:
-- a promotion that is under way either waits or wins.
CREATE FUNCTION sec.directory_begin(t uuid, p uuid, p_level smallint, p_unit uuid, p_by uuid) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held int;
BEGIN
  PERFORM FROM rbac.principal k JOIN sso.account a ON a.tenant_id = k.tenant_id AND a.principal_id = k.id
    WHERE k.tenant_id = t AND k.id = p AND k.kind = 'user' AND k.status <> 'deleted';
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT r.level INTO held FROM rbac.role_assignment r WHERE r.tenant_id = t AND r.principal_id = p FOR UPDATE;
  IF held >= 5 THEN RAISE EXCEPTION 'kg: an owner is out of a directory''s reach' USING ERRCODE = '42501'; END IF;
  INSERT INTO sec.directory_act (tenant_id, principal_id, level, unit_id, granted_by) VALUES (t, p, p_level, p_unit, p_by);
  RETURN true;
END $$;

CREATE FUNCTION gate.directory_add(p_id uuid, p_email text, p_name text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := sec.directory_tenant(); n int;
BEGIN
  INSERT INTO rbac.principal (tenant_id, id, kind, email, display_name) VALUES (t, p_id, 'user', p_email, p_name) ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n = 1;
END $$;

CREATE FUNCTION gate.directory_rename(p_id uuid, p_email text, p_name text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := sec.directory_tenant();
BEGIN
  IF EXISTS (SELECT FROM rbac.principal k WHERE k.tenant_id = t AND k.email = p_email AND k.id <> p_id)
    OR NOT sec.directory_begin(t, p_id, NULL, NULL, NULL) THEN RETURN false; END IF;
  UPDATE rbac.principal SET email = p_email, display_name = p_name WHERE tenant_id = t AND id = p_id;
  DELETE FROM sec.directory_act WHERE tenant_id = t AND principal_id = p_id;
  RETURN true;
END $$;

-- A leaver: sessions and keys fall here, in the transaction of whoever says so.
CREATE FUNCTION gate.directory_status(p_id uuid, p_status text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := sec.directory_tenant();
BEGIN
  IF p_status NOT IN ('active', 'disabled', 'deleted') THEN RAISE EXCEPTION 'kg: no such status' USING ERRCODE = '22023'; END IF;
  IF NOT sec.directory_begin(t, p_id, NULL, NULL, NULL) THEN RETURN false; END IF;
  UPDATE rbac.principal SET status = p_status, epoch = epoch + (p_status <> 'active')::int,
      email = CASE WHEN p_status <> 'deleted' THEN email END, display_name = CASE WHEN p_status <> 'deleted' THEN display_name END
    WHERE tenant_id = t AND id = p_id AND status <> p_status;
  IF p_status <> 'active' THEN
    UPDATE identity.session SET revoked_at = now() WHERE tenant_id = t AND principal_id = p_id AND revoked_at IS NULL;
    UPDATE identity.api_key SET revoked_at = now() WHERE tenant_id = t AND owner_id = p_id AND revoked_at IS NULL;
  END IF;
  IF p_status = 'deleted' THEN
    UPDATE rbac.role_assignment SET revoked_at = now() WHERE tenant_id = t AND principal_id = p_id AND revoked_at IS NULL;
  END IF;
  DELETE FROM sec.directory_act WHERE tenant_id = t AND principal_id = p_id;
  RETURN true;
END $$;

-- A level from a mapping. The granter is the owner who configured it, and must be a live one now; the level must stand in the
-- mapping. Without a level, what was held is taken away: that needs nobody's authority.
CREATE FUNCTION gate.directory_grant(p_id uuid, p_level smallint, p_unit uuid, p_by uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := sec.directory_tenant();
BEGIN
  IF p_level IS NOT NULL THEN
    PERFORM FROM rbac.role_assignment r JOIN rbac.principal k ON k.tenant_id = r.tenant_id AND k.id = r.principal_id AND k.status = 'active'
      WHERE r.tenant_id = t AND r.principal_id = p_by AND r.level = 5 AND r.revoked_at IS NULL FOR SHARE OF r;
    IF NOT FOUND THEN RAISE EXCEPTION 'kg: whoever made the mapping is no live owner' USING ERRCODE = '42501'; END IF;
    PERFORM FROM sso.account a JOIN sso.provider v ON v.tenant_id = a.tenant_id AND v.issuer = a.issuer AND v.configured_by = p_by
      WHERE a.tenant_id = t AND a.principal_id = p_id AND (v.default_level = p_level OR EXISTS (SELECT FROM sso.group_level g
        WHERE g.tenant_id = t AND g.provider = v.name AND g.level = p_level AND (g.unit_id IS NULL OR g.unit_id = p_unit)));
    IF NOT FOUND THEN RAISE EXCEPTION 'kg: the mapping has no such level' USING ERRCODE = '42501'; END IF;
  END IF;
  IF NOT sec.directory_begin(t, p_id, p_level, p_unit, p_by) THEN RAISE EXCEPTION 'kg: no directory keeps that person' USING ERRCODE = '42501'; END IF;
  IF p_level IS NULL THEN
    UPDATE rbac.role_assignment SET revoked_at = now() WHERE tenant_id = t AND principal_id = p_id AND revoked_at IS NULL;
  ELSE
    INSERT INTO rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) VALUES (t, p_id, p_level, p_unit, p_by)
    ON CONFLICT (tenant_id, principal_id) DO UPDATE
      SET level = excluded.level, unit_id = excluded.unit_id, granted_by = excluded.granted_by, granted_at = now(), revoked_at = NULL;
  END IF;
  DELETE FROM sec.directory_act WHERE tenant_id = t AND principal_id = p_id;
END $$;
GRANT EXECUTE ON FUNCTION gate.directory_add(uuid, text, text), gate.directory_grant(uuid, smallint, uuid, uuid) TO kg_app, kg_auth;
GRANT EXECUTE ON FUNCTION gate.directory_rename(uuid, text, text), gate.directory_status(uuid, text) TO kg_app;

SET LOCAL ROLE kg_owner;
CREATE POLICY app_r ON sso.account FOR SELECT TO kg_app, kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_i ON sso.account FOR INSERT TO kg_app, kg_auth
  WITH CHECK (tenant_id = (SELECT gate.worker()) AND sec.is_newborn(tenant_id, principal_id));
CREATE POLICY app_u ON sso.account FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY app_d ON sso.account FOR DELETE TO kg_app USING (tenant_id = (SELECT gate.worker()));

-- Which unit goes with a level.
GRANT SELECT ON rbac.unit TO kg_auth;
CREATE POLICY auth_r ON rbac.unit FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
SELECT sec.mask_hats(t::regclass) FROM unnest(ARRAY['sso.provider', 'sso.group_level', 'sso.account']) t;

-- The hand itself: what kg_sec's functions may touch, and only while they say what they do.
GRANT UPDATE (email, display_name, status, epoch) ON rbac.principal TO kg_sec;
GRANT UPDATE (level, unit_id, granted_by, granted_at, revoked_at) ON rbac.role_assignment TO kg_sec;
GRANT UPDATE (revoked_at) ON identity.session, identity.api_key TO kg_sec;
CREATE POLICY directory_i ON rbac.principal FOR INSERT TO kg_sec WITH CHECK (kind = 'user' AND tenant_id = (SELECT gate.worker()));
CREATE POLICY directory_u ON rbac.principal FOR UPDATE TO kg_sec USING (sec.acts_for_directory(tenant_id, id)) WITH CHECK (sec.acts_for_directory(tenant_id, id));
CREATE POLICY directory_i ON rbac.role_assignment FOR INSERT TO kg_sec
  WITH CHECK (sec.gives_for_directory(tenant_id, principal_id, level, unit_id, granted_by, revoked_at));
CREATE POLICY directory_u ON rbac.role_assignment FOR UPDATE TO kg_sec USING (sec.acts_for_directory(tenant_id, principal_id))
  WITH CHECK (sec.gives_for_directory(tenant_id, principal_id, level, unit_id, granted_by, revoked_at));
CREATE POLICY directory_u ON identity.session FOR UPDATE TO kg_sec USING (sec.acts_for_directory(tenant_id, principal_id)) WITH CHECK (revoked_at IS NOT NULL);
CREATE POLICY directory_u ON identity.api_key FOR UPDATE TO kg_sec USING (sec.acts_for_directory(tenant_id, owner_id)) WITH CHECK (revoked_at IS NOT NULL);

-- The guards stay what they are; they leave out what a function above has decided on.
DROP TRIGGER guard ON rbac.role_assignment;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW
  WHEN (NEW.level <> 7 AND NOT sec.gives_for_directory(NEW.tenant_id, NEW.principal_id, NEW.level, NEW.unit_id, NEW.granted_by, NEW.revoked_at))
  EXECUTE FUNCTION sec.guard_assignment();
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER guard;
DROP TRIGGER guard ON rbac.principal;
CREATE TRIGGER guard BEFORE UPDATE ON rbac.principal FOR EACH ROW
  WHEN (NOT sec.acts_for_directory(NEW.tenant_id, NEW.id)) EXECUTE FUNCTION sec.guard_principal();
ALTER TABLE rbac.principal ENABLE ALWAYS TRIGGER guard;
RESET ROLE;
