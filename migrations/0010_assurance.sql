-- Hats, and how surely a session's principal proved who it is.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
ALTER TABLE rbac.role_assignment ADD COLUMN hat text CHECK (hat IN ('auditor', 'billing', 'privacy_officer'));
ALTER TABLE identity.session ADD COLUMN factors text NOT NULL DEFAULT 'one' CHECK (factors IN ('one', 'two', 'owing'));
GRANT INSERT (factors) ON identity.session TO kg_app;
RESET ROLE;
