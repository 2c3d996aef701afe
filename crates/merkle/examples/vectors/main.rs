//! Writes the proof vectors anew: `cargo run -p keepgate-merkle --example vectors`. For anybody who writes a verifier.
#![expect(clippy::indexing_slicing, reason = "a generator of fixtures fails loudly")]
mod generate;

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    for (name, text) in generate::files() {
        fs::write(dir.join(name), text)?;
    }
    Ok(())
}
