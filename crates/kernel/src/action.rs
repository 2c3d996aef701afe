//! The closed list of operations.

/// A text that names no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such action")]
pub struct UnknownAction;

/// Calls the macro `$then` with every action: `Name "dotted.name" "what it does";`. One list: the enum
/// here, the permission types of `policy` and the tables in the documentation all come from it.
#[macro_export]
macro_rules! for_each_action {
    ($then:ident) => {
        $then! {
            AuthLogin "auth.login" "log in with a password";
            AuthEnrol "auth.enrol" "use a one-time enrolment code";
            AuthLogout "auth.logout" "end the own session";
            AuthAuthenticate "auth.authenticate" "present a credential";
            AuthMfa "auth.mfa" "present a second factor at log-in";
            AuthStepUp "auth.step-up" "prove oneself again before a sensitive operation";
            AuthDevice "auth.device" "log in as a device, with its key";
            AuthSso "auth.sso" "log in through an identity provider";
            SsoLink "sso.link" "link an identity provider's account to oneself";
            PasswordChange "password.change" "change the own password";
            PasswordRecover "password.recover" "ask for a code to set a forgotten password";
            PasswordReset "password.reset" "send somebody a code to set a new password";
            MfaList "mfa.list" "list the own second factors";
            MfaEnrol "mfa.enrol" "add a second factor to oneself";
            MfaRemove "mfa.remove" "remove an own second factor";
            MfaReset "mfa.reset" "remove the second factors of somebody else";
            MeRead "me.read" "read who one is";
            SessionList "session.list" "list sessions";
            SessionRevoke "session.revoke" "revoke a session, or all of a principal";
            UserCreate "user.create" "create a user";
            UserList "user.list" "list users";
            UserRead "user.read" "read a user";
            UserUpdate "user.update" "change a user's level, unit or status";
            UserDelete "user.delete" "disable a user for good";
            UnitCreate "unit.create" "create a unit";
            UnitList "unit.list" "list units";
            UnitRead "unit.read" "read a unit";
            UnitUpdate "unit.update" "rename a unit";
            UnitDelete "unit.delete" "delete an empty unit";
            DeviceCreate "device.create" "register a device";
            DeviceList "device.list" "list devices";
            DeviceRead "device.read" "read a device";
            DeviceUpdate "device.update" "rename, move, disable or reassign a device";
            DeviceDelete "device.delete" "remove a device for good";
            DeviceEnrol "device.enrol" "make a one-time code for a device";
            DeviceJoin "device.join" "use a device's one-time code";
            ServiceCreate "service.create" "create a service";
            ServiceList "service.list" "list services";
            ServiceRead "service.read" "read a service";
            ServiceUpdate "service.update" "change a service's level, unit, name or status";
            ServiceDelete "service.delete" "remove a service and its keys for good";
            AccessReview "access.review" "review who has which access";
            ApprovalRequest "approval.request" "ask for a two-person approval";
            ApprovalList "approval.list" "list approvals";
            ApprovalApprove "approval.approve" "approve what another asked for";
            BreakGlass "tenant.break-glass" "let a locked-out owner enrol again";
            ApiKeyIssue "apikey.issue" "issue an API key";
            ApiKeyList "apikey.list" "list API keys";
            ApiKeyRotate "apikey.rotate" "rotate an API key";
            ApiKeyRevoke "apikey.revoke" "revoke an API key";
            ApiKeyLeak "apikey.report-leak" "report a leaked API key, which revokes it";
            TenantCreate "tenant.create" "create a tenant";
            TenantList "tenant.list" "list tenants";
            TenantRead "tenant.read" "read a tenant";
            TenantUpdate "tenant.update" "suspend or reactivate a tenant";
            TenantPolicyRead "tenant-policy.read" "read the tenant's security policy";
            TenantPolicyUpdate "tenant-policy.update" "change the tenant's security policy";
            RevocationCreate "revocation.create" "revoke every credential of a tenant, a signing key, or all";
            SigningKeyList "signing-key.list" "list the keys that sign tokens";
            SigningKeyRotate "signing-key.rotate" "move the keys that sign tokens to their next state";
            SsoRead "sso.read" "read the identity providers";
            SsoConfigure "sso.configure" "configure an identity provider";
            ScimTokenIssue "scim.issue-token" "issue the token of a directory";
            ScimTokenRevoke "scim.revoke-token" "revoke the token of a directory";
            ScimRead "scim.read" "read users and groups as a directory";
            ScimProvision "scim.provision" "create, change or remove users and groups as a directory";
            RecipientCreate "recipient.create" "create a recipient";
            RecipientList "recipient.list" "list recipients";
            RecipientRead "recipient.read" "read a recipient";
            RecipientUpdate "recipient.update" "change a recipient";
            RecipientDelete "recipient.delete" "delete a recipient";
            RoutePut "route.put" "define a route";
            RouteList "route.list" "list routes";
            RouteRead "route.read" "read a route";
            RouteDelete "route.delete" "delete a route";
            MessageAccept "message.accept" "send a message";
            MessageList "message.list" "list messages";
            MessageRead "message.read" "read a message's journey";
            MessageAck "message.ack" "acknowledge a message";
            MessageCancel "message.cancel" "cancel a message";
            MessageReplay "message.replay" "send a message again";
            StreamOpen "stream.open" "open the own message stream";
            WebhookCreate "webhook.create" "register a webhook";
            WebhookList "webhook.list" "list webhooks";
            WebhookRead "webhook.read" "read a webhook";
            WebhookDelete "webhook.delete" "delete a webhook";
            AttemptStart "attempt.start" "start a delivery attempt";
            AttemptRecord "attempt.record" "record how an attempt ended";
            DeliveryAdvance "delivery.advance" "move a delivery to its next step or end it";
            ProviderCallback "provider.callback" "take a provider's callback";
            KeyCreate "key.create" "create a tenant's data key";
            KeyList "key.list" "list the tenant's data keys";
            KeyDestroy "key.destroy" "destroy a data key, and with it what it sealed";
            KeyKeep "key.keep" "take back the end of a data key";
            KeyRotate "key.rotate" "seal under a new data key from now on";
            KeyDestroyed "key.destroyed" "record that a data key is gone";
            KeyResealed "key.resealed" "record values sealed anew under a newer data key";
            KeyRewrapped "key.rewrapped" "record keys wrapped anew by another root key";
            AuditList "audit.list" "search the audit log";
            AuditRead "audit.read" "read an audit entry or proof";
            AuditLog "audit.log" "read the log's tiles and checkpoint";
            AuditExport "audit.export" "export the audit log";
            AuditErased "audit.erased" "record that a person's data was erased";
            AuditArchived "audit.archived" "record the archive of a month of the log";
            AuditPruned "audit.pruned" "record that archived entries were removed here";
            ArchiveList "archive.list" "list the archives of the log";
            ErasureCreate "erasure.create" "erase a person's data";
            ErasureList "erasure.list" "list erasures";
            HoldPlace "hold.place" "keep entries from being erased or removed";
            HoldList "hold.list" "list holds";
            HoldRelease "hold.release" "end a hold";
            LogKeyList "log-key.list" "list the keys that sign the log";
            LogKeyRotate "log-key.rotate" "move the log to a new signing key";
            SinkCreate "sink.create" "send the log on to another system";
            SinkList "sink.list" "list where the log is sent";
            SinkRead "sink.read" "read how a sink fares";
            SinkUpdate "sink.update" "change, pause or resume a sink";
            SinkDelete "sink.delete" "stop sending the log to a sink";
            SinkTest "sink.test" "send a sink one test record";
            SinkReplay "sink.replay" "send a sink records again";
            SinkState "sink.state" "record that a sink stopped or recovered";
            WitnessAlarm "witness.alarm" "record that a witness refused a checkpoint";
            IntegrityAlarm "integrity.alarm" "record that a guard of the log was found changed";
            ClockAttest "clock.attest" "record how good the clock is";
            Genesis "platform.genesis" "create the first tenants and principals";
        }
    };
}

macro_rules! actions { ($($name:ident $text:literal $what:literal;)*) => {
    /// An operation that can be asked for. The text form is stored in the audit log and never changes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Action { $(#[doc = $what] $name,)* }

    impl Action {
        /// Every action, in the order of the list.
        pub const ALL: &'static [Self] = &[$(Self::$name,)*];

        /// The dotted name.
        #[must_use]
        pub const fn as_str(self) -> &'static str {
            match self { $(Self::$name => $text,)* }
        }

        /// What it does, for people.
        #[must_use]
        pub const fn description(self) -> &'static str {
            match self { $(Self::$name => $what,)* }
        }
    }

    impl std::str::FromStr for Action {
        type Err = UnknownAction;
        fn from_str(text: &str) -> Result<Self, UnknownAction> {
            match text { $($text => Ok(Self::$name),)* _ => Err(UnknownAction) }
        }
    }
} }
for_each_action!(actions);

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert!(action.as_str().split('.').count() == 2, "{action}");
        }
    }
}
