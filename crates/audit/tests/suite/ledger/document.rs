//! The ten lines are the same wherever they are shown.
const EXAMPLE: &str = include_str!("../../../examples/stock.rs");
const FACADE: &str = include_str!("../../../src/ledger.rs");
const GUIDE: &str = include_str!("../../../../../docs/library.md");

#[test]
fn the_example_s_ten_lines_are_those_of_the_crate_s_page_and_of_the_guide() {
    let between = EXAMPLE
        .split_once("// ten lines\n")
        .and_then(|(_, rest)| rest.split_once("// so far"));
    let lines: Vec<_> = between
        .unwrap()
        .0
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert!((5..=10).contains(&lines.len()), "{}", lines.len());
    let facade: String = FACADE
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .map(|line| format!("{line}\n"))
        .collect();
    let shown: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert!(facade.contains(&shown), "src/ledger.rs");
    assert!(GUIDE.contains(&shown), "docs/library.md");
}
