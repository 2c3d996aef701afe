//! `matrix.txt`, read as text: nothing here asks the policy.
use std::{collections::BTreeMap, sync::LazyLock};

const MATRIX: &str = include_str!("../matrix.txt");

/// One line.
#[derive(Debug, Clone)]
pub struct Row {
    pub action: &'static str,
    /// The levels of people that hold it.
    pub people: Vec<u8>,
    /// The levels of API keys that hold it.
    pub keys: Vec<u8>,
    pub worker: bool,
    /// Whether it is left to an auditor, to billing, to a privacy officer.
    pub hats: [bool; 3],
    pub step_up: bool,
    pub two_person: bool,
    pub one_factor: bool,
    pub reach: &'static str,
}

fn crosses(text: &str) -> Vec<bool> {
    text.chars()
        .map(|mark| match mark {
            'x' => true,
            '.' => false,
            other => panic!("`{other}` in the matrix"),
        })
        .collect()
}

fn levels(text: &str) -> Vec<u8> {
    let marks = crosses(text);
    assert_eq!(marks.len(), 7, "{text}");
    (1..)
        .zip(marks)
        .filter_map(|(level, held)| held.then_some(level))
        .collect()
}

fn row(line: &'static str) -> Row {
    let cells: Vec<&str> = line.split_whitespace().collect();
    let [action, people, keys, worker, hats, step_up, two, one, reach @ ..] = cells.as_slice() else {
        panic!("too few cells: {line}")
    };
    let one_of = |cell: &str| crosses(cell) == [true];
    Row {
        action,
        people: levels(people),
        keys: levels(keys),
        worker: one_of(worker),
        hats: crosses(hats).try_into().unwrap(),
        step_up: one_of(step_up),
        two_person: one_of(two),
        one_factor: one_of(one),
        reach: line.get(line.len() - reach.join(" ").len()..).unwrap(),
    }
}

/// Every line, by action.
pub fn rows() -> &'static BTreeMap<&'static str, Row> {
    static ROWS: LazyLock<BTreeMap<&'static str, Row>> =
        LazyLock::new(|| MATRIX.lines().skip(2).map(row).map(|row| (row.action, row)).collect());
    &ROWS
}
