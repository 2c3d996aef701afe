//! aics-tlog: replays logs, and judges cosignatures.
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::install::installed;

/// The judge and its exact version.
pub const PACKAGE: &str = "aics-tlog==0.2.1";

/// Fetches it. It asks for a newer Python than Debian 12 has, and works without.
pub async fn packages() -> Option<PathBuf> {
    let both = "python3 -m pip install --quiet --disable-pip-version-check --target \"$1\" 'cryptography>=50' && \
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --target \"$1\" \"$2\"";
    installed(PACKAGE, "aics_tlog/__init__.py", |aside| {
        let mut pip = Command::new("sh");
        pip.args(["-c", both, "sh"]).arg(aside).arg(PACKAGE);
        pip
    })
    .await
}

/// Reads from its input what to judge.
pub fn judge(packages: &Path) -> Command {
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/aics.py"));
    python.env("PYTHONPATH", packages);
    python
}
