//! Passkeys: what a browser is asked, and what its answers prove. The challenge of a ceremony is the one on record ([`MfaChallenge`]),
//! so it is answered once, within five minutes, by whom it was made for.
use keepgate_identity::{
    BeginPasskey, BeginStepUp, ChallengeRecord, ConfirmPasskey, FactorKind, MfaChallenge, NewFactor, PasskeyChecked,
    PasskeyWanted, Purpose, RecoveryCode, SecondProof,
    passkey::{
        Asserted, Created, Credential, OnRecord, PasskeyError, RelyingParty, creation_options, request_options,
        user_handle,
    },
};
use keepgate_kernel::{FactorId, PrincipalId, SessionId};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;

use super::{Looked, SecondDesk, SecondDeskError};

impl SecondDesk {
    /// The same, where passkeys are bound to `party`; without one there are none.
    #[must_use]
    pub fn with_passkeys(self, party: Option<RelyingParty>) -> Self {
        Self { party, ..self }
    }

    fn party(&self) -> Result<&RelyingParty, SecondDeskError> {
        self.party.as_ref().ok_or(SecondDeskError::NoPasskeys)
    }

    /// A challenge for a new passkey of the caller's, to be called `name`.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub fn begin_passkey(
        &self,
        caller: &OpContext,
        session: SessionId,
        name: String,
    ) -> Result<BeginPasskey, SecondDeskError> {
        self.party()?;
        let challenge = MfaChallenge::random(caller.tenant())?;
        Ok(BeginPasskey {
            challenge,
            session,
            name,
        })
    }

    /// What the browser is asked to make, as JSON.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub fn creation(&self, wanted: &PasskeyWanted) -> Result<String, SecondDeskError> {
        let handle = user_handle(wanted.tenant, wanted.principal);
        let name = wanted.email.as_ref();
        let name = name.map_or_else(|| wanted.principal.to_string(), |email| email.as_str().to_owned());
        let (party, challenge) = (self.party()?, wanted.challenge.ceremony());
        Ok(creation_options(party, challenge, &handle, &name, &wanted.known).to_string())
    }

    /// A challenge for the caller's passkeys, to prove again who the caller is.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub fn begin_step_up(&self, caller: &OpContext, session: SessionId) -> Result<BeginStepUp, SecondDeskError> {
        self.party()?;
        let challenge = MfaChallenge::random(caller.tenant())?;
        Ok(BeginStepUp { challenge, session })
    }

    /// What the browser is asked to sign, as JSON; `None` where there are no passkeys.
    #[must_use]
    pub fn request(&self, challenge: &MfaChallenge, known: &[Vec<u8>]) -> Option<String> {
        let party = self.party.as_ref().filter(|_| !known.is_empty())?;
        Some(request_options(party, challenge.ceremony(), known).to_string())
    }

    /// Counts the answer, checks it, and returns the command that puts the passkey on record or tells the audit log why not.
    ///
    /// # Errors
    /// [`SecondDeskError`]; what is wrong is no error here, but of the command.
    pub async fn confirm_passkey(
        &self,
        caller: &OpContext,
        session: SessionId,
        created: &Created,
    ) -> Result<ConfirmPasskey, SecondDeskError> {
        let party = self.party()?;
        let asked = self
            .asked(caller, session, Purpose::PasskeyEnrol, created.challenge())
            .await?;
        let Some((challenge, record)) = asked else {
            let checked = PasskeyChecked::Dead;
            return Ok(ConfirmPasskey { checked });
        };
        let checked = match created.verify(party, challenge.ceremony()) {
            Err(error) => PasskeyChecked::Wrong(error),
            Ok(new) => PasskeyChecked::Proven {
                hash: challenge.hash(),
                factor: Box::new(NewFactor {
                    id: FactorId::new(caller.at()),
                    principal: caller.principal().id,
                    kind: FactorKind::Passkey,
                    name: String::from_utf8(record.state.unwrap_or_default())
                        .map_err(|_| StoreError::corrupt("identity.mfa_challenge", "state"))?,
                    material: new.credential.to_record(),
                    counter: new.count.into(),
                    credential: Some(new.id),
                    confirmed: true,
                }),
                codes: RecoveryCode::set()?,
            },
        };
        Ok(ConfirmPasskey { checked })
    }

    /// The challenge that an answer names, counted, if it was made for this caller, in this session, for this purpose.
    pub(super) async fn asked(
        &self,
        caller: &OpContext,
        session: SessionId,
        purpose: Purpose,
        named: Option<String>,
    ) -> Result<Option<(MfaChallenge, ChallengeRecord)>, SecondDeskError> {
        let challenge = named.and_then(|text| MfaChallenge::of_ceremony(&text));
        let Some(challenge) = challenge.filter(|challenge| challenge.tenant() == caller.tenant()) else {
            return Ok(None);
        };
        let worker = caller.as_system(caller.tenant());
        let record = self.attempt(&worker, &challenge.hash()).await?;
        let (principal, wanted) = (caller.principal().id, (purpose, session));
        let own = record.filter(|record| record.principal == principal && (record.purpose, record.session) == wanted);
        Ok(own.map(|record| (challenge, record)))
    }

    /// What the signature proves about the principal's passkeys.
    pub(super) async fn look_at_passkey(
        &self,
        worker: &OpContext,
        principal: PrincipalId,
        challenge: &MfaChallenge,
        asserted: &Asserted,
    ) -> Result<Looked, SecondDeskError> {
        let Some(party) = &self.party else {
            return Ok(Looked::Wrong);
        };
        let passkeys = self
            .begin(worker)
            .await?
            .factors_on_file(principal, FactorKind::Passkey)
            .await?;
        let named = passkeys
            .iter()
            .find(|one| one.credential.as_ref() == Some(&asserted.id));
        let Some(passkey) = named else {
            return Ok(Looked::Wrong);
        };
        let credential = Credential::from_record(&passkey.material);
        let credential = credential.ok_or_else(|| StoreError::corrupt("identity.factor", "material"))?;
        let handle = user_handle(worker.tenant(), principal);
        let record = OnRecord {
            credential: &credential,
            count: passkey.counter,
            user_handle: &handle,
        };
        Ok(match asserted.verify(party, challenge.ceremony(), record) {
            Ok(count) => Looked::Proof(SecondProof::Passkey {
                factor: passkey.factor,
                counter: count.into(),
            }),
            Err(PasskeyError::Count) => Looked::Copied,
            Err(_) => Looked::Wrong,
        })
    }
}
