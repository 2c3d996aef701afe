-- Directories: their tokens, groups and members.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
CREATE TABLE sso.scim_token (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  provider     text NOT NULL, -- whose mapping its groups follow
  principal_id uuid NOT NULL, -- the service that the log names as actor; it holds no level
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  hash         bytea NOT NULL CHECK (length(hash) = 32), -- HMAC-SHA256 under a key that is not in the database
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, hash),
  FOREIGN KEY (tenant_id, provider) REFERENCES sso.provider ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal
);
CREATE TABLE sso.directory_group (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  id           uuid NOT NULL,
  issuer       text NOT NULL CHECK (length(issuer) BETWEEN 8 AND 300),
  display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 256),
  external_id  text CHECK (length(external_id) BETWEEN 1 AND 255),
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, issuer, display_name)
);
CREATE TABLE sso.directory_member (
  tenant_id    uuid NOT NULL,
  group_id     uuid NOT NULL,
  principal_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, group_id, principal_id),
  FOREIGN KEY (tenant_id, group_id) REFERENCES sso.directory_group ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, principal_id) REFERENCES sso.account ON DELETE CASCADE
);
CREATE INDEX directory_member_of ON sso.directory_member (tenant_id, principal_id);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['scim_token', 'directory_group', 'directory_member'] LOOP
    EXECUTE format('ALTER TABLE sso.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE sso.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON sso.%I
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()', t);
    EXECUTE format('ALTER TABLE sso.%I ENABLE ALWAYS TRIGGER audited', t);
  END LOOP;
END $$;

-- The service issues and revokes; only whoever recognises callers compares the hash.
GRANT SELECT (tenant_id, id, provider, principal_id, name, created_at, expires_at, revoked_at),
  INSERT (tenant_id, id, provider, principal_id, name, hash, expires_at), UPDATE (revoked_at) ON sso.scim_token TO kg_app;
GRANT SELECT ON sso.scim_token, sso.directory_group, sso.directory_member TO kg_auth;
GRANT SELECT, INSERT (tenant_id, id, issuer, display_name, external_id), UPDATE (display_name, external_id, updated_at), DELETE ON sso.directory_group TO kg_app;
GRANT SELECT, INSERT, DELETE ON sso.directory_member TO kg_app;
CREATE POLICY app_r ON sso.scim_token FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.worker())));
CREATE POLICY app_i ON sso.scim_token FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) AND (SELECT gate.fresh()));
CREATE POLICY app_u ON sso.scim_token FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 5)) AND revoked_at IS NULL)
  WITH CHECK (tenant_id = (SELECT gate.tenant(4, 5)) AND revoked_at IS NOT NULL);
CREATE POLICY auth_r ON sso.scim_token FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY app ON sso.directory_group TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_r ON sso.directory_group FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY app ON sso.directory_member TO kg_app USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_r ON sso.directory_member FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
SELECT sec.mask_hats(t::regclass) FROM unnest(ARRAY['sso.scim_token', 'sso.directory_group', 'sso.directory_member']) t;

SET LOCAL ROLE kg_sec;
-- As before, and disabling the owner either waits or wins as well.
CREATE OR REPLACE FUNCTION gate.directory_grant(p_id uuid, p_level smallint, p_unit uuid, p_by uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := sec.directory_tenant();
BEGIN
  IF p_level IS NOT NULL THEN
    PERFORM FROM rbac.role_assignment r JOIN rbac.principal k ON k.tenant_id = r.tenant_id AND k.id = r.principal_id AND k.status = 'active'
      WHERE r.tenant_id = t AND r.principal_id = p_by AND r.level = 5 AND r.revoked_at IS NULL FOR SHARE OF r, k;
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
RESET ROLE;
