//! Reading policies.

use std::collections::{HashMap, HashSet};

use super::{Group, Log, LogKey, Member, Policy, Witness};
use crate::cosignature::{CosignerKey, Scheme};
use crate::note::ParseVkey;

/// How long a policy may be, in bytes.
pub const MAX_POLICY_BYTES: usize = 1024 * 1024;
/// How deep groups may be nested.
const MAX_DEPTH: usize = 32;

/// Which line of a policy is wrong, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy")]
pub struct ParsePolicy {
    /// The number of the line, from 1; the last one if something is missing.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub error: PolicyError,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More than [`MAX_POLICY_BYTES`].
    #[error("the policy is longer than {MAX_POLICY_BYTES} bytes")]
    TooLong,
    /// A control character other than tab and newline, or no newline at the end.
    #[error("lines end in a newline and hold no other control character than tabs")]
    Character,
    /// It begins with no known word.
    #[error("a line begins with `log`, `witness`, `group` or `quorum`")]
    Keyword,
    /// There are too many or too few items on it.
    #[error("the line has too many or too few items")]
    Items,
    /// The key is not one.
    #[error("the verifier key is not valid")]
    Key(#[source] ParseVkey),
    /// A URL is not UTF-8.
    #[error("the URL is not UTF-8")]
    Url,
    /// Another line has the same public key.
    #[error("the public key stands on another line already")]
    DuplicateKey,
    /// The name is taken, or is `none`.
    #[error("the name is taken")]
    DuplicateName,
    /// The name was not defined on an earlier line.
    #[error("the name is not defined on an earlier line")]
    UnknownName,
    /// A member of a group is a member already, of this group or another one.
    #[error("a member of the group is the member of a group already")]
    MemberTwice,
    /// The threshold is no canonical decimal from 1 to the number of members.
    #[error("the threshold must be `any`, `all` or a number from 1 to the number of members")]
    Threshold,
    /// Groups are nested too deeply.
    #[error("groups are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// There is a second quorum.
    #[error("there is a quorum already")]
    SecondQuorum,
    /// There is no quorum.
    #[error("there is no quorum")]
    NoQuorum,
}

/// A policy while it is read.
#[derive(Default)]
struct Reader<'t> {
    policy: Option<Member>,
    decided: bool,
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// Who is called what, and how deep it is nested.
    names: HashMap<&'t [u8], (Member, usize)>,
    /// Members of some group.
    used: HashSet<&'t [u8]>,
    /// The public keys seen, those of logs and of witnesses apart.
    keys: HashSet<(&'static str, u8, Vec<u8>)>,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`ParsePolicy`] names the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParsePolicy> {
        let at = |line, error| ParsePolicy { line, error };
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(at(1, PolicyError::TooLong));
        }
        let mut reader = Reader::default();
        let mut count = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            count += 1;
            let line = line.strip_suffix(b"\n").ok_or(at(count, PolicyError::Character))?;
            let allowed = |byte: &u8| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7F);
            if !line.iter().all(allowed) {
                return Err(at(count, PolicyError::Character));
            }
            reader.line(line).map_err(|error| at(count, error))?;
        }
        if !reader.decided {
            return Err(at(count.max(1), PolicyError::NoQuorum));
        }
        Ok(Self {
            logs: reader.logs,
            witnesses: reader.witnesses,
            groups: reader.groups,
            quorum: reader.policy,
        })
    }
}

