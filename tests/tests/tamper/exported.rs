//! Whoever holds an export and can edit its files.
use std::{
    fs,
    path::{Path, PathBuf},
};

use keepgate_merkle::tile::{encode_bundle, entries};
use keepgate_tests::{Ended, run};

use crate::{
    scene::Scene,
    verdict::Told::{self, At, Incomplete, Stale, Whole},
};

/// What is done to the directory.
pub struct Edit {
    pub what: &'static str,
    how: fn(&Path),
    pub told: Told,
    /// More arguments of the verifier.
    args: &'static [&'static str],
}

const fn edit(what: &'static str, how: fn(&Path), told: Told) -> Edit {
    Edit {
        what,
        how,
        told,
        args: &[],
    }
}

fn bundle(dir: &Path, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let file = dir.join("tile/entries/000");
    let content = fs::read(&file).unwrap();
    let mut list: Vec<Vec<u8>> = entries(&content).map(|entry| entry.unwrap().to_vec()).collect();
    change(&mut list);
    fs::write(file, encode_bundle(list).unwrap()).unwrap();
}

fn tile(dir: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let file = dir.join("tile/0/000");
    let mut content = fs::read(&file).unwrap();
    change(&mut content);
    fs::write(file, content).unwrap();
}

fn note(dir: &Path, change: impl FnOnce(String) -> String) {
    let file = dir.join("checkpoint");
    let text = change(fs::read_to_string(&file).unwrap());
    fs::write(file, text).unwrap();
}

/// The second line of a checkpoint, rewritten.
fn size(dir: &Path, change: impl FnOnce(&str) -> String) {
    note(dir, |text| {
        let old = text.lines().nth(1).unwrap().to_owned();
        text.replacen(&format!("\n{old}\n"), &format!("\n{}\n", change(&old)), 1)
    });
}

/// Changes the last signature's bytes from `from` on, in base64.
fn signature(dir: &Path, from: usize) {
    note(dir, |text| {
        let start = text.rfind(' ').unwrap() + 1 + from;
        let old = text.as_bytes()[start];
        let new = if old == b'A' { "B" } else { "A" };
        format!("{}{new}{}", &text[..start], &text[start + 1..])
    });
}

const DISTRUST: Told = Whole("the checkpoint can't be trusted");

