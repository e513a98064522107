//! What the segments of paths name: an account, a post, a creator, a metric.

use super::params::{Params, Take};
use super::problem::Problem;
use domain::{AccountId, CreatorId, Platform, PostKey};
use utoipa::IntoParams;
use uuid::Uuid;

/// Which account, in the path.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct AccountPath {
    /// The account.
    #[param(value_type = String, format = "uuid")]
    pub(super) account_id: AccountId,
}

impl Take for AccountPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            account_id: params.segment("account_id")?,
        })
    }
}

/// Which post of an account, in the path.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PostPath {
    /// The account.
    #[param(value_type = String, format = "uuid")]
    pub(super) account_id: AccountId,
    /// The post, as this API names it.
    #[param(value_type = String, format = "uuid")]
    pub(super) post: PostKey,
}

impl Take for PostPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            account_id: params.segment("account_id")?,
            post: params.segment("post")?,
        })
    }
}

/// Which creator, in the path.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CreatorPath {
    /// The creator, by the id of the host system.
    #[param(value_type = String)]
    pub(super) creator: CreatorId,
}

impl Take for CreatorPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            creator: params.segment("creator")?,
        })
    }
}

/// Which creator and platform, in the path.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ConnectionPath {
    /// The creator, by the id of the host system.
    #[param(value_type = String)]
    pub(super) creator: CreatorId,
    /// The platform.
    #[param(value_type = String)]
    pub(super) platform: Platform,
}

impl Take for ConnectionPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            creator: params.segment("creator")?,
            platform: params.segment("platform")?,
        })
    }
}

/// Which choice, in the path.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ChoicePath {
    /// The choice.
    #[param(value_type = String, format = "uuid")]
    pub(super) choice_id: Uuid,
}

impl Take for ChoicePath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            choice_id: params.segment("choice_id")?,
        })
    }
}

/// Which metric, in the path.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MetricPath {
    /// The metric, by its name in `/v1/metrics`.
    pub(super) metric: String,
}

impl Take for MetricPath {
    fn take(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            metric: params.segment("metric")?,
        })
    }
}