impl<'t> Reader<'t> {
    fn line(&mut self, line: &'t [u8]) -> Result<(), PolicyError> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let items: Vec<&[u8]> = line.split(blank).filter(|item| !item.is_empty()).collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.quorum(rest),
            _ => Err(PolicyError::Keyword),
        }
    }

    fn log(&mut self, items: &[&[u8]]) -> Result<(), PolicyError> {
        let (key, url) = match items {
            [key] => (key, None),
            [key, url] => (key, Some(url)),
            _ => return Err(PolicyError::Items),
        };
        let text = text(key).ok_or(PolicyError::Key(ParseVkey::Form))?;
        let key = match text.parse() {
            Ok(key) => LogKey::Ed25519(key),
            Err(ParseVkey::Type(kind)) if kind == Scheme::MlDsa44 as u8 => {
                LogKey::MlDsa44(text.parse().map_err(PolicyError::Key)?)
            }
            Err(error) => return Err(PolicyError::Key(error)),
        };
        let (scheme, public) = match &key {
            LogKey::Ed25519(key) => (0x01, key.public_key().to_vec()),
            LogKey::MlDsa44(key) => (key.scheme() as u8, key.public_key()),
        };
        if !self.keys.insert(("log", scheme, public)) {
            return Err(PolicyError::DuplicateKey);
        }
        let url = url.map(|url| owned(url)).transpose()?;
        self.logs.push(Log { key, url });
        Ok(())
    }

    fn witness(&mut self, items: &[&'t [u8]]) -> Result<(), PolicyError> {
        let (name, key, url) = match items {
            [name, key] => (*name, key, None),
            [name, key, url] => (*name, key, Some(url)),
            _ => return Err(PolicyError::Items),
        };
        let text = text(key).ok_or(PolicyError::Key(ParseVkey::Form))?;
        let key: CosignerKey = text.parse().map_err(PolicyError::Key)?;
        if !self.keys.insert(("witness", key.scheme() as u8, key.public_key())) {
            return Err(PolicyError::DuplicateKey);
        }
        let url = url.map(|url| owned(url)).transpose()?;
        self.define(name, Member::Witness(self.witnesses.len()), 0)?;
        self.witnesses.push(Witness {
            name: name.to_vec(),
            key,
            url,
        });
        Ok(())
    }

    fn group(&mut self, items: &[&'t [u8]]) -> Result<(), PolicyError> {
        let [name, threshold, named @ ..] = items else {
            return Err(PolicyError::Items);
        };
        if named.is_empty() {
            return Err(PolicyError::Items);
        }
        let threshold = match *threshold {
            b"any" => 1,
            b"all" => named.len(),
            number => number_of(number).ok_or(PolicyError::Threshold)?,
        };
        if !(1..=named.len()).contains(&threshold) {
            return Err(PolicyError::Threshold);
        }
        let (mut members, mut depth) = (Vec::with_capacity(named.len()), 0);
        for member in named {
            let (found, at) = self.find(member)?;
            if !self.used.insert(member) {
                return Err(PolicyError::MemberTwice);
            }
            depth = depth.max(at + 1);
            members.push(found);
        }
        if depth > MAX_DEPTH {
            return Err(PolicyError::TooDeep);
        }
        self.define(name, Member::Group(self.groups.len()), depth)?;
        self.groups.push(Group { threshold, members });
        Ok(())
    }

    fn quorum(&mut self, items: &[&'t [u8]]) -> Result<(), PolicyError> {
        let [name] = items else { return Err(PolicyError::Items) };
        if self.decided {
            return Err(PolicyError::SecondQuorum);
        }
        self.policy = match *name {
            b"none" => None,
            name => Some(self.find(name)?.0),
        };
        self.decided = true;
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<(Member, usize), PolicyError> {
        self.names.get(name).copied().ok_or(PolicyError::UnknownName)
    }

    fn define(&mut self, name: &'t [u8], member: Member, depth: usize) -> Result<(), PolicyError> {
        if name == b"none" || self.names.insert(name, (member, depth)).is_some() {
            return Err(PolicyError::DuplicateName);
        }
        Ok(())
    }
}

fn text(item: &[u8]) -> Option<&str> {
    std::str::from_utf8(item).ok()
}

fn owned(url: &[u8]) -> Result<String, PolicyError> {
    text(url).map(str::to_owned).ok_or(PolicyError::Url)
}

fn number_of(item: &[u8]) -> Option<usize> {
    usize::try_from(crate::decimal::parse(text(item)?)?).ok()
}
