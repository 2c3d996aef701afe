//! A record sealed and opened in ten lines, without the gateway and without a database: `cargo run -p keepgate-crypto-keys --example seal`.
//! See `docs/library.md`.
use std::error::Error;

use keepgate_crypto_keys::{DataKey, KeyFile, KeyService, Place, Purpose};
use keepgate_kernel::{TenantId, Uuid};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (tenant, row) = (TenantId::from_uuid(Uuid::from_u128(1)), Uuid::from_u128(2));

    let root = KeyFile::create(&folder.path().join("root.key"))?;
    let key = DataKey::generate(1)?;
    let wrapped = key.wrap(&root, tenant).await?;
    let (purpose, table, column) = (Purpose::Payload, "shop.order", "note");
    let place = Place {
        tenant,
        purpose,
        table,
        column,
        row,
    };
    let sealed = key.seal(&place, b"leave it with the neighbour")?;

    let key = DataKey::unwrap(&root, tenant, 1, &wrapped).await?;
    let note = key.open(&place, &sealed)?;
    assert_eq!(note.as_slice(), b"leave it with the neighbour");
    let elsewhere = Place {
        row: Uuid::from_u128(3),
        ..place
    };
    assert!(key.open(&elsewhere, &sealed).is_err(), "another row's");

    root.rotate().await?;
    assert!(
        DataKey::unwrap(&root, tenant, 1, &wrapped).await.is_ok(),
        "the former version opens"
    );
    println_all(&[
        &format!("{} bytes sealed as {}", note.len(), sealed.len()),
        &format!("wrapped by {}", wrapped.kek),
    ]);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example tells what it did")]
fn println_all(lines: &[&str]) {
    for line in lines {
        println!("{line}");
    }
}
