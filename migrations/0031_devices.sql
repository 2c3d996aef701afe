-- Devices: placed at level 1 by whoever leads their unit, let in by a code, known by a key from then on.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
-- Who carries it.
ALTER TABLE rbac.principal ADD COLUMN owner_id uuid;
ALTER TABLE rbac.principal ADD FOREIGN KEY (tenant_id, owner_id) REFERENCES rbac.principal NOT VALID;
ALTER TABLE rbac.principal VALIDATE CONSTRAINT principal_tenant_id_owner_id_fkey;
ALTER TABLE rbac.principal ADD CONSTRAINT principal_owner CHECK (owner_id IS NULL OR (kind = 'device' AND owner_id <> id)) NOT VALID;
ALTER TABLE rbac.principal VALIDATE CONSTRAINT principal_owner;
GRANT INSERT (owner_id), UPDATE (owner_id) ON rbac.principal TO kg_app;
CREATE INDEX principal_device ON rbac.principal (id) WHERE kind = 'device';
CREATE INDEX principal_owner_id ON rbac.principal (tenant_id, owner_id) WHERE owner_id IS NOT NULL;

-- One-time codes. Apart from those of people: none can be used in the other's place.
CREATE TABLE identity.device_code (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  principal_id uuid NOT NULL,
  made_by      uuid NOT NULL,
  code_hash    bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, made_by) REFERENCES rbac.principal,
  CHECK (expires_at <= created_at + interval '24 hours')
);
CREATE INDEX device_code_principal ON identity.device_code (tenant_id, principal_id);
CREATE INDEX device_code_made_by ON identity.device_code (tenant_id, made_by);
-- Public keys (RFC 8032), one for each device.
CREATE TABLE identity.device_key (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  public_key   bytea NOT NULL CHECK (length(public_key) = 32),
  joined_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, principal_id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal
);
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['identity.device_code', 'identity.device_key'] LOOP
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE ' || t || ' FORCE ROW LEVEL SECURITY';
    EXECUTE 'CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ' || t
      || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()';
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ALWAYS TRIGGER audited';
  END LOOP;
END $$;

-- The service makes codes and never reads one; of keys it sees that there is one. The front desk reads both, and writes neither:
-- that is gate.join_device's.
GRANT INSERT (tenant_id, id, principal_id, made_by, code_hash, expires_at) ON identity.device_code TO kg_app;
GRANT SELECT (tenant_id, principal_id, joined_at) ON identity.device_key TO kg_app;
GRANT SELECT ON identity.device_code, identity.device_key TO kg_auth;
GRANT SELECT, UPDATE (used_at) ON identity.device_code TO kg_sec;
GRANT SELECT, INSERT (tenant_id, principal_id, public_key), UPDATE (public_key, joined_at), DELETE ON identity.device_key TO kg_sec;
CREATE POLICY app_i ON identity.device_code FOR INSERT TO kg_app
  WITH CHECK (tenant_id = (SELECT gate.tenant(3, 5)) AND made_by = (SELECT gate.subject()));
CREATE POLICY auth_r ON identity.device_code FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY sec_r ON identity.device_code FOR SELECT TO kg_sec USING (true);
CREATE POLICY sec_u ON identity.device_code FOR UPDATE TO kg_sec USING (used_at IS NULL) WITH CHECK (used_at IS NOT NULL);
-- Whoever sees the device.
CREATE POLICY app_r ON identity.device_key FOR SELECT TO kg_app USING (tenant_id = (SELECT gate.tenant(1, 5))
  AND EXISTS (SELECT FROM rbac.principal p WHERE p.tenant_id = device_key.tenant_id AND p.id = device_key.principal_id));
CREATE POLICY auth_r ON identity.device_key FOR SELECT TO kg_auth USING (tenant_id = (SELECT gate.worker()));
CREATE POLICY sec ON identity.device_key TO kg_sec USING (true) WITH CHECK (true);

SET LOCAL ROLE kg_sec;
CREATE FUNCTION sec.is_device(p_tenant uuid, p_principal uuid) RETURNS bool
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM rbac.principal p WHERE p.tenant_id = p_tenant AND p.id = p_principal AND p.kind = 'device') $$;
GRANT EXECUTE ON FUNCTION sec.is_device(uuid, uuid) TO kg_owner, kg_app, kg_auth;

