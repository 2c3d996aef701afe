//! The policy's table as plain values.

use keepgate_kernel::{Action, Hat, Level};
use keepgate_policy::rule;

/// One permission.
#[derive(Debug, Clone)]
pub struct Line {
    pub action: &'static str,
    pub description: &'static str,
    pub levels: Vec<u8>,
    pub api_keys: bool,
    pub worker: bool,
    pub hats: Vec<Hat>,
    pub step_up: bool,
    pub two_person: bool,
    pub one_factor: bool,
    pub reach: &'static str,
}

/// Every permission, in the order of the list of actions.
pub fn lines() -> Vec<Line> {
    Action::ALL.iter().copied().map(line).collect()
}

fn line(action: Action) -> Line {
    let rule = rule(action);
    Line {
        action: action.as_str(),
        description: action.description(),
        levels: Level::ALL
            .into_iter()
            .filter(|level| rule.levels.contains(*level))
            .map(Level::number)
            .collect(),
        api_keys: rule.keys,
        worker: rule.system,
        hats: Hat::ALL.into_iter().filter(|hat| rule.hats.contains(*hat)).collect(),
        step_up: rule.step_up,
        two_person: rule.two_person,
        one_factor: rule.one_factor,
        reach: rule.reach.as_str(),
    }
}
