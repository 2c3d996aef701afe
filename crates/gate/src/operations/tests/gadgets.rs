//! Devices with keys, and what they do at the door.
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use keepgate_identity::{Challenge, DeviceForm, DeviceKey, EnrolmentCode, LoggedIn, login_message};
use keepgate_kernel::{Level, PrincipalId, RequestId, Timestamp, UnitId};
use keepgate_policy::{ErrorKind, OpContext};
use keepgate_rbac::CreateUnit;

use super::house::{House, context, now};
use crate::operations::{CreateDevice, CreateUser, DeviceCreated, UpdateDevice};

pub struct Gadget {
    pub id: PrincipalId,
    pub pair: Ed25519KeyPair,
}

pub fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

pub fn public(pair: &Ed25519KeyPair) -> DeviceKey {
    DeviceKey::new(pair.public_key().as_ref().try_into().unwrap())
}

pub fn new(name: &str, unit: Option<UnitId>) -> CreateDevice {
    CreateDevice {
        unit,
        ..CreateDevice::new(name.to_owned(), now()).unwrap()
    }
}

pub fn change(id: PrincipalId) -> UpdateDevice {
    UpdateDevice {
        id,
        name: None,
        unit: None,
        owner: None,
        active: None,
    }
}

impl House {
    pub async fn device(&self, by: &OpContext, name: &str) -> DeviceCreated {
        self.perform(by, &new(name, None)).await.unwrap()
    }

    pub async fn join(&self, code: &EnrolmentCode, key: DeviceKey) -> Result<PrincipalId, ErrorKind> {
        let desk = &self.desk;
        let prepared = desk
            .join_device(code.expose(), key, None, RequestId::new(now()), None, now())
            .await
            .unwrap();
        let done = self
            .front
            .perform_for(&prepared.context, prepared.actor, &prepared.command)
            .await;
        done.map(|done| done.output).map_err(|failure| failure.kind())
    }

    /// A device of the first unit that has joined.
    pub async fn gadget(&self, by: &OpContext, name: &str, seed: u8) -> Gadget {
        let (made, pair) = (self.device(by, name).await, pair(seed));
        assert_eq!(self.join(&made.code.code, public(&pair)).await, Ok(made.id));
        Gadget { id: made.id, pair }
    }

    pub async fn challenge(&self, device: PrincipalId, at: Timestamp) -> Challenge {
        let prepared = self
            .desk
            .device_challenge(device, RequestId::new(now()), None, at)
            .await
            .unwrap();
        self.front
            .perform_for(&prepared.context, prepared.actor, &prepared.command)
            .await
            .unwrap()
            .output
    }

    pub async fn answer(
        &self,
        device: PrincipalId,
        challenge: &str,
        signature: &[u8],
        source: Option<&str>,
    ) -> Result<LoggedIn, ErrorKind> {
        let form = DeviceForm {
            device,
            challenge,
            signature,
        };
        let source = source.map(|text| text.parse().unwrap());
        let prepared = self
            .desk
            .device_login(&form, RequestId::new(now()), source, now())
            .await
            .unwrap();
        let done = self
            .front
            .perform_for(&prepared.context, prepared.actor, &prepared.command)
            .await;
        done.map(|done| done.output).map_err(|failure| failure.kind())
    }

    pub async fn sign_in(&self, gadget: &Gadget) -> Result<LoggedIn, ErrorKind> {
        let challenge = self.challenge(gadget.id, now()).await;
        let signed = gadget.pair.sign(&login_message(gadget.id, challenge.as_str()));
        self.answer(gadget.id, challenge.as_str(), signed.as_ref(), None).await
    }

    pub async fn unit(&self, name: &str) -> UnitId {
        let id = UnitId::new(now());
        let command = CreateUnit { id, name: name.into() };
        self.perform(&self.caller(Level::TenantAdmin), &command).await.unwrap();
        id
    }

    /// The supervisor of another unit.
    pub async fn neighbour(&self, unit: UnitId) -> OpContext {
        let command = CreateUser {
            unit: Some(unit),
            ..CreateUser::new("neighbour@example.org".parse().unwrap(), Level::Supervisor, now()).unwrap()
        };
        let made = self.perform(&self.caller(Level::TenantAdmin), &command).await.unwrap();
        context(&self.enrol(&made.code).await)
    }
}