-- The unit that the caller leads devices in, NULL for all of its tenant; refused to whoever leads none. People only, with the
-- level and the unit they have now; both stay so until this transaction ends.
CREATE FUNCTION sec.leads_devices(p_tenant uuid) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c text[] := gate.ctx(); g record;
BEGIN
  IF c IS NULL OR c[2] <> 'ses' OR p_tenant IS DISTINCT FROM c[4]::uuid THEN RAISE EXCEPTION 'kg: devices are placed by people of their tenant' USING ERRCODE = '42501'; END IF;
  SELECT r.level, r.unit_id INTO g FROM rbac.role_assignment r
    JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status = 'active' AND p.kind = 'user'
   WHERE r.tenant_id = p_tenant AND r.principal_id = gate.subject() AND r.revoked_at IS NULL AND r.hat IS NULL FOR SHARE OF r, p;
  IF NOT FOUND OR g.level NOT BETWEEN 3 AND 5 THEN RAISE EXCEPTION 'kg: no authority over devices' USING ERRCODE = '42501'; END IF;
  RETURN CASE WHEN g.level = 3 THEN g.unit_id END;
END $$;

-- A device has level 1, a unit and no hat, whoever places it; a supervisor places it in its own unit and moves none out of there.
CREATE FUNCTION sec.guard_placing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine uuid;
BEGIN
  IF NEW.level <> 1 OR NEW.unit_id IS NULL OR NEW.hat IS NOT NULL THEN RAISE EXCEPTION 'kg: a device has level 1 and no hat' USING ERRCODE = '42501'; END IF;
  IF NEW.granted_by IS NULL OR NEW.granted_by IS DISTINCT FROM gate.subject() OR NEW.granted_by = NEW.principal_id THEN
    RAISE EXCEPTION 'kg: the granter is not the caller' USING ERRCODE = '42501'; END IF;
  mine := sec.leads_devices(NEW.tenant_id);
  IF mine IS NOT NULL AND NEW.unit_id <> mine THEN RAISE EXCEPTION 'kg: another unit is out of reach' USING ERRCODE = '42501'; END IF;
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.tenant_id, NEW.principal_id) IS DISTINCT FROM (OLD.tenant_id, OLD.principal_id) THEN
      RAISE EXCEPTION 'kg: identity columns are immutable' USING ERRCODE = '42501'; END IF;
    IF OLD.revoked_at IS NOT NULL THEN RAISE EXCEPTION 'kg: a device that was removed stays so' USING ERRCODE = '42501'; END IF;
    IF mine IS NOT NULL AND OLD.unit_id IS DISTINCT FROM mine THEN RAISE EXCEPTION 'kg: another unit is out of reach' USING ERRCODE = '42501'; END IF;
    NEW.granted_at := now();
  END IF;
  RETURN NEW;
END $$;

-- The same for the device itself, and whose it is.
CREATE FUNCTION sec.guard_device() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine uuid := sec.leads_devices(NEW.tenant_id);
BEGIN
  IF TG_OP = 'UPDATE' AND mine IS NOT NULL AND NOT EXISTS (SELECT FROM rbac.role_assignment r
      WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.id AND r.unit_id = mine) THEN
    RAISE EXCEPTION 'kg: another unit is out of reach' USING ERRCODE = '42501'; END IF;
  IF NEW.owner_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.owner_id IS DISTINCT FROM OLD.owner_id) AND NOT EXISTS (SELECT FROM rbac.principal p
      WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.owner_id AND p.kind = 'user' AND p.status <> 'deleted') THEN
    RAISE EXCEPTION 'kg: a device is carried by a user' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- What falls with a device: its code, and its key when it is gone for good. Sessions fall with the epoch.
CREATE FUNCTION sec.device_falls() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.device_code c SET used_at = now() WHERE c.tenant_id = NEW.tenant_id AND c.principal_id = NEW.id AND c.used_at IS NULL;
  IF NEW.status = 'deleted' THEN DELETE FROM identity.device_key k WHERE k.tenant_id = NEW.tenant_id AND k.principal_id = NEW.id; END IF;
  RETURN NULL;
