//! Reads keys from a parsed file and collects what is wrong.
use std::collections::{BTreeMap, BTreeSet};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    key::{Key, Type},
    keys,
    mistake::Mistake,
};

/// The section that is a list of tables.
const LIST: &str = "providers";

/// The values of a file, or of one entry of its list of providers, by dotted path.
pub struct Reader<'f> {
    source: &'f str,
    /// The line of the entry, for what is missing in it.
    line: Option<usize>,
    values: BTreeMap<String, &'f Spanned<DeValue<'f>>>,
    mistakes: Vec<Mistake>,
    asked: BTreeSet<&'static str>,
    /// The names of the file's sections.
    sections: BTreeSet<String>,
}

impl<'f> Reader<'f> {
    /// A reader of a whole file, and one for each provider.
    pub fn of_file(source: &'f str, table: &'f DeTable<'f>) -> (Self, Vec<Self>) {
        let sections: BTreeSet<String> = table.keys().map(|name| name.get_ref().to_string()).collect();
        let mut file = Self::new(source, None, sections.clone());
        let mut providers = Vec::new();
        for (name, value) in table {
            match value.get_ref() {
                DeValue::Array(entries) if name.get_ref() == LIST => {
                    for entry in entries {
                        let mut provider =
                            Self::new(source, Some(line_of(source, entry.span().start)), sections.clone());
                        provider.add(LIST, entry);
                        providers.push(provider);
                    }
                }
                _ if name.get_ref() == LIST => file.mistake(value, LIST, "expected [[providers]] with double brackets"),
                _ => file.add(name.get_ref(), value),
            }
        }
        (file, providers)
    }

    fn new(source: &'f str, line: Option<usize>, sections: BTreeSet<String>) -> Self {
        Self {
            source,
            line,
            values: BTreeMap::new(),
            mistakes: Vec::new(),
            asked: BTreeSet::new(),
            sections,
        }
    }

    /// Flattens sections; what is neither a key nor a section is a mistake.
    fn add(&mut self, path: &str, value: &'f Spanned<DeValue<'f>>) {
        let is_section = keys::ALL
            .iter()
            .any(|key| key.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        match value.get_ref() {
            DeValue::Table(table) if is_section => {
                for (name, value) in table {
                    self.add(&format!("{path}.{}", name.get_ref()), value);
                }
            }
            _ if is_section => self.mistake(value, path, "expected a section, which is a table of keys"),
            _ if keys::ALL.iter().any(|key| key.path() == path) => {
                self.values.insert(path.to_owned(), value);
            }
            _ => self.mistake(value, path, &unknown(path)),
        }
    }

    fn mistake(&mut self, value: &Spanned<DeValue<'_>>, key: &str, why: &str) {
        let line = Some(line_of(self.source, value.span().start));
        self.mistakes.push(Mistake {
            line,
            key: key.into(),
            why: why.into(),
        });
    }

    /// The value of a key, its default if there is none. `None` when there is neither, or a mistake.
    pub fn get<T: Type>(&mut self, key: &Key<T>) -> Option<T::Out> {
        self.asked.insert(key.path);
        let Some(value) = self.values.get(key.path).copied() else {
            return default_of(key);
        };
        match key.of.read(value.get_ref()) {
            Ok(read) => match key.of.needs(&read).filter(|section| !self.sections.contains(*section)) {
                Some(section) => {
                    let add = super::types::section(section);
                    self.mistake(
                        value,
                        key.path,
                        &format!("names a secret in a store without its section; add [{section}]: {add}"),
                    );
                    None
                }
                None => Some(read),
            },
            Err(why) => {
                self.mistake(value, key.path, &why);
                None
            }
        }
    }

    /// The value of a key that must be there.
    pub fn require<T: Type>(&mut self, key: &Key<T>) -> Option<T::Out> {
        if !self.has(key) {
            self.complain(key, &format!("is missing: {} ({})", key.what, key.of.describe()));
        }
        self.get(key)
    }

    /// Whether the file sets the key.
    pub fn has<T>(&self, key: &Key<T>) -> bool {
        self.values.contains_key(key.path)
    }

    /// Whether the file has the section.
    pub fn has_section(&self, name: &str) -> bool {
        self.sections.contains(name)
    }

    /// Adds a mistake about a key, set or not.
    pub fn complain<T>(&mut self, key: &Key<T>, why: &str) {
        match self.values.get(key.path).copied() {
            Some(value) => self.mistake(value, key.path, why),
            None => self.mistakes.push(Mistake {
                line: self.line,
                key: key.path.into(),
                why: why.into(),
            }),
        }
    }

    /// What was wrong so far.
    pub fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    /// The keys that were asked for.
    #[cfg(test)]
    pub fn asked(&self) -> impl Iterator<Item = &'static str> {
        self.asked.iter().copied()
    }
}

/// The default, if it is TOML and not words.
pub fn default_of<T: Type>(key: &Key<T>) -> Option<T::Out> {
    if key.default.is_empty() || key.default.starts_with('(') {
        return None;
    }
    let value = DeValue::parse(key.default).ok()?;
    key.of.read(value.get_ref()).ok()
}

fn unknown(path: &str) -> String {
    let near = |key: &&'static str| strsim::jaro_winkler(key, path);
    let best = keys::ALL
        .iter()
        .map(|key| key.path())
        .max_by(|a, b| near(a).total_cmp(&near(b)));
    match best {
        Some(best) if near(&best) > 0.75 => format!("no such key; did you mean `{best}`?"),
        _ => "no such key".into(),
    }
}

/// The line of a byte offset, 1 the first.
pub fn line_of(source: &str, offset: usize) -> usize {
    source.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
