//! SCIM 2.0, as far as it needs no HTTP. Sources: RFC 7643 (resources), RFC 7644 (protocol).
mod filter;
mod group;
mod patch;
mod path;
mod token;
mod user;

pub use filter::{Filter, FilterOn, InvalidFilter};
pub use group::{DirectoryGroup, GroupDraft};
pub use patch::{PatchError, PatchOp, PatchRequest};
pub use path::{InvalidPath, Path};
pub use token::{Directory, InvalidScimToken, NewScimToken, ScimToken, ScimTokenKey, ScimTokenRecord};
pub use user::{InvalidUser, UserDraft};
