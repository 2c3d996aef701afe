//! Who may do what: one pure function, and the proofs that only it can mint.
//!
//! [`rule`] is the whole policy: one `match` from an [`Action`](keepgate_kernel::Action) to the levels that hold it.
//! [`authorize`] applies it to an [`OpContext`] and returns [`Authorized<P>`], which commands demand by type: an
//! operation without a decision does not compile. A new operation is a line in `keepgate_kernel::for_each_action!`
//! and an arm in [`rule`]; `tests/matrix.txt` then shows what changed, for review. [`grant()`] decides who may give whom a
//! level, and mints the [`GrantProof`] that the port writing it demands. What two people have to want goes through [`ask`],
//! [`second`] and [`spend`].
mod approval;
mod authorize;
mod command;
mod context;
mod grant;
mod permission;
mod principal;
mod rule;

pub use approval::{
    Approval, ApprovalDenied, ApprovalState, AskProof, Candidate, Consent, Matter, SecondProof, TwoPerson,
    TwoPersonAction, ask, second, spend,
};
pub use authorize::{Authorized, Denied, authorize, decide};
pub use command::{Command, CommandError, ErrorKind};
pub use context::{Assurance, Credential, FRESH, Factors, OpContext};
pub use grant::{
    EnlistProof, Enlisting, Grant, GrantDenied, GrantProof, Granting, MappedLevel, MappedProof, Mapping, Plane,
    ReachProof, Reaching, Target, Tenant, TenantStatus, Unit, appoint, enlist, grant, map, reach, tend,
};
pub use permission::{Permission, permissions};
pub use principal::{Principal, Scopes, Standing};
pub use rule::{Hats, Levels, Reach, Rule, rule};
