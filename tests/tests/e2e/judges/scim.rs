//! A judge of SCIM servers.
use std::path::PathBuf;

use super::{installed, missing, pip};

/// The SCIM judge and its exact version.
const SCIM: &str = "scim2-tester==0.5.2";

/// A Python with the SCIM judge.
pub struct Python {
    /// The interpreter.
    pub interpreter: &'static str,
    /// Where its packages are.
    pub packages: PathBuf,
}

/// Fetches the SCIM judge; `None`, with a word, where there is no Python for it.
pub async fn scim_tester() -> Option<Python> {
    let packages = installed(SCIM, "scim2_tester", |aside| {
        pip(aside, &[SCIM, "scim2-client[httpx2]"])
    })
    .await;
    if packages.is_none() {
        missing(SCIM);
    }
    packages.map(|packages| Python {
        interpreter: "python3",
        packages,
    })
}
