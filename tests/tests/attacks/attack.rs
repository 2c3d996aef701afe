//! What an attempt is, and how it is judged.
use std::{borrow::Cow, future::Future, pin::Pin};

use crate::siege::Siege;

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// `kg_app` in nobody's name.
    Nobody,
    /// `kg_app` in the name of a member of the cast.
    App(&'static str),
    /// `kg_app` as the worker of a tenant.
    Worker(&'static str),
    /// `kg_auth` in nobody's name.
    AuthNobody,
    /// `kg_auth` as the worker of a tenant.
    Auth(&'static str),
    /// `kg_integrator`.
    Integrator,
    /// The tables' owner.
    Owner,
    /// The cluster's superuser.
    Superuser,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Refused, or nothing there to see or change; why.
    Blocked(String),
    /// It got through; what it got.
    Breach(String),
    /// The attempt itself is wrong: it proves nothing.
    Broken(String),
}

impl Verdict {
    pub fn is_breach(&self) -> bool {
        matches!(self, Self::Breach(_))
    }

    /// Blocked if `held`.
    pub fn of(held: bool, told: impl Into<String>) -> Self {
        if held {
            Self::Blocked(told.into())
        } else {
            Self::Breach(told.into())
        }
    }
}

pub type Ending<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

pub enum Run {
    /// Statements in one transaction that is rolled back: refused, or no row seen or touched.
    Sql {
        sql: String,
        codes: &'static [&'static str],
        rows: bool,
    },
    /// Anything else.
    Code(for<'a> fn(&'a Siege) -> Ending<'a>),
}

/// One attempt.
pub struct Attack {
    pub name: Cow<'static, str>,
    pub who: Who,
    pub run: Run,
    /// What a managed PostgreSQL lets through until `lockdown.sql` is applied.
    pub needs_lockdown: bool,
}

/// SQL that must be refused or find nothing.
pub fn sql(name: impl Into<Cow<'static, str>>, who: Who, sql: impl Into<String>) -> Attack {
    let run = Run::Sql {
        sql: sql.into(),
        codes: &["42501", "KG001", "KG002"],
        rows: true,
    };
    Attack {
        name: name.into(),
        who,
        run,
        needs_lockdown: false,
    }
}

/// SQL that must be refused, whatever it would return.
pub fn refused(name: impl Into<Cow<'static, str>>, who: Who, text: impl Into<String>) -> Attack {
    with(sql(name, who, text), &["42501", "KG001", "KG002"], false)
}

/// SQL that must end with one of `codes`, whatever it would return.
pub fn ends_with(
    name: impl Into<Cow<'static, str>>,
    who: Who,
    text: impl Into<String>,
    codes: &'static [&'static str],
) -> Attack {
    with(sql(name, who, text), codes, false)
}

/// Anything else.
pub fn code(name: &'static str, who: Who, run: for<'a> fn(&'a Siege) -> Ending<'a>) -> Attack {
    Attack {
        name: name.into(),
        who,
        run: Run::Code(run),
        needs_lockdown: false,
    }
}

fn with(attack: Attack, codes: &'static [&'static str], rows: bool) -> Attack {
    let Run::Sql { sql, .. } = attack.run else {
        panic!("SQL")
    };
    Attack {
        run: Run::Sql { sql, codes, rows },
        ..attack
    }
}

impl Attack {
    pub fn locked_down(self) -> Self {
        Self {
            needs_lockdown: true,
            ..self
        }
    }

    pub async fn play(&self, siege: &Siege) -> Verdict {
        match &self.run {
            Run::Code(run) => run(siege).await,
            Run::Sql { sql, codes, rows } => match siege.try_sql(self.who, sql).await {
                Err(error) if codes.contains(&error.code.as_str()) => Verdict::Blocked(error.to_string()),
                Err(error) => Verdict::Broken(error.to_string()),
                Ok(0) if *rows => Verdict::Blocked("0 rows".into()),
                Ok(seen) => Verdict::Breach(format!("accepted, {seen} rows")),
            },
        }
    }
}
