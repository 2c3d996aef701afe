-- One schema for each domain crate, owned by kg_owner; `sec` (keys, guards) and `gate` (what the service may call) by kg_sec.
SET LOCAL ROLE kg_sec;
CREATE SCHEMA sec;
CREATE SCHEMA gate;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA gate TO kg_app, kg_owner, kg_integrator;
GRANT USAGE ON SCHEMA sec TO kg_owner, kg_migrator;

SET LOCAL ROLE kg_owner;
CREATE SCHEMA rbac;
CREATE SCHEMA identity;
CREATE SCHEMA keys;
CREATE SCHEMA channels;
CREATE SCHEMA audit;
CREATE SCHEMA doorway;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA rbac, identity, keys, channels, audit, doorway TO kg_app, kg_sec;
GRANT USAGE ON SCHEMA rbac, keys, audit TO kg_integrator;
GRANT USAGE ON SCHEMA audit TO kg_auditor;
RESET ROLE;
