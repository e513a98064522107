//! The control API, under `/_simulator`: what a platform would never let anybody do.

use super::play::Core;
use axum::Router;
use std::sync::Arc;

/// All routes.
pub(super) fn routes(core: Arc<Core>) -> Router {
    Router::new().with_state(core)
}
