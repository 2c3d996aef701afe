//! Signing a ledger: nothing that does not continue what was signed last.
use keepgate_merkle::{
    checkpoint::Checkpoint,
    proof::{consistency_proof, nodes_for_consistency, verify_consistency},
};

use super::{Backend, Ledger, LedgerError};
use crate::{
    LogFault, SignedCheckpoint, SignedHead,
    integrate::{sign, state_of},
};

impl<B: Backend> Ledger<B> {
    /// Signs the log as it is, and keeps the checkpoint; the newest one if nothing was appended since. Call it every second, or
    /// every hour: what no checkpoint covers can't be proved yet, nor would its change be noticed.
    ///
    /// # Errors
    /// [`LedgerError::Log`] when the log does not contain what was signed last, here or (see [`Ledger::remembering`])
    /// outside: somebody changed the database, or took it back. Keep it as it is and find out who.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, LedgerError> {
        let _alone = self.signing.lock().await;
        // What was signed is read before what there is: others append and sign meanwhile.
        let known = self.remembered().await?;
        let last = self.signed().await?;
        let head = state_of(&self.book.edge().await?);
        for old in [known, last.as_ref().map(|(last, _)| *last)].into_iter().flatten() {
            self.check_growth(old, head).await?;
        }
        if let Some(heads) = self.heads.as_ref().filter(|_| known != Some(head)) {
            heads.keep(&[(self.origin().to_owned(), head)], None).await?;
        }
        if let Some((_, signed)) = last.filter(|(last, _)| *last == head) {
            return Ok(signed);
        }
        let at = u64::try_from(self.clock.now().timestamp()).unwrap_or(0);
        let note = sign(self.origin(), head, &self.keys, at)?;
        self.book.publish(head, &note).await?;
        Ok(SignedCheckpoint { size: head.size, note })
    }

    /// The newest checkpoint, if the ledger's own keys made it.
    pub(super) async fn signed(&self) -> Result<Option<(SignedHead, SignedCheckpoint)>, LedgerError> {
        let Some(note) = self.book.newest().await? else {
            return Ok(None);
        };
        let open = Checkpoint::open(note.as_bytes(), self.origin(), &self.verifiers());
        let Checkpoint { size, root, .. } = open.map_err(|_| LogFault::HeadChanged)?;
        Ok(Some((SignedHead { size, root }, SignedCheckpoint { size, note })))
    }

    /// What was signed last, as it is remembered outside.
    async fn remembered(&self) -> Result<Option<SignedHead>, LedgerError> {
        match &self.heads {
            Some(heads) => Ok(heads.load().await?.heads.get(self.origin()).copied()),
            None => Ok(None),
        }
    }

    /// Whether `new` contains `old`, by the tiles as they are stored.
    async fn check_growth(&self, old: SignedHead, new: SignedHead) -> Result<(), LedgerError> {
        if new.size < old.size {
            let (signed, size) = (old.size, new.size);
            return Err(LogFault::Shrank { signed, size }.into());
        }
        let forked = || LogFault::Forked(old.size);
        let proof = if old.size == 0 || old.size == new.size {
            Vec::new()
        } else {
            let nodes = nodes_for_consistency(old.size, new.size).map_err(|_| forked())?;
            let tiles = self.gather(nodes, new.size).await?;
            consistency_proof(old.size, new.size, &tiles).map_err(|_| forked())?
        };
        if old.size > 0 {
            verify_consistency(old.size, new.size, &old.root, &new.root, &proof).map_err(|_| forked())?;
        }
        Ok(())
    }
}
