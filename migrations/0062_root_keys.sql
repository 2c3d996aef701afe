-- Keys are wrapped by a root key that may be a service's: names and sizes are the service's own. A second copy of a tenant's key is for
-- a recovery key that lies in a safe. The installation has a key of its own, from which its secrets are derived.
SET LOCAL lock_timeout = '5s';
SET LOCAL ROLE kg_owner;
DO $$ DECLARE t text; c text; BEGIN
  FOREACH t IN ARRAY ARRAY['keys.data_key', 'keys.signing_key', 'keys.subject_key', 'identity.signing_key'] LOOP
    FOR c IN SELECT k.conname FROM pg_constraint k WHERE k.conrelid = t::regclass AND k.contype = 'c'
               AND (pg_get_constraintdef(k.oid) LIKE '%^[0-9a-f]{16}$%' OR pg_get_constraintdef(k.oid) LIKE '%length(wrapped) = 60%'
                 OR pg_get_constraintdef(k.oid) LIKE '%length(sealed) = 60%') LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', t, c);
    END LOOP;
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT kek_name CHECK (kek ~ ''^[!-~]+$'' AND length(kek) <= 300) NOT VALID', t);
    EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT kek_name', t);
    c := CASE t WHEN 'identity.signing_key' THEN 'sealed' ELSE 'wrapped' END;
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT wrapped_size CHECK (length(%I) BETWEEN 48 AND 1024) NOT VALID', t, c);
    EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT wrapped_size', t);
  END LOOP;
END $$;

ALTER TABLE keys.data_key ADD COLUMN recovery_to text CHECK (recovery_to ~ '^[!-~]+$' AND length(recovery_to) <= 300); -- the recovery key's public half
ALTER TABLE keys.data_key ADD COLUMN recovery bytea CHECK (length(recovery) = 80); -- HPKE: encapsulated key, ciphertext, tag
ALTER TABLE keys.data_key ADD COLUMN destroyed_at timestamptz;
-- What is destroyed is nowhere; nobody reads it as if it were there.
-- squawk-ignore ban-drop-not-null
ALTER TABLE keys.data_key ALTER COLUMN wrapped DROP NOT NULL;
ALTER TABLE keys.data_key ADD CONSTRAINT data_key_copy CHECK ((recovery_to IS NULL) = (recovery IS NULL)) NOT VALID;
ALTER TABLE keys.data_key VALIDATE CONSTRAINT data_key_copy;
-- What is destroyed has no copy left; what is not has its key.
ALTER TABLE keys.data_key ADD CONSTRAINT data_key_end CHECK ((destroyed_at IS NULL) = (wrapped IS NOT NULL)
  AND (destroyed_at IS NULL OR (recovery IS NULL AND destroy_after IS NOT NULL))) NOT VALID;
ALTER TABLE keys.data_key VALIDATE CONSTRAINT data_key_end;
GRANT INSERT (recovery_to, recovery) ON keys.data_key TO kg_app;

CREATE TABLE keys.instance_key (
  one        bool PRIMARY KEY DEFAULT true CHECK (one),
  id         text NOT NULL CHECK (id ~ '^[0-9a-f]{16}$'),
  kek        text NOT NULL CHECK (kek ~ '^[!-~]+$' AND length(kek) <= 300),
  wrapped    bytea NOT NULL CHECK (length(wrapped) BETWEEN 48 AND 1024),
  created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE keys.instance_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys.instance_key FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (id, kek, wrapped), UPDATE (kek, wrapped) ON keys.instance_key TO kg_integrator;
CREATE POLICY integrator ON keys.instance_key TO kg_integrator USING (true) WITH CHECK (true);
CREATE TRIGGER notruncate BEFORE TRUNCATE ON keys.instance_key FOR EACH STATEMENT EXECUTE FUNCTION sec.deny();
ALTER TABLE keys.instance_key ENABLE ALWAYS TRIGGER notruncate;

-- A seed may be wrapped anew, by another root key or another version of it, and not otherwise changed.
SET LOCAL ROLE kg_sec;
CREATE OR REPLACE FUNCTION sec.guard_log_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.tenant_id, NEW.purpose, NEW.version, NEW.created_at) IS DISTINCT FROM (OLD.tenant_id, OLD.purpose, OLD.version, OLD.created_at)
     OR (OLD.public IS NOT NULL AND NEW.public IS DISTINCT FROM OLD.public)
     OR (OLD.signs_until IS NOT NULL AND NEW.signs_until IS DISTINCT FROM OLD.signs_until)
     OR (OLD.destroyed_at IS NOT NULL AND NEW.destroyed_at IS DISTINCT FROM OLD.destroyed_at)
     OR (NEW.destroyed_at IS NOT NULL AND NEW.signs_until > clock_timestamp())
     OR (NEW.wrapped IS NOT NULL AND NEW.wrapped IS DISTINCT FROM OLD.wrapped AND NEW.kek IS NOT DISTINCT FROM OLD.kek) THEN
    RAISE EXCEPTION 'kg: a key of a log only moves forward' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
RESET ROLE;
