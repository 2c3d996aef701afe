//! Counts tests from what the runners print.

use std::fmt;

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    /// Adds up every closing line of nextest and of cargo test.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sum = Self::default();
        for line in lines {
            let line = without_colours(line);
            if let Some(one) = nextest(&line).or_else(|| cargo_test(&line)) {
                sum.add(one);
            }
        }
        sum
    }

    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// `Summary [   2.752s] 34/52 tests run: 33 passed (1 slow), 1 failed, 2 timed out, 0 skipped`
fn nextest(line: &str) -> Option<Tally> {
    let counts = line.trim_start().strip_prefix("Summary [")?.split_once(" run: ")?.1;
    let of = |word: &str| count(counts.split(", "), word);
    Some(Tally {
        passed: of("passed"),
        failed: of("failed") + of("timed") + of("exec"),
    })
}

/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s`
fn cargo_test(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    Some(Tally {
        passed: count(counts.split("; "), "passed"),
        failed: count(counts.split("; "), "failed"),
    })
}

/// The number before `word` in `3 passed`, 0 if it is not there.
fn count<'a>(parts: impl Iterator<Item = &'a str>, word: &str) -> u64 {
    let mut words = parts.map(|part| part.split_whitespace());
    let found = words.find_map(|mut words| {
        let number = words.next()?.parse().ok()?;
        (words.next()? == word).then_some(number)
    });
    found.unwrap_or(0)
}

fn without_colours(line: &str) -> String {
    let mut pieces = line.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_both_runners_are_added_up() {
        let lines = [
            "     Summary [   2.752s] 34/52 tests run: 33 passed (1 slow, 2 leaky), 1 failed, 2 timed out, 4 skipped",
            "     Summary [   0.034s] 5 tests run: 5 passed, 0 skipped",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "a test printed: 9 passed, 9 failed",
        ];
        assert_eq!(Tally::of(lines), Tally { passed: 42, failed: 5 });
    }

    #[test]
    fn colours_do_not_hide_a_count() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.034s] \u{1b}[1m5\u{1b}[0m tests run: \u{1b}[1m5\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m";
        assert_eq!(Tally::of([line]).to_string(), "5 passed, 0 failed");
    }
}
