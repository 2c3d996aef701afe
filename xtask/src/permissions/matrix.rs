//! The golden matrix: one line for each permission, for reviewers and for the tests' oracles.

use std::fmt::Write as _;

use keepgate_kernel::{Hat, Level};

use super::table::Line;

const HEAD: &str = "\
action                 people   API keys worker hats step-up  two  one  reach
                       1234567  1234567         abp
";

pub fn text(lines: &[Line]) -> String {
    let mut text = String::from(HEAD);
    for line in lines {
        let people: String = Level::ALL
            .map(|level| mark(line.levels.contains(&level.number())))
            .iter()
            .collect();
        let keys = if line.api_keys { people.as_str() } else { "......." };
        let hats: String = Hat::ALL.map(|hat| mark(line.hats.contains(&hat))).iter().collect();
        let (worker, fresh) = (mark(line.worker), mark(line.step_up));
        let (two, one) = (mark(line.two_person), mark(line.one_factor));
        let _infallible = writeln!(
            text,
            "{:<22} {people}  {keys}  {worker}      {hats}  {fresh}        {two}    {one}    {}",
            line.action, line.reach
        );
    }
    text
}

const fn mark(may: bool) -> char {
    if may { 'x' } else { '.' }
}
