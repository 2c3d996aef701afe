//! A log as the database behind a gateway holds it: rows, leaves, tiles and every checkpoint it ever signed.
use keepgate_audit::{Leaf, leaf::leaf_hash};
use keepgate_kernel::format_time;
use keepgate_merkle::tile::{FULL_WIDTH, TileKind, TilePath, encode_bundle};
use tokio::runtime::Runtime;

use super::{observe::RowFaults, source::Unreadable};
use crate::{
    cli::VerifyArgs,
    embedded::{Attached, DATABASE},
    environment::Environment,
    failure::Failure,
    postgres::{self, Databases, StoredLog, StoredRow},
};

/// Old checkpoints compared at most. They are spread over the whole log.
const OLDER: u32 = 2000;

/// An open log. Everything is read in one snapshot.
pub struct Stored {
    runtime: Runtime,
    log: StoredLog,
    faults: RowFaults,
    /// Keeps a private server of a stopped service running.
    _attached: Option<Attached>,
}

impl Stored {
    /// Opens the log of the installation that `args` name. Rows that say something else than their leaves are put into `faults`.
    ///
    /// # Errors
    /// Exit codes 2 and 3.
    pub fn open(args: &VerifyArgs, environment: &Environment, faults: RowFaults) -> Result<Self, Failure> {
        let config = args.data.load(environment)?;
        let (link, attached) = match Databases::external(&config)? {
            Some(databases) => (databases.integrator, None),
            None => {
                let attached = Attached::to(&config, environment)?;
                (postgres::link(&attached.url(DATABASE, "keepgate")?)?, Some(attached))
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("can't start the runtime", &error))?;
        let log = runtime.block_on(StoredLog::open(&link, args.tenant))?;
        Ok(Self {
            runtime,
            log,
            faults,
            _attached: attached,
        })
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> Vec<u8> {
        self.log.checkpoint().to_vec()
    }

    /// Signed checkpoints of the log's past, which place a change that nothing else places.
    pub fn older(&mut self) -> Result<Vec<Vec<u8>>, Unreadable> {
        self.runtime
            .block_on(self.log.older(OLDER))
            .map_err(|failure| unreadable(&failure))
    }

    /// A tile as it is stored; a bundle as its rows give it.
    pub fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, Unreadable> {
        match path.kind() {
            TileKind::Hashes(level) => self
                .runtime
                .block_on(self.log.hashes(level, path.index(), path.width()))
                .map_err(|failure| unreadable(&failure)),
            TileKind::Entries => {
                let first = path.index().saturating_mul(FULL_WIDTH.into());
                let rows = self.runtime.block_on(self.log.rows(first, path.width()));
                let rows = rows.map_err(|failure| unreadable(&failure))?;
                let mut entries = Vec::with_capacity(rows.len());
                for (index, row) in (first..).zip(rows) {
                    let Some(row) = row else {
                        self.archived(index)?;
                        // An entry that is gone ends the bundle: the check names it.
                        break;
                    };
                    if let Some(fault) = fault(&row) {
                        self.faults.borrow_mut().insert(index, fault);
                    }
                    entries.push(row.leaf);
                }
                encode_bundle(entries).map_err(|error| Unreadable::new(error.to_string()))
            }
        }
    }

    /// Entries that were archived are not here to be checked; whoever removed others can't hide behind that.
    fn archived(&mut self, index: u64) -> Result<(), Unreadable> {
        let first = self
            .runtime
            .block_on(self.log.min_index())
            .map_err(|failure| unreadable(&failure))?;
        if index >= first {
            return Ok(());
        }
        Err(Unreadable::elsewhere(format!(
            "entries before {first} were archived and removed"
        )))
    }

    /// What the database holds that the log does not: the index, if there is one, and in words.
    pub fn strays(&mut self) -> Result<Option<(Option<u64>, String)>, Unreadable> {
        self.runtime
            .block_on(self.log.strays())
            .map_err(|failure| unreadable(&failure))
    }
}

/// What a row says otherwise than its leaf. Searches use the row, so a wrong one hides an entry.
fn fault(row: &StoredRow) -> Option<String> {
    // What is no leaf is told by the check of entries.
    let leaf = Leaf::parse(&row.leaf).ok()?;
    let pairs = [
        ("action", leaf.action.clone(), row.action.clone()),
        ("actor", leaf.actor.uuid().to_string(), row.actor.to_string()),
        (
            "actor's kind",
            leaf.actor.kind().as_str().to_owned(),
            row.actor_type.clone(),
        ),
        ("entity", leaf.entity.clone(), row.entity.clone()),
        ("outcome", leaf.outcome.as_str().to_owned(), row.outcome.clone()),
        (
            "reason",
            leaf.reason.clone().unwrap_or_default(),
            row.reason.clone().unwrap_or_default(),
        ),
        ("request", leaf.request.uuid().to_string(), row.request.to_string()),
        ("time", format_time(leaf.recorded_at), format_time(row.recorded_at)),
        ("id", leaf.id.uuid().to_string(), row.id.to_string()),
        (
            "quality of time",
            leaf.time_quality.as_str().to_owned(),
            row.time_quality.clone(),
        ),
    ];
    if let Some((name, leaf, row)) = pairs.into_iter().find(|(_, leaf, row)| leaf != row) {
        return Some(format!("its row says the {name} is `{row}`, its leaf `{leaf}`"));
    }
    (leaf_hash(&row.leaf).as_slice() != row.leaf_hash).then(|| "its row has another hash than its leaf".into())
}

fn unreadable(failure: &Failure) -> Unreadable {
    Unreadable::new(failure.why().to_owned())
}
