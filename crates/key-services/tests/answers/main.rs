//! What each answer of a service means: a stand-in on loopback gives every one of them.
#![cfg(test)]

mod aws;
mod aws_identity;
mod bao;
mod bao_session;
mod gcp;
mod stand_in;
mod table;
