//! The log in other forms. Pure: pages of entries in, bytes out, so that an export of any size streams.
//!
//! [`EntryWriter`] makes JSONL, CSV and OCSF; [`bundle`] makes the archive that verifies on its own.
use crate::Entry;

pub mod bundle;
mod csv;
mod jsonl;
mod ocsf;
mod tar;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line: index, hash, the leaf verbatim, the address and its salt.
    Jsonl,
    /// RFC 4180, with a header line, safe to open in a spreadsheet.
    Csv,
    /// One OCSF 1.6 event a line, for a SIEM.
    Ocsf,
    /// A tar archive of the signed log itself.
    Bundle,
}

/// A word that names no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an export is `jsonl`, `csv`, `ocsf` or `bundle`")]
pub struct UnknownFormat;

impl Format {
    const ALL: [Self; 4] = [Self::Jsonl, Self::Csv, Self::Ocsf, Self::Bundle];

    /// The word in the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
            Self::Bundle => "bundle",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl | Self::Ocsf => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Bundle => "application/x-tar",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or(UnknownFormat)
    }
}

/// Writes entries one after another. Every line carries index and leaf hash: whoever receives it finds gaps, changes of
/// order and edits.
#[derive(Debug, Clone)]
pub struct EntryWriter {
    format: LineFormat,
    origin: String,
}

#[derive(Debug, Clone, Copy)]
enum LineFormat {
    Jsonl,
    Csv,
    Ocsf,
}

impl EntryWriter {
    /// A writer for the log named `origin`; `None` for [`Format::Bundle`], which is not made of entries.
    #[must_use]
    pub fn new(format: Format, origin: &str) -> Option<Self> {
        let format = match format {
            Format::Jsonl => LineFormat::Jsonl,
            Format::Csv => LineFormat::Csv,
            Format::Ocsf => LineFormat::Ocsf,
            Format::Bundle => return None,
        };
        Some(Self {
            format,
            origin: origin.to_owned(),
        })
    }

    /// What comes before the first page.
    #[must_use]
    pub fn begin(&self) -> Vec<u8> {
        match self.format {
            LineFormat::Csv => csv::HEADER.as_bytes().to_vec(),
            LineFormat::Jsonl | LineFormat::Ocsf => Vec::new(),
        }
    }

    /// One page.
    #[must_use]
    pub fn page(&self, entries: &[Entry]) -> Vec<u8> {
        let line = |entry: &Entry| match self.format {
            LineFormat::Jsonl => jsonl::line(&self.origin, entry),
            LineFormat::Csv => csv::line(entry),
            LineFormat::Ocsf => ocsf::line(&self.origin, entry),
        };
        entries.iter().map(line).collect::<String>().into_bytes()
    }
}
