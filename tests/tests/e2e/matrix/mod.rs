//! Every operation of the API description × eight callers (levels 1 to 7, and nobody) × three places (the caller's own, another
//! unit of its tenant, another tenant).
//!
//! What is expected comes from the golden matrix (`crates/policy/tests/matrix.txt`), never from the code under test:
//! - nobody: 401;
//! - a level that the matrix leaves out: 403 `level-too-low`, wherever the thing is;
//! - another tenant's thing: the same answer, but for the request's id, as for a thing that exists nowhere: 404;
//! - at levels 1 to 3 another unit's thing: the same 404;
//! - everything else: done, with a body that is meant. A list tells nothing of what the caller can't reach.
//!
//! A new route is a line in [`cases`]: its name in the document, the kind of thing that its path names, a body. A new kind of thing
//! is a variant in [`thing`], and an arm in [`make`]. A route without a line fails.
mod case;
mod cases;
mod house;
mod judge;
mod make;
mod pairs;
mod thing;

use std::collections::{BTreeMap, BTreeSet};

use case::{Case, Part};
use house::House;
use keepgate_tests::{Operation, Server, golden};

/// Actions of nobody in particular: their operations are open to all, so there is no matrix to hold.
fn is_open(action: &str) -> bool {
    golden::rows()[action].people.is_empty()
}

fn actions(operations: &[Operation]) -> BTreeMap<String, String> {
    let asked = operations
        .iter()
        .filter_map(|operation| Some((operation.name(), operation.action.clone()?)));
    asked.filter(|(_, action)| !is_open(action)).collect()
}

#[tokio::test]
async fn every_operation_that_is_not_open_has_its_line() {
    let server = Server::start().await;
    let routes: BTreeSet<String> = actions(&server.operations().await).into_keys().collect();
    let lines: BTreeSet<String> = cases::all().iter().map(|case| case.name.to_owned()).collect();
    let without: Vec<&String> = routes.difference(&lines).collect();
    assert!(
        without.is_empty(),
        "routes without a line in matrix/cases.rs: {without:#?}"
    );
    let nowhere: Vec<&String> = lines.difference(&routes).collect();
    assert!(
        nowhere.is_empty(),
        "lines of matrix/cases.rs without a route: {nowhere:#?}"
    );
}

/// Tries every case of `part` as everybody, everywhere.
async fn holds(part: Part) {
    let mut house = House::build().await;
    let actions = actions(&house.server.operations().await);
    let rows = golden::rows();
    let mut cases: Vec<Case> = cases::all().into_iter().filter(|case| case.part == part).collect();
    cases.sort_by_key(|case| case.spends_caller);
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for case in &cases {
        let action = &actions[case.name];
        let tally = judge::everybody(&mut house, case, &rows[action.as_str()], &mut wrong).await;
        tried += tally.tried;
        if (tally.done == 0) != case.done_elsewhere {
            wrong.push(format!("{}: {} callers got it done", case.name, tally.done));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried} answers are not what the matrix says:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(tried >= cases.len() * 8, "{tried}");
}

#[tokio::test]
async fn people_and_credentials_answer_as_the_matrix_says() {
    holds(Part::People).await;
}

#[tokio::test]
async fn the_tenant_and_the_platform_answer_as_the_matrix_says() {
    holds(Part::Tenant).await;
}

#[tokio::test]
async fn messages_answer_as_the_matrix_says() {
    holds(Part::Messages).await;
}
