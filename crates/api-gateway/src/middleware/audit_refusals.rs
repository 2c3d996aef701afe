//! A request that a known caller made and that was refused before it became a command (malformed, too large, over a limit) is an
//! operation as well: it gets its one entry here.
use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use keepgate_kernel::Entity;
use keepgate_policy::OpContext;

use crate::{Api, Problem, actions};

/// What is known so far about a request: its caller, and whether the doorway has written an entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    caller: Option<OpContext>,
    written: bool,
}
impl Trail {
    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller has been identified.
    pub(crate) fn identified(&self, context: &OpContext) {
        self.lock().caller = Some(context.clone());
    }

    /// The doorway has been entered: it writes the entry, whatever the outcome.
    pub(crate) fn entered(&self) {
        self.lock().written = true;
    }
}

pub(crate) async fn audit_refusals(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned())
        .unwrap_or_default();
    let action = actions::of(request.method(), &route);
    let response = next.run(request).await;
    let (caller, written) = {
        let state = trail.lock();
        (state.caller.clone(), state.written)
    };
    let (Some(action), Some(caller), false, true) = (action, caller, written, response.status().is_client_error())
    else {
        return response;
    };
    let reason = response
        .extensions()
        .get::<Problem>()
        .map_or("invalid-request", Problem::slug);
    match api
        .gate
        .refuse(&caller, action, &Entity::named("route", &route), reason)
        .await
    {
        Ok(()) => response,
        Err(_) => Problem::unavailable("audit-unavailable", "the audit log can't be written").into_response(),
    }
}
