//! How a resource of a directory changes, and what a page of them is.
use keepgate_sso::scim::PatchRequest;

/// What becomes of a resource whose writable part is `D`.
#[derive(Debug, Clone)]
pub enum Edit<D> {
    /// It is replaced (PUT, RFC 7644 section 3.5.1).
    Replace(D),
    /// It is changed here and there (PATCH, section 3.5.2).
    Patch(PatchRequest),
}

impl<D: Clone> Edit<D> {
    /// What `before` becomes; `patch` knows how a resource of this kind is patched.
    ///
    /// # Errors
    /// Those of `patch`.
    pub(super) fn of<E>(&self, before: &D, patch: impl FnOnce(&PatchRequest, &mut D) -> Result<(), E>) -> Result<D, E> {
        match self {
            Self::Replace(wanted) => Ok(wanted.clone()),
            Self::Patch(request) => {
                let mut draft = before.clone();
                patch(request, &mut draft)?;
                Ok(draft)
            }
        }
    }
}

/// A page of resources.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// How many there are in all.
    pub total: u64,
    /// Those of the page.
    pub page: Vec<T>,
}
