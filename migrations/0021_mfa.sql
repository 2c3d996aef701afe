-- Second factors, what a log-in asks for, and from which level it asks.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
CREATE TABLE identity.tenant_policy (
  tenant_id  uuid PRIMARY KEY REFERENCES rbac.tenant,
  mfa_level  smallint NOT NULL DEFAULT 4 CHECK (mfa_level BETWEEN 1 AND 7), -- 6 and 7 always need a second factor
  changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE identity.factor (
  tenant_id     uuid NOT NULL,
  id            uuid NOT NULL,
  principal_id  uuid NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('totp', 'passkey')),
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  material      bytea NOT NULL CHECK (length(material) BETWEEN 1 AND 4096), -- totp: the seed, sealed; passkey: the public credential
  counter       bigint NOT NULL DEFAULT 0 CHECK (counter >= 0),             -- totp: the last step used; passkey: its own count
  credential_id bytea CHECK (length(credential_id) BETWEEN 1 AND 1023),
  created_at    timestamptz NOT NULL DEFAULT now(),
  confirmed_at  timestamptz,                                                -- NULL: pending, proves nothing
  last_used_at  timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK ((kind = 'passkey') = (credential_id IS NOT NULL)),
  CHECK (kind = 'totp' OR confirmed_at IS NOT NULL)
);
-- At most one authenticator app, and beside it one on the way in.
CREATE UNIQUE INDEX factor_totp ON identity.factor (tenant_id, principal_id, (confirmed_at IS NULL)) WHERE kind = 'totp';
CREATE UNIQUE INDEX factor_credential ON identity.factor (tenant_id, credential_id) WHERE credential_id IS NOT NULL;
CREATE INDEX factor_principal ON identity.factor (tenant_id, principal_id);

CREATE TABLE identity.recovery_code (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  code_hash    bytea NOT NULL CHECK (length(code_hash) = 32), -- of 120 random bits and the principal
  used_at      timestamptz,
  PRIMARY KEY (tenant_id, principal_id, code_hash),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal
);

-- Between the first factor and the second. Guesses are counted here, in a transaction of their own.
CREATE TABLE identity.mfa_challenge (
  tenant_id    uuid NOT NULL,
  hash         bytea NOT NULL CHECK (length(hash) = 32),
  principal_id uuid NOT NULL,
  epoch        int NOT NULL,   -- of the principal; one more, and the challenge is dead
  session_id   uuid NOT NULL,  -- the session that comes of it
  bucket       bytea CHECK (length(bucket) = 32), -- of the log-in's throttle, forgiven at the end
  purpose      text NOT NULL CHECK (purpose IN ('login', 'totp-enrol', 'step-up', 'passkey-enrol')),
  state        bytea CHECK (length(state) <= 8192), -- a passkey ceremony's
  tries        smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz,
  PRIMARY KEY (tenant_id, hash),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK (expires_at <= created_at + interval '5 minutes')
);
CREATE INDEX mfa_challenge_principal ON identity.mfa_challenge (tenant_id, principal_id);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['identity.tenant_policy', 'identity.factor', 'identity.recovery_code', 'identity.mfa_challenge'] LOOP
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE ' || t || ' FORCE ROW LEVEL SECURITY';
  END LOOP;
  -- Challenges are bookkeeping of operations that have entries of their own.
  FOREACH t IN ARRAY ARRAY['identity.tenant_policy', 'identity.factor', 'identity.recovery_code'] LOOP
    EXECUTE 'CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ' || t
      || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()';
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ALWAYS TRIGGER audited';
  END LOOP;
END $$;

-- The front desk's alone, as with every other secret of a person.
GRANT SELECT, INSERT (tenant_id, id, principal_id, kind, name, material, counter, credential_id, confirmed_at),
  UPDATE (material, counter, confirmed_at, last_used_at), DELETE ON identity.factor TO kg_auth;
GRANT SELECT, INSERT (tenant_id, principal_id, code_hash), UPDATE (used_at), DELETE ON identity.recovery_code TO kg_auth;
GRANT SELECT, INSERT (tenant_id, hash, principal_id, epoch, session_id, bucket, purpose, state, expires_at), UPDATE (tries, used_at), DELETE
  ON identity.mfa_challenge TO kg_auth;
GRANT SELECT ON identity.tenant_policy TO kg_auth;
GRANT SELECT (created_at) ON rbac.principal TO kg_auth; -- when the grace of somebody without a code began
CREATE POLICY worker ON identity.factor TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY worker ON identity.recovery_code TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY worker ON identity.mfa_challenge TO kg_auth USING (tenant_id = (SELECT gate.worker())) WITH CHECK (tenant_id = (SELECT gate.worker()));
CREATE POLICY auth_r ON identity.tenant_policy FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));

GRANT SELECT, INSERT (tenant_id, mfa_level), UPDATE (mfa_level, changed_at) ON identity.tenant_policy TO kg_app;
CREATE POLICY app_r ON identity.tenant_policy FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(4, 7)));
CREATE POLICY app_i ON identity.tenant_policy FOR INSERT TO kg_app WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) OR tenant_id = (SELECT gate.tenant(7, 7)));
CREATE POLICY app_u ON identity.tenant_policy FOR UPDATE TO kg_app USING (tenant_id = (SELECT gate.tenant(5, 5)) OR tenant_id = (SELECT gate.tenant(7, 7)))
  WITH CHECK (tenant_id = (SELECT gate.tenant(5, 5)) OR tenant_id = (SELECT gate.tenant(7, 7)));
