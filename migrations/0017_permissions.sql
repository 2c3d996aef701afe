-- The policy's table, for whoever looks from the database's side: who holds which permission, and on which conditions. It decides
-- nothing about people: row-level security does. It does decide what an API key's scopes may name.
SET LOCAL ROLE kg_owner;
SET LOCAL lock_timeout = '5s';
CREATE TABLE rbac.permission (
  action      text PRIMARY KEY CHECK (action ~ '^[a-z-]+\.[a-z_-]+$'),
  description text NOT NULL,
  levels      smallint[] NOT NULL CHECK (levels <@ '{1,2,3,4,5,6,7}'),
  api_keys    bool NOT NULL,
  worker      bool NOT NULL,
  hats        text[] NOT NULL CHECK (hats <@ '{auditor,billing,privacy_officer}'),
  step_up     bool NOT NULL, -- the caller proved who it is within five minutes
  two_person  bool NOT NULL, -- it consumes an approval
  one_factor  bool NOT NULL, -- open to who still owes a second factor
  reach       text NOT NULL CHECK (reach IN ('own', 'unit', 'tenant', 'lower levels', 'platform')),
  CHECK (NOT (step_up AND (api_keys OR worker))),
  CHECK (step_up OR NOT two_person)
);
ALTER TABLE rbac.permission ENABLE ROW LEVEL SECURITY;
ALTER TABLE rbac.permission FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody_r ON rbac.permission FOR SELECT TO kg_app, kg_sec USING (true);
GRANT SELECT ON rbac.permission TO kg_app, kg_sec;

-- Names of operations have hyphens.
ALTER TABLE audit.entry DROP CONSTRAINT entry_action_check;
ALTER TABLE audit.entry ADD CONSTRAINT entry_action_check CHECK (action ~ '^[a-z-]+\.[a-z_-]+$');

SET LOCAL ROLE kg_sec;
-- A scope that no key could use is a mistake of whoever issues it, or an attempt.
CREATE FUNCTION sec.guard_scopes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM unnest(NEW.scopes) AS s(scope) WHERE NOT EXISTS (SELECT FROM rbac.permission p WHERE p.action = s.scope AND p.api_keys)) THEN
    RAISE EXCEPTION 'kg: no API key carries that' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.guard_scopes() TO kg_owner;
SET LOCAL ROLE kg_owner;
CREATE TRIGGER scopes BEFORE INSERT OR UPDATE OF scopes ON identity.api_key FOR EACH ROW WHEN (NEW.scopes IS NOT NULL) EXECUTE FUNCTION sec.guard_scopes();
ALTER TABLE identity.api_key ENABLE ALWAYS TRIGGER scopes;
RESET ROLE;

