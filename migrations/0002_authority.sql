-- Tenants, principals, levels, credentials, sessions. Every key starts with the tenant.
SET LOCAL ROLE kg_owner;
CREATE TABLE rbac.tenant (
  id         uuid PRIMARY KEY,
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  kind       text NOT NULL CHECK (kind IN ('platform', 'customer')),
  status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (kind = 'customer' OR status = 'active')
);
CREATE UNIQUE INDEX one_platform ON rbac.tenant (kind) WHERE kind = 'platform';

CREATE TABLE rbac.unit (
  tenant_id uuid NOT NULL REFERENCES rbac.tenant,
  id        uuid NOT NULL,
  name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);

CREATE TABLE rbac.principal (
  tenant_id    uuid NOT NULL REFERENCES rbac.tenant,
  id           uuid NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('user', 'device', 'service')),
  email        text CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  display_name text CHECK (length(display_name) BETWEEN 1 AND 200),
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
  epoch        int NOT NULL DEFAULT 0, -- one more, and every session of the principal is dead
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email),
  CHECK ((kind = 'user' AND status <> 'deleted') = (email IS NOT NULL))
);
CREATE INDEX principal_email ON rbac.principal (email) WHERE email IS NOT NULL;

CREATE TABLE rbac.role_assignment (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  level        smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
  unit_id      uuid,
  granted_by   uuid,
  granted_at   timestamptz NOT NULL DEFAULT now(),
  revoked_at   timestamptz,
  PRIMARY KEY (tenant_id, principal_id), -- one level for each principal: no arithmetic of unions
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, unit_id) REFERENCES rbac.unit,
  CHECK ((level <= 3) = (unit_id IS NOT NULL)),
  CHECK (granted_by IS DISTINCT FROM principal_id)
);

CREATE TABLE identity.password (
  tenant_id    uuid NOT NULL,
  principal_id uuid NOT NULL,
  phc          text NOT NULL CHECK (phc LIKE '$argon2id$%'),
  changed_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, principal_id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal
);

CREATE TABLE identity.enrolment (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  principal_id uuid NOT NULL,
  code_hash    bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK (expires_at <= created_at + interval '24 hours')
);

CREATE TABLE identity.api_key (
  tenant_id     uuid NOT NULL,
  id            uuid NOT NULL UNIQUE,
  principal_id  uuid NOT NULL, -- the service that acts
  owner_id      uuid NOT NULL, -- whose level bounds it, live
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  phc           text NOT NULL CHECK (phc LIKE '$argon2id$%'),
  old_phc       text CHECK (old_phc LIKE '$argon2id$%'), -- accepted until old_until, after a rotation
  old_until     timestamptz,
  scopes        text[],  -- NULL: every permission of its level
  allowed_cidrs cidr[],  -- NULL: from anywhere
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  revoked_at    timestamptz,
  last_used_at  timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  FOREIGN KEY (tenant_id, owner_id) REFERENCES rbac.principal,
  CHECK ((old_phc IS NULL) = (old_until IS NULL))
);

CREATE TABLE identity.session (
  tenant_id    uuid NOT NULL,
  sid          uuid NOT NULL,
  principal_id uuid NOT NULL,
  level        smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
  epoch        int NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz,
  PRIMARY KEY (tenant_id, sid),
  FOREIGN KEY (tenant_id, principal_id) REFERENCES rbac.principal,
  CHECK (expires_at <= created_at + interval '8 hours')
);
CREATE INDEX session_principal ON identity.session (tenant_id, principal_id);

-- Failed log-ins by HMAC of the identifier: no names, no tenants.
CREATE TABLE identity.throttle (
  bucket        bytea PRIMARY KEY CHECK (length(bucket) = 32),
  failures      int NOT NULL CHECK (failures >= 0),
  blocked_until timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL DEFAULT now()
);

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['rbac.tenant', 'rbac.unit', 'rbac.principal', 'rbac.role_assignment', 'identity.password',
      'identity.enrolment', 'identity.api_key', 'identity.session', 'identity.throttle'] LOOP
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE ' || t || ' FORCE ROW LEVEL SECURITY';
  END LOOP;
END $$;

-- kg_sec owns no table here; it gets exactly what its functions touch (UPDATE on one column, so that FOR SHARE is allowed).
GRANT SELECT ON rbac.tenant, rbac.unit, rbac.principal, identity.api_key, identity.session, identity.enrolment TO kg_sec;
GRANT SELECT, UPDATE (revoked_at) ON rbac.role_assignment TO kg_sec;
GRANT INSERT ON rbac.unit TO kg_sec;

-- What the service may do, before the policies narrow it. No DELETE, no TRUNCATE; columns are listed.
GRANT SELECT, INSERT (id, name, kind), UPDATE (status) ON rbac.tenant TO kg_app;
GRANT SELECT ON rbac.unit TO kg_app;
GRANT SELECT, INSERT (tenant_id, id, kind, email, display_name), UPDATE (email, display_name, status, epoch) ON rbac.principal TO kg_app;
GRANT SELECT, INSERT (tenant_id, principal_id, level, unit_id, granted_by), UPDATE (level, unit_id, revoked_at, granted_by) ON rbac.role_assignment TO kg_app;
GRANT SELECT, INSERT (tenant_id, principal_id, phc), UPDATE (phc, changed_at) ON identity.password TO kg_app;
GRANT SELECT, INSERT (tenant_id, id, principal_id, code_hash, expires_at), UPDATE (used_at) ON identity.enrolment TO kg_app;
GRANT SELECT, INSERT (tenant_id, id, principal_id, owner_id, name, phc, scopes, allowed_cidrs, expires_at),
  UPDATE (phc, old_phc, old_until, revoked_at, last_used_at) ON identity.api_key TO kg_app;
GRANT SELECT, INSERT (tenant_id, sid, principal_id, level, epoch, expires_at), UPDATE (revoked_at) ON identity.session TO kg_app;
GRANT SELECT, INSERT (bucket, failures, blocked_until), UPDATE (failures, blocked_until, updated_at), DELETE ON identity.throttle TO kg_app;
RESET ROLE;
