//! A proof written down instead of minted.
use std::marker::PhantomData;
use keepgate_kernel::{Level, PrincipalId, TenantId};
use keepgate_policy::{Authorized, Standing, permissions::TenantUpdate};

fn forge(by: PrincipalId, tenant: TenantId) -> Authorized<TenantUpdate> {
    Authorized { by, tenant, standing: Standing::Level(Level::GlobalAdmin), unit: None, fresh: true, permission: PhantomData } //~ E0451
}

fn main() {}