-- From here on written by `cargo xtask permissions`.
SET LOCAL ROLE kg_owner;
ALTER TABLE rbac.permission NO FORCE ROW LEVEL SECURITY;
DELETE FROM rbac.permission;
INSERT INTO rbac.permission (action, description, levels, api_keys, worker, hats, step_up, two_person, one_factor, reach) VALUES
  ('auth.login', 'log in with a password', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('auth.enrol', 'use a one-time enrolment code', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('auth.logout', 'end the own session', '{1,2,3,4,5,6,7}', false, false, '{auditor,billing,privacy_officer}', false, false, true, 'own'),
  ('auth.authenticate', 'present a credential', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('auth.mfa', 'present a second factor at log-in', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('auth.step-up', 'prove oneself again before a sensitive operation', '{1,2,3,4,5,6,7}', false, false, '{auditor,billing,privacy_officer}', false, false, true, 'own'),
  ('auth.device', 'log in as a device, with its key', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('auth.sso', 'log in through an identity provider', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('password.change', 'change the own password', '{1,2,3,4,5,6,7}', false, false, '{auditor,billing,privacy_officer}', false, false, true, 'own'),
  ('password.recover', 'ask for a code to set a forgotten password', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('password.reset', 'send somebody a code to set a new password', '{4,5,7}', false, false, '{}', true, false, false, 'lower levels'),
  ('mfa.list', 'list the own second factors', '{1,2,3,4,5,6,7}', false, false, '{auditor,billing,privacy_officer}', false, false, true, 'own'),
  ('mfa.enrol', 'add a second factor to oneself', '{1,2,3,4,5,6,7}', false, false, '{auditor,billing,privacy_officer}', true, false, true, 'own'),
  ('mfa.remove', 'remove an own second factor', '{1,2,3,4,5,6,7}', false, false, '{auditor,billing,privacy_officer}', true, false, true, 'own'),
  ('mfa.reset', 'remove the second factors of somebody else', '{4,5,7}', false, false, '{}', true, false, false, 'lower levels'),
  ('me.read', 'read who one is', '{1,2,3,4,5,6,7}', true, false, '{auditor,billing,privacy_officer}', false, false, true, 'own'),
  ('session.list', 'list sessions', '{1,2,3,4,5,6,7}', false, false, '{}', false, false, false, 'lower levels'),
  ('session.revoke', 'revoke a session, or all of a principal', '{1,2,3,4,5,6,7}', false, false, '{}', false, false, false, 'lower levels'),
  ('user.create', 'create a user', '{4,5,7}', false, false, '{}', true, false, false, 'lower levels'),
  ('user.list', 'list users', '{3,4,5,7}', false, false, '{privacy_officer}', false, false, false, 'unit'),
  ('user.read', 'read a user', '{3,4,5,7}', false, false, '{privacy_officer}', false, false, false, 'unit'),
  ('user.update', 'change a user''s level, unit or status', '{4,5,7}', false, false, '{}', true, false, false, 'lower levels'),
  ('user.delete', 'disable a user for good', '{4,5,7}', false, false, '{}', true, false, false, 'lower levels'),
  ('unit.create', 'create a unit', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('unit.list', 'list units', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('unit.read', 'read a unit', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('unit.update', 'rename a unit', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('unit.delete', 'delete an empty unit', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('device.create', 'register a device', '{3,4,5}', false, false, '{}', false, false, false, 'unit'),
  ('device.list', 'list devices', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('device.read', 'read a device', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('device.update', 'rename, move, disable or reassign a device', '{3,4,5}', false, false, '{}', false, false, false, 'unit'),
  ('device.delete', 'remove a device for good', '{3,4,5}', false, false, '{}', false, false, false, 'unit'),
  ('device.enrol', 'make a one-time code for a device', '{3,4,5}', false, false, '{}', false, false, false, 'unit'),
  ('device.join', 'use a device''s one-time code', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('service.create', 'create a service', '{4,5}', false, false, '{}', true, false, false, 'lower levels'),
  ('service.list', 'list services', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('service.read', 'read a service', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('service.update', 'change a service''s level, unit, name or status', '{4,5}', false, false, '{}', true, false, false, 'lower levels'),
  ('service.delete', 'remove a service and its keys for good', '{4,5}', false, false, '{}', true, false, false, 'lower levels'),
  ('access.review', 'review who has which access', '{4,5,7}', false, false, '{auditor,privacy_officer}', false, false, false, 'tenant'),
  ('approval.request', 'ask for a two-person approval', '{5,7}', false, false, '{}', true, false, false, 'tenant'),
  ('approval.list', 'list approvals', '{4,5,7}', false, false, '{auditor}', false, false, false, 'tenant'),
  ('approval.approve', 'approve what another asked for', '{4,5,7}', false, false, '{}', true, false, false, 'tenant'),
  ('tenant.break-glass', 'let a locked-out owner enrol again', '{7}', false, false, '{}', true, true, false, 'platform'),
  ('apikey.issue', 'issue an API key', '{4,5}', false, false, '{}', true, false, false, 'lower levels'),
  ('apikey.list', 'list API keys', '{4,5}', false, false, '{auditor}', false, false, false, 'tenant'),
  ('apikey.rotate', 'rotate an API key', '{4,5}', false, false, '{}', true, false, false, 'lower levels'),
  ('apikey.revoke', 'revoke an API key', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('apikey.report-leak', 'report a leaked API key, which revokes it', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('tenant.create', 'create a tenant', '{7}', false, false, '{}', true, false, false, 'platform'),
  ('tenant.list', 'list tenants', '{6,7}', false, false, '{}', false, false, false, 'platform'),
  ('tenant.read', 'read a tenant', '{6,7}', false, false, '{}', false, false, false, 'platform'),
  ('tenant.update', 'suspend or reactivate a tenant', '{7}', false, false, '{}', true, false, false, 'platform'),
  ('tenant-policy.read', 'read the tenant''s security policy', '{4,5,7}', false, false, '{auditor}', false, false, false, 'tenant'),
  ('tenant-policy.update', 'change the tenant''s security policy', '{5,7}', false, false, '{}', true, false, false, 'tenant'),
  ('revocation.create', 'revoke every credential of a tenant, a signing key, or all', '{5,7}', false, false, '{}', true, false, false, 'tenant'),
  ('signing-key.list', 'list the keys that sign tokens', '{6,7}', false, false, '{}', false, false, false, 'platform'),
  ('signing-key.rotate', 'move the keys that sign tokens to their next state', '{7}', false, false, '{}', true, false, false, 'platform'),
  ('sso.read', 'read the identity providers', '{4,5}', false, false, '{auditor}', false, false, false, 'tenant'),
  ('sso.configure', 'configure an identity provider', '{5}', false, false, '{}', true, false, false, 'tenant'),
  ('scim.issue-token', 'issue the token of a directory', '{5}', false, false, '{}', true, false, false, 'tenant'),
  ('scim.revoke-token', 'revoke the token of a directory', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('scim.read', 'read users and groups as a directory', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('scim.provision', 'create, change or remove users and groups as a directory', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('recipient.create', 'create a recipient', '{2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('recipient.list', 'list recipients', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('recipient.read', 'read a recipient', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('recipient.update', 'change a recipient', '{2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('recipient.delete', 'delete a recipient', '{2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('route.put', 'define a route', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('route.list', 'list routes', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('route.read', 'read a route', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'tenant'),
  ('route.delete', 'delete a route', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('message.accept', 'send a message', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('message.list', 'list messages', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('message.read', 'read a message''s journey', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('message.ack', 'acknowledge a message', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('message.cancel', 'cancel a message', '{2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('message.replay', 'send a message again', '{2,3,4,5}', true, false, '{}', false, false, false, 'unit'),
  ('stream.open', 'open the own message stream', '{1,2,3,4,5}', true, false, '{}', false, false, false, 'own'),
  ('webhook.create', 'register a webhook', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('webhook.list', 'list webhooks', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('webhook.read', 'read a webhook', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('webhook.delete', 'delete a webhook', '{4,5}', false, false, '{}', false, false, false, 'tenant'),
  ('attempt.start', 'start a delivery attempt', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('attempt.record', 'record how an attempt ended', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('delivery.advance', 'move a delivery to its next step or end it', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('provider.callback', 'take a provider''s callback', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('key.create', 'create a tenant''s data key', '{}', false, true, '{}', false, false, false, 'tenant'),
  ('key.list', 'list the tenant''s data keys', '{4,5}', false, false, '{privacy_officer}', false, false, false, 'tenant'),
  ('key.destroy', 'destroy a data key, and with it what it sealed', '{5}', false, false, '{}', true, true, false, 'tenant'),
  ('audit.list', 'search the audit log', '{4,5,7}', false, false, '{auditor,privacy_officer}', false, false, false, 'tenant'),
  ('audit.read', 'read an audit entry or proof', '{4,5,7}', false, false, '{auditor,privacy_officer}', false, false, false, 'tenant'),
  ('audit.log', 'read the log''s tiles and checkpoint', '{4,5,7}', false, false, '{auditor}', false, false, false, 'tenant'),
  ('audit.export', 'export the audit log', '{5,7}', false, false, '{auditor}', false, false, false, 'tenant'),
  ('platform.genesis', 'create the first tenants and principals', '{}', false, false, '{}', false, false, false, 'platform');
ALTER TABLE rbac.permission FORCE ROW LEVEL SECURITY;
RESET ROLE;