SELECT sec.mask_hats('identity.tenant_policy');
GRANT SELECT, DELETE ON identity.factor, identity.recovery_code, identity.mfa_challenge TO kg_sec;
CREATE POLICY sec_r ON identity.factor FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_d ON identity.factor FOR DELETE TO kg_sec USING (true);
CREATE POLICY sec_r ON identity.recovery_code FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_d ON identity.recovery_code FOR DELETE TO kg_sec USING (true);
CREATE POLICY sec_r ON identity.mfa_challenge FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_d ON identity.mfa_challenge FOR DELETE TO kg_sec USING (true);
RESET ROLE;

SET LOCAL ROLE kg_sec;
-- Removes what somebody could prove a second time with. Break-glass calls it from a function of its own.
CREATE FUNCTION sec.clear_factors(p_tenant uuid, p_principal uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE cleared bigint;
BEGIN
  DELETE FROM identity.mfa_challenge WHERE tenant_id = p_tenant AND principal_id = p_principal;
  DELETE FROM identity.recovery_code WHERE tenant_id = p_tenant AND principal_id = p_principal;
  DELETE FROM identity.factor WHERE tenant_id = p_tenant AND principal_id = p_principal;
  GET DIAGNOSTICS cleared = ROW_COUNT;
  RETURN cleared;
END $$;
-- An admin's reset: over lower levels of the own tenant, on live rows. FOR SHARE: a demotion under way waits or wins.
CREATE FUNCTION gate.reset_factors(p_principal uuid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := gate.tenant(4, 7); me int; them int;
BEGIN
  PERFORM sec.demand_fresh(t, NULL);
  SELECT r.level INTO me FROM rbac.role_assignment r
   WHERE r.tenant_id = t AND r.principal_id = gate.subject() AND r.revoked_at IS NULL AND r.hat IS NULL FOR SHARE OF r;
  SELECT r.level INTO them FROM rbac.role_assignment r WHERE r.tenant_id = t AND r.principal_id = p_principal AND r.revoked_at IS NULL FOR SHARE OF r;
  IF me IS NULL OR me < 4 OR them IS NULL OR them >= least(me, gate.level()) THEN
    RAISE EXCEPTION 'kg: a peer or superior is out of reach' USING ERRCODE = '42501'; END IF;
  RETURN sec.clear_factors(t, p_principal);
END $$;
GRANT EXECUTE ON FUNCTION gate.reset_factors(uuid) TO kg_app;

-- A code works once and a count never goes back, whatever the service asks for.
CREATE FUNCTION sec.guard_factor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.counter < OLD.counter THEN RAISE EXCEPTION 'kg: a factor''s count never goes back' USING ERRCODE = '42501'; END IF;
  IF OLD.confirmed_at IS NOT NULL AND NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at THEN
    RAISE EXCEPTION 'kg: a factor is confirmed once' USING ERRCODE = '42501'; END IF;
  IF NEW.kind = 'totp' AND NEW.material IS DISTINCT FROM OLD.material THEN
    RAISE EXCEPTION 'kg: a seed never changes' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION sec.guard_recovery_code() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.used_at IS NOT NULL THEN RAISE EXCEPTION 'kg: a recovery code works once' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION sec.guard_mfa_challenge() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.tries < OLD.tries OR (OLD.used_at IS NOT NULL AND NEW.used_at IS DISTINCT FROM OLD.used_at) THEN
    RAISE EXCEPTION 'kg: a challenge is not renewed' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
-- Who may log in with what is a credential matter: it wants a fresh session.
CREATE FUNCTION sec.guard_tenant_policy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN PERFORM sec.demand_fresh(NEW.tenant_id, NULL); RETURN NEW; END $$;
GRANT EXECUTE ON FUNCTION sec.guard_tenant_policy() TO kg_owner;
GRANT EXECUTE ON FUNCTION sec.guard_factor(), sec.guard_recovery_code(), sec.guard_mfa_challenge() TO kg_owner;
SET LOCAL ROLE kg_owner;
CREATE TRIGGER guard BEFORE UPDATE ON identity.factor FOR EACH ROW EXECUTE FUNCTION sec.guard_factor();
CREATE TRIGGER guard BEFORE UPDATE ON identity.recovery_code FOR EACH ROW EXECUTE FUNCTION sec.guard_recovery_code();
CREATE TRIGGER guard BEFORE UPDATE ON identity.mfa_challenge FOR EACH ROW EXECUTE FUNCTION sec.guard_mfa_challenge();
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON identity.tenant_policy FOR EACH ROW EXECUTE FUNCTION sec.guard_tenant_policy();
ALTER TABLE identity.tenant_policy ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.factor ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.recovery_code ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.mfa_challenge ENABLE ALWAYS TRIGGER guard;
RESET ROLE;