END $$;

-- Whoever has a code becomes its device.
CREATE FUNCTION sec.guard_device_code() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine uuid := sec.leads_devices(NEW.tenant_id);
BEGIN
  IF NEW.made_by IS DISTINCT FROM gate.subject() THEN RAISE EXCEPTION 'kg: the maker is not the caller' USING ERRCODE = '42501'; END IF;
  PERFORM FROM rbac.role_assignment r JOIN rbac.principal p ON p.tenant_id = r.tenant_id AND p.id = r.principal_id AND p.status = 'active' AND p.kind = 'device'
    WHERE r.tenant_id = NEW.tenant_id AND r.principal_id = NEW.principal_id AND r.revoked_at IS NULL AND r.unit_id = coalesce(mine, r.unit_id)
      FOR SHARE OF r, p;
  IF NOT FOUND THEN RAISE EXCEPTION 'kg: no such device within reach' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
-- The newest code counts, and no other.
CREATE FUNCTION sec.newest_device_code() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.device_code c SET used_at = now()
   WHERE c.tenant_id = NEW.tenant_id AND c.principal_id = NEW.principal_id AND c.id <> NEW.id AND c.used_at IS NULL;
  RETURN NULL;
END $$;

-- However a level was written, in one statement with its principal too: a device has level 1.
CREATE FUNCTION sec.device_stays_low() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sec.is_device(NEW.tenant_id, NEW.principal_id) THEN RAISE EXCEPTION 'kg: a device has level 1 and no hat' USING ERRCODE = '42501'; END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_placing(), sec.guard_device(), sec.device_falls(), sec.guard_device_code(), sec.newest_device_code(),
  sec.device_stays_low() TO kg_owner;

-- Uses a code up: the key takes the place of any before it, and what was opened with that one is closed. NULL when the code is
-- unknown in this tenant, used, past its end, or its device may not act. Of two at once, one gets it.
CREATE FUNCTION gate.join_device(p_hash bytea, p_key bytea) RETURNS uuid LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t uuid := gate.worker(); who uuid;
BEGIN
  UPDATE identity.device_code c SET used_at = now() FROM rbac.principal p
   WHERE c.tenant_id = t AND c.code_hash = p_hash AND c.used_at IS NULL AND c.expires_at > now()
     AND p.tenant_id = c.tenant_id AND p.id = c.principal_id AND p.kind = 'device' AND p.status = 'active'
  RETURNING c.principal_id INTO who;
  IF who IS NULL THEN RETURN NULL; END IF;
  INSERT INTO identity.device_key (tenant_id, principal_id, public_key) VALUES (t, who, p_key)
  ON CONFLICT (tenant_id, principal_id) DO UPDATE SET public_key = excluded.public_key, joined_at = now();
  UPDATE identity.session s SET revoked_at = now() WHERE s.tenant_id = t AND s.principal_id = who AND s.revoked_at IS NULL;
  RETURN who;
END $$;
-- Where a device or its code lives, for the platform's own worker only. Numbers are unique within a tenant: the key tells twins apart.
CREATE FUNCTION gate.homes_of_device(p_device uuid) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.tenant_id FROM rbac.principal p WHERE gate.platform_worker() AND p.id = p_device AND p.kind = 'device' ORDER BY p.created_at LIMIT 4 $$;
CREATE FUNCTION gate.home_of_device_code(p_hash bytea) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.tenant_id FROM identity.device_code c WHERE gate.platform_worker() AND c.code_hash = p_hash $$;
GRANT EXECUTE ON FUNCTION gate.join_device(bytea, bytea), gate.homes_of_device(uuid), gate.home_of_device_code(bytea) TO kg_auth;

SET LOCAL ROLE kg_owner;
-- Whoever carries a device sees it.
ALTER POLICY app_r ON rbac.principal USING
  (tenant_id = (SELECT gate.tenant(0, 7)) AND ((SELECT gate.level()) >= 4 OR (SELECT gate.level()) = 0 OR id = (SELECT gate.subject())
    OR owner_id = (SELECT gate.subject())
    OR ((SELECT gate.level()) IN (2, 3) AND EXISTS (SELECT FROM rbac.role_assignment r
      WHERE r.tenant_id = principal.tenant_id AND r.principal_id = principal.id AND r.unit_id = (SELECT gate.unit())))));
