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
            MeRead "me.read" "read who one is";
            SessionList "session.list" "list sessions";
            SessionRevoke "session.revoke" "revoke a session, or all of a principal";
            UserCreate "user.create" "create a user";
            UserList "user.list" "list users";
            UserRead "user.read" "read a user";
            UserUpdate "user.update" "change a user's level, unit or status";
            UserDelete "user.delete" "disable a user for good";
            ApiKeyIssue "apikey.issue" "issue an API key";
            ApiKeyList "apikey.list" "list API keys";
            ApiKeyRotate "apikey.rotate" "rotate an API key";
            ApiKeyRevoke "apikey.revoke" "revoke an API key";
            TenantCreate "tenant.create" "create a tenant";
            TenantList "tenant.list" "list tenants";
            TenantRead "tenant.read" "read a tenant";
            TenantUpdate "tenant.update" "suspend or reactivate a tenant";
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
            AuditList "audit.list" "search the audit log";
            AuditRead "audit.read" "read an audit entry or proof";
            AuditLog "audit.log" "read the log's tiles and checkpoint";
            AuditExport "audit.export" "export the audit log";
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
