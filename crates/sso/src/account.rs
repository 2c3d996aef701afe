//! Whom an issuer knows as whom.
use keepgate_kernel::{PrincipalId, Timestamp};

use crate::Issuer;

/// A person of a directory, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Our user.
    pub principal: PrincipalId,
    /// The issuer.
    pub issuer: Issuer,
    /// The `sub` under which the issuer knows it; `None`: not known yet.
    pub subject: Option<String>,
    /// The directory's name for it, unique for the issuer whatever the case: 1 to 254 characters.
    pub user_name: String,
    /// The directory's own key for it.
    pub external_id: Option<String>,
    /// Whether the directory, rather than the ID token, says which groups it is in.
    pub provisioned: bool,
}

/// A person of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What was written down.
    pub of: NewAccount,
    /// When it last changed.
    pub updated_at: Timestamp,
}
