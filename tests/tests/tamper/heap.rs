//! Whoever can write the files of the database: a byte of an entry is changed on the disk, past every guard there is. Checksums find
//! a page that was changed carelessly; a repaired one only the tree finds.
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    scene::Scene,
    verdict::Told::{self, At, Incomplete},
};

const PAGE: usize = 8192;

/// How careful the editor is.
pub struct Edit {
    pub what: &'static str,
    pub repaired: bool,
    pub told: Told,
}

pub const EDITS: &[Edit] = &[
    Edit {
        what: "edit a byte of an entry in the heap file",
        repaired: false,
        told: Incomplete("invalid page"),
    },
    Edit {
        what: "edit a byte of an entry in the heap file and repair the page's checksum",
        repaired: true,
        told: At(150, "does not have the hash"),
    },
];

/// Flips a byte of `needle` where it stands in `file`; the number of the page.
fn flip(file: &Path, needle: &[u8]) -> u32 {
    let content = std::fs::read(file).unwrap();
    let at = content
        .windows(needle.len())
        .position(|bytes| bytes == needle)
        .expect("the entry is in the file");
    let file = File::options().write(true).open(file).unwrap();
    // A letter of the action.
    file.write_all_at(&[content[at + 12] ^ 1], (at + 12).try_into().unwrap())
        .unwrap();
    (at / PAGE).try_into().unwrap()
}

#[tokio::test]
async fn an_edited_heap_file_is_found() {
    let scene = Scene::prepare().await;
    for edit in EDITS {
        // Copied file by file, so that no page of it is in the server's memory.
        let database = scene.copy("strategy file_copy").await;
        let superuser = scene.fleet.superuser();
        let ask = async |sql: &str| {
            scene
                .fleet
                .attempt(&database, superuser, &scene.fill(sql))
                .await
                .unwrap()
        };
        let file: PathBuf = scene
            .fleet
            .pgdata()
            .join(ask("select pg_relation_filepath('{month}')").await);
        // Asked of the original: the copy stays unread.
        let leaf = scene.fill("select encode(leaf, 'hex') from audit.entry where id = {e150}");
        let leaf = scene.fleet.sql(&leaf).await;
        let leaf: Vec<u8> = (0..leaf.len() / 2)
            .map(|at| u8::from_str_radix(&leaf[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        flip(&file, &leaf);
        if edit.repaired {
            // The server itself repairs what it is told to overlook: the page is read, touched, and written with a new checksum.
            ask("set ignore_checksum_failure = on; set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off; select count(leaf) from {month}").await;
            ask("vacuum (freeze, disable_page_skipping) {month}").await;
            ask("checkpoint").await;
        }
        let ended = scene.verify(&database, true).await;
        edit.told.check(edit.what, &ended, scene.size);
        scene.forget(&database).await;
    }
}
