//! An operation is a value.
use std::future::Future;

use keepgate_kernel::Entity;

use crate::{Authorized, Permission};

/// What the doorway has to know about an error, whatever its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A rule of the domain said no. The stable word goes into the audit entry and the problem type.
    Refused(&'static str),
    /// Another transaction won; the command may be run again.
    Conflict,
    /// The credential is dead: revoked, expired, its tenant suspended.
    Revoked,
    /// A dependency failed. The stable word names which.
    Failed(&'static str),
}

/// An error of a command. The enum belongs to the operation; this is how the doorway reads it.
pub trait CommandError: std::error::Error + Send + Sync + 'static {
    /// Refusal, conflict or failure.
    fn kind(&self) -> ErrorKind;
}

/// One thing a principal asks for: one permission, one entity, one transaction of type `Tx`.
///
/// A command is a value, so that the doorway can run it again after a conflict, and names its entity before it runs, so
/// that a refusal names it too. Ids of new things are therefore fields.
pub trait Command<Tx: ?Sized>: Send + Sync {
    /// The permission it demands; its action names the operation in the audit log.
    type Permission: Permission;
    /// What a successful run yields.
    type Output: Send;
    /// Why it may fail.
    type Error: CommandError;

    /// What it is about.
    fn entity(&self) -> Entity;

    /// Does the work inside `tx`, which the doorway commits together with the audit entry. Makes no outward call.
    fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}