pub const EDITS: &[Edit] = &[
    edit(
        "edit a byte of an entry",
        |dir| bundle(dir, |list| list[150][12] ^= 1),
        At(150, "does not have the hash"),
    ),
    edit(
        "remove an entry",
        |dir| bundle(dir, |list| drop(list.remove(150))),
        At(150, "does not have the hash"),
    ),
    edit(
        "remove the last entry of a bundle",
        |dir| bundle(dir, |list| drop(list.pop())),
        At(255, "is missing from bundle"),
    ),
    edit(
        "swap two entries",
        |dir| bundle(dir, |list| list.swap(150, 200)),
        At(150, "does not have the hash"),
    ),
    edit(
        "double an entry",
        |dir| bundle(dir, |list| list.insert(150, list[149].clone())),
        At(150, "does not have the hash"),
    ),
    edit(
        "append an entry to a bundle",
        |dir| bundle(dir, |list| list.push(list[0].clone())),
        At(255, "goes on after its last entry"),
    ),
    edit(
        "announce an entry longer than the bundle",
        |dir| {
            let file = dir.join("tile/entries/000");
            let mut content = fs::read(&file).unwrap();
            content[..2].fill(255);
            fs::write(file, content).unwrap();
        },
        At(0, ""),
    ),
    edit(
        "edit an entry and its hash in the tile",
        |dir| {
            let mut hash = [0; 32];
            bundle(dir, |list| {
                let text = String::from_utf8(list[150].clone())
                    .unwrap()
                    .replacen("me.read", "me.hide", 1);
                list[150] = text.into_bytes();
                hash.copy_from_slice(keepgate_merkle::hash::leaf_hash(&list[150]).as_bytes());
            });
            tile(dir, |content| content[150 * 32..151 * 32].copy_from_slice(&hash));
        },
        At(0, "is not the root over leaves 0 to 255"),
    ),
    edit(
        "edit a hash of a tile",
        |dir| tile(dir, |content| content[150 * 32] ^= 1),
        At(150, "does not have the hash"),
    ),
    edit(
        "cut a tile",
        |dir| tile(dir, |content| content.truncate(200 * 32 + 7)),
        At(200, "ends before its hash 200"),
    ),
    edit(
        "append a hash to a tile",
        |dir| tile(dir, |content| content.extend([0; 32])),
        Incomplete("more than 8192 bytes"),
    ),
    edit(
        "take a tile away",
        |dir| fs::remove_file(dir.join("tile/0/000")).unwrap(),
        Incomplete("tile/0/000"),
    ),
    edit(
        "take the checkpoint away",
        |dir| fs::remove_file(dir.join("checkpoint")).unwrap(),
        Incomplete("checkpoint"),
    ),
    edit(
        "tell a smaller size",
        |dir| size(dir, |size| (size.parse::<u64>().unwrap() - 1).to_string()),
        DISTRUST,
    ),
    edit(
        "tell another log's name",
        |dir| note(dir, |text| text.replacen("/audit/", "/Audit/", 1)),
        DISTRUST,
    ),
    edit(
        "write the size with a leading zero",
        |dir| size(dir, |size| format!("0{size}")),
        DISTRUST,
    ),
    edit(
        "write the size with a sign",
        |dir| size(dir, |size| format!("+{size}")),
        DISTRUST,
    ),
    edit(
        "write the checkpoint with CR LF",
        |dir| note(dir, |text| text.replace('\n', "\r\n")),
        DISTRUST,
    ),
    edit(
        "leave out the last newline",
        |dir| note(dir, |text| text.trim_end().to_owned()),
        DISTRUST,
    ),
    edit(
        "append text to the checkpoint",
        |dir| note(dir, |text| text + "and more\n"),
        DISTRUST,
    ),
    edit(
        "leave out the signature",
        |dir| note(dir, |text| text.split_inclusive("\n\n").next().unwrap().to_owned()),
        DISTRUST,
    ),
    edit(
        "write the signature in other base64",
        |dir| note(dir, |text| text.replace('=', "")),
        DISTRUST,
    ),
    edit("change a byte of the signature", |dir| signature(dir, 20), DISTRUST),
    edit("sign under the id of another key", |dir| signature(dir, 0), DISTRUST),
    Edit {
        what: "show an old state",
        how: |_| {},
        told: Stale,
        args: &["--max-age", "0s"],
    },
];

pub async fn verify(dir: &Path, key: &str, more: &[&str]) -> Ended {
    let what = [
        "audit",
        "verify",
        "--dir",
        dir.to_str().unwrap(),
        "--key",
        key,
        "--json",
    ];
    run(what.into_iter().chain(more.iter().copied())).await
}

#[tokio::test]
async fn an_edited_export_is_found() {
    let scene = Scene::prepare().await;
    for (number, edit) in EDITS.iter().enumerate() {
        let dir: PathBuf = scene.exported(&number.to_string());
        assert_eq!(verify(&dir, &scene.key, &[]).await.code, Some(0));
        (edit.how)(&dir);
        let ended = verify(&dir, &scene.key, edit.args).await;
        edit.told.check(edit.what, &ended, scene.size);
    }
    a_bundle_is_no_weaker(&scene).await;
}

/// The same in one file.
async fn a_bundle_is_no_weaker(scene: &Scene) {
    let dir = scene.exported("bundled");
    bundle(&dir, |list| list[150][12] ^= 1);
    let file = dir.with_extension("tar");
    let mut tar = std::process::Command::new("tar");
    tar.args(["--format=ustar", "-cf"])
        .arg(&file)
        .arg("-C")
        .arg(&dir)
        .args(["checkpoint", "tile"]);
    assert!(tar.status().unwrap().success());
    let args = [
        "audit",
        "verify",
        "--bundle",
        file.to_str().unwrap(),
        "--key",
        &scene.key,
        "--json",
    ];
    // Folders are no files of a bundle.
    assert_eq!(run(args).await.code, Some(3));
    let list = std::process::Command::new("find")
        .args(["checkpoint", "tile", "-type", "f"])
        .current_dir(&dir)
        .output()
        .unwrap();
    let names = String::from_utf8(list.stdout).unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.args(["--format=ustar", "-cf"])
        .arg(&file)
        .arg("-C")
        .arg(&dir)
        .args(names.lines());
    assert!(tar.status().unwrap().success());
    At(150, "does not have the hash").check("edit a byte of an entry in a bundle", &run(args).await, scene.size);
}
