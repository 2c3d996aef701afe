//! A new file in `migrations/` must rebuild the migrator: the macro only watches files it already knows.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
