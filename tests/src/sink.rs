//! What a receiver of the log does with what it gets, by the script that the documentation gives it.
use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::Heard;

/// The lines of all bodies that came to `path`, in the order of their arrival.
pub fn lines(heard: &[Heard], path: &str) -> Vec<String> {
    let bodies = heard.iter().filter(|heard| heard.path == path);
    bodies
        .flat_map(|heard| {
            let text = String::from_utf8(heard.body.clone()).expect("records are text");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The indices of JSONL records, tests left out.
pub fn indices(lines: &[String]) -> Vec<u64> {
    let index = |line: &String| serde_json::from_str::<Value>(line).expect("a record is JSON")["index"].as_u64();
    lines.iter().filter_map(index).collect()
}

/// Runs the script of `docs/audit-streaming.md` over `lines`: whether it finds them whole, and what it says.
pub async fn receiver_check(lines: &[String], checkpoint: Option<&str>) -> (bool, String) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit-streaming.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (_, script) = page.split_once("```python\n").expect("it has a script");
    let (script, _) = script.split_once("```").expect("the script has an end");
    let dir = tempfile::tempdir().unwrap();
    let (program, note) = (dir.path().join("check.py"), dir.path().join("checkpoint"));
    std::fs::write(&program, script).unwrap();
    let mut command = Command::new("python3");
    command.arg(&program);
    if let Some(checkpoint) = checkpoint {
        std::fs::write(&note, checkpoint).unwrap();
        command.arg(&note);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all((lines.join("\n") + "\n").as_bytes()).await.unwrap();
    drop(stdin);
    let out = child.wait_with_output().await.unwrap();
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    (out.status.success(), String::from_utf8(out.stdout).unwrap())
}
