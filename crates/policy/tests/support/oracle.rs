//! The rules of authority said a second time, in plain numbers, from the words of the design and from nothing in the policy:
//!
//! > granter ≥ 4, new level < granter's, target's present level < granter's, not oneself, same plane and tenant. Exceptions: 7
//! > appoints a 5 in any tenant; a new 7 needs two live 7s.
//!
//! Planes: 1 to 5 are customers, 6 and 7 the platform. Who may ask at all is read from the golden matrix.
use super::{How, golden::Row};

/// Everything a grant depends on. Level 0 stands for "none".
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub granter: u8,
    pub oneself: bool,
    pub same_tenant: bool,
    pub present: u8,
    pub new: u8,
}

/// Whether somebody who got as far as asking may give the level.
pub fn gives(case: Case) -> bool {
    if case.granter < 4 || case.oneself || case.new == 7 {
        return false;
    }
    if case.new >= case.granter || case.present >= case.granter {
        return false;
    }
    let customer = |level: u8| level <= 5;
    let owner_by_global_admin = case.granter == 7 && case.new == 5 && !case.same_tenant;
    owner_by_global_admin || (case.same_tenant && customer(case.granter) == customer(case.new))
}

/// Whether somebody who got as far as asking may change the other.
pub fn reaches(case: Case) -> bool {
    case.granter >= 4 && !case.oneself && case.same_tenant && case.present < case.granter
}

/// Whether a caller may ask for what the row is about; `hat` is its place in the row.
pub fn asks(row: &Row, level: u8, how: How, hat: Option<usize>) -> bool {
    let hat_leaves_it = hat.is_none_or(|hat| row.hats.get(hat) == Some(&true));
    match how {
        How::Worker => row.worker,
        How::Key => row.keys.contains(&level) && hat_leaves_it && !row.step_up,
        How::Fresh => row.people.contains(&level) && hat_leaves_it,
        How::Stale => row.people.contains(&level) && hat_leaves_it && !row.step_up,
        How::Owing => row.people.contains(&level) && hat_leaves_it && row.one_factor,
        How::Untold => row.people.contains(&level) && hat_leaves_it && row.one_factor && !row.step_up,
    }
}
