//! What a group is worth here.
use std::collections::BTreeMap;

use keepgate_kernel::UnitId;
use keepgate_policy::MappedLevel;

/// How many groups a mapping may name.
const GROUPS: usize = 200;

/// A level, and where it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// The level, 1 to 4.
    pub level: MappedLevel,
    /// The unit for levels 1 to 3; `None`: the tenant's first.
    pub unit: Option<UnitId>,
}

/// Why a mapping can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Too many groups.
    #[error("a mapping names at most 200 groups")]
    TooMany,
    /// A group without a name, or with one that is too long.
    #[error("a group's name has 1 to 256 characters")]
    Name,
    /// A unit beside level 4.
    #[error("only levels 1 to 3 belong to a unit")]
    Unit,
}

/// Groups by name, exactly as the provider or directory spells them, and what somebody without any of them gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    groups: BTreeMap<String, Mapped>,
    default: Option<MappedLevel>,
}

impl Mapping {
    /// A mapping.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn new(groups: BTreeMap<String, Mapped>, default: Option<MappedLevel>) -> Result<Self, MappingError> {
        if groups.len() > GROUPS {
            return Err(MappingError::TooMany);
        }
        for (name, mapped) in &groups {
            if !(1..=256).contains(&name.chars().count()) {
                return Err(MappingError::Name);
            }
            if mapped.unit.is_some() && !mapped.level.level().needs_unit() {
                return Err(MappingError::Unit);
            }
        }
        Ok(Self { groups, default })
    }

    /// The groups and what they are worth, by name.
    #[must_use]
    pub const fn groups(&self) -> &BTreeMap<String, Mapped> {
        &self.groups
    }

    /// What somebody in none of the groups gets.
    #[must_use]
    pub const fn default_level(&self) -> Option<MappedLevel> {
        self.default
    }

    /// What a member of `groups` gets: the highest level among them, the alphabetically first group deciding the unit of equals;
    /// without a known group the default; `None`: no access.
    pub fn of<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Option<Mapped> {
        let mut named: Vec<&str> = groups.into_iter().collect();
        named.sort_unstable();
        let known = named.iter().filter_map(|name| self.groups.get(*name));
        let best = known.fold(None, |best: Option<Mapped>, next| match best {
            Some(best) if best.level >= next.level => Some(best),
            _ => Some(*next),
        });
        best.or_else(|| self.default.map(|level| Mapped { level, unit: None }))
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::{Level, Uuid};
    use proptest::prelude::*;

    use super::*;

    fn mapped(level: Level, unit: Option<u128>) -> Mapped {
        Mapped {
            level: level.try_into().unwrap(),
            unit: unit.map(|number| UnitId::from_uuid(Uuid::from_u128(number))),
        }
    }

    fn mapping(default: Option<Level>) -> Mapping {
        let groups = [
            ("staff", mapped(Level::FieldAgent, None)),
            ("desk-a", mapped(Level::Operator, Some(1))),
            ("desk-b", mapped(Level::Operator, Some(2))),
            ("it", mapped(Level::TenantAdmin, None)),
        ];
        let groups = groups.map(|(name, mapped)| (name.to_owned(), mapped)).into();
        Mapping::new(groups, default.map(|level| level.try_into().unwrap())).unwrap()
    }

    #[test]
    fn the_highest_group_counts_and_no_group_is_no_access() {
        let mapping = mapping(None);
        assert_eq!(
            mapping.of(["staff", "it", "desk-a"]),
            Some(mapped(Level::TenantAdmin, None))
        );
        assert_eq!(mapping.of(["desk-b", "desk-a"]), Some(mapped(Level::Operator, Some(1))));
        assert_eq!(mapping.of(["IT", "it ", ""]), None, "names are compared exactly");
        assert_eq!(mapping.of([]), None);
    }

    #[test]
    fn the_default_is_for_who_has_no_known_group() {
        let mapping = mapping(Some(Level::FieldAgent));
        assert_eq!(mapping.of(["elsewhere"]), Some(mapped(Level::FieldAgent, None)));
        assert_eq!(mapping.of(["desk-a"]), Some(mapped(Level::Operator, Some(1))));
    }

    #[test]
    fn a_unit_does_not_go_with_level_four() {
        let groups = [("it".to_owned(), mapped(Level::TenantAdmin, Some(1)))].into();
        assert_eq!(Mapping::new(groups, None), Err(MappingError::Unit));
    }

    proptest! {
        #[test]
        fn one_more_group_never_lowers_and_nothing_exceeds_four(names in proptest::collection::vec("staff|desk-a|desk-b|it|x", 0..6)) {
            let mapping = mapping(None);
            let all = mapping.of(names.iter().map(String::as_str));
            let fewer = mapping.of(names.iter().skip(1).map(String::as_str));
            prop_assert!(all.map(|mapped| mapped.level) >= fewer.map(|mapped| mapped.level));
            prop_assert!(all.is_none_or(|mapped| mapped.level.level() <= Level::TenantAdmin));
        }
    }
}