-- Below level 4, and for devices only: a supervisor in its own unit.
CREATE POLICY device_i ON rbac.principal FOR INSERT TO kg_app WITH CHECK (kind = 'device' AND tenant_id = (SELECT gate.tenant(3, 3)));
CREATE POLICY device_u ON rbac.principal FOR UPDATE TO kg_app
  USING (kind = 'device' AND tenant_id = (SELECT gate.tenant(3, 3)) AND EXISTS (SELECT FROM rbac.role_assignment r
    WHERE r.tenant_id = principal.tenant_id AND r.principal_id = principal.id AND r.unit_id = (SELECT gate.unit())))
  WITH CHECK (kind = 'device' AND tenant_id = (SELECT gate.tenant(3, 3)));
CREATE POLICY device_i ON rbac.role_assignment FOR INSERT TO kg_app WITH CHECK (level = 1 AND tenant_id = (SELECT gate.tenant(3, 3))
  AND unit_id = (SELECT gate.unit()) AND granted_by = (SELECT gate.subject()) AND sec.is_device(tenant_id, principal_id));
CREATE POLICY device_u ON rbac.role_assignment FOR UPDATE TO kg_app
  USING (level = 1 AND tenant_id = (SELECT gate.tenant(3, 3)) AND unit_id = (SELECT gate.unit()) AND sec.is_device(tenant_id, principal_id))
  WITH CHECK (level = 1 AND tenant_id = (SELECT gate.tenant(3, 3)) AND unit_id = (SELECT gate.unit()) AND granted_by = (SELECT gate.subject())
    AND sec.is_device(tenant_id, principal_id));
SELECT sec.mask_hats('identity.device_code');

-- One guard for each kind of grant, and none for two.
DROP TRIGGER guard ON rbac.role_assignment;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW
  WHEN (NEW.level <> 7 AND NOT sec.is_device(NEW.tenant_id, NEW.principal_id)
    AND NOT sec.gives_for_directory(NEW.tenant_id, NEW.principal_id, NEW.level, NEW.unit_id, NEW.granted_by, NEW.revoked_at))
  EXECUTE FUNCTION sec.guard_assignment();
CREATE TRIGGER guard_placing BEFORE INSERT OR UPDATE ON rbac.role_assignment FOR EACH ROW
  WHEN (NEW.level <> 7 AND sec.is_device(NEW.tenant_id, NEW.principal_id)) EXECUTE FUNCTION sec.guard_placing();
CREATE CONSTRAINT TRIGGER stays_low AFTER INSERT OR UPDATE ON rbac.role_assignment DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.level <> 1 OR NEW.hat IS NOT NULL) EXECUTE FUNCTION sec.device_stays_low();
CREATE TRIGGER guard_device BEFORE INSERT OR UPDATE ON rbac.principal FOR EACH ROW WHEN (NEW.kind = 'device') EXECUTE FUNCTION sec.guard_device();
CREATE TRIGGER device_falls AFTER UPDATE OF status ON rbac.principal FOR EACH ROW
  WHEN (NEW.kind = 'device' AND NEW.status <> 'active') EXECUTE FUNCTION sec.device_falls();
CREATE TRIGGER guard BEFORE INSERT ON identity.device_code FOR EACH ROW EXECUTE FUNCTION sec.guard_device_code();
CREATE TRIGGER newest AFTER INSERT ON identity.device_code FOR EACH ROW EXECUTE FUNCTION sec.newest_device_code();
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER guard;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER guard_placing;
ALTER TABLE rbac.role_assignment ENABLE ALWAYS TRIGGER stays_low;
ALTER TABLE rbac.principal ENABLE ALWAYS TRIGGER guard_device;
ALTER TABLE rbac.principal ENABLE ALWAYS TRIGGER device_falls;
ALTER TABLE identity.device_code ENABLE ALWAYS TRIGGER guard;
ALTER TABLE identity.device_code ENABLE ALWAYS TRIGGER newest;
RESET ROLE;
