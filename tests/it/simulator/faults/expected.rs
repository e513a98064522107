//! What class each named error has, by the platforms' documents.

use adapters::platforms::Class;
use domain::Platform;

/// What is asked for when the error comes.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    Posts,
    Profile,
    Insights,
    Refresh,
    Token,
}

use Asked::{Insights, Posts, Profile, Refresh, Token};

const META: &[Platform] = &[Platform::Facebook, Platform::Instagram];
const FB: &[Platform] = &[Platform::Facebook];
const IG: &[Platform] = &[Platform::Instagram];
const TT: &[Platform] = &[Platform::Tiktok];
const YT: &[Platform] = &[Platform::Youtube];
const TT_YT: &[Platform] = &[Platform::Tiktok, Platform::Youtube];

type Expected = (&'static [Platform], &'static str, Asked, Class);

pub(super) const EXPECTED: &[Expected] = &[
    // Meta: the person must come back.
    (META, "app_removed", Posts, Class::AuthExpired),
    (META, "checkpoint", Profile, Class::AuthExpired),
    (META, "password_changed", Posts, Class::AuthExpired),
    (META, "session_expired", Posts, Class::AuthExpired),
    (META, "unconfirmed", Posts, Class::AuthExpired),
    (META, "session_invalid", Posts, Class::AuthExpired),
    (META, "session_102", Posts, Class::AuthExpired),
    (META, "token_invalid", Posts, Class::AuthExpired),
    (FB, "role_lost", Posts, Class::AuthExpired),
    (FB, "page_token_needed", Posts, Class::ConfigError),
    // Permission, and what may be permission.
    (META, "permission_3", Posts, Class::Permission),
    (META, "permission_10", Insights, Class::Permission),
    (META, "permission_200", Insights, Class::Permission),
    (META, "missing_object", Posts, Class::NotFoundOrPermission),
    (
        META,
        "missing_object_803",
        Profile,
        Class::NotFoundOrPermission,
    ),
    // Too many calls.
    (META, "rate_app", Posts, Class::RateLimited),
    (META, "rate_user", Posts, Class::RateLimited),
    (META, "rate_custom", Posts, Class::RateLimited),
    (META, "rate_business", Posts, Class::RateLimited),
    (FB, "rate_page", Posts, Class::RateLimited),
    // What passes.
    (META, "unknown_error", Posts, Class::Transient),
    (META, "transient", Posts, Class::Transient),
    (META, "feature_limit", Posts, Class::Transient),
    (META, "smaller_page", Posts, Class::RetrySmallerPage),
    (
        META,
        "unsupported_breakdown",
        Insights,
        Class::TransientOrInvalid,
    ),
    // Rules, and requests that are wrong.
    (META, "blocked", Posts, Class::Policy),
    (META, "duplicate_post", Posts, Class::Policy),
    (META, "bad_link", Posts, Class::Policy),
    (META, "invalid_field", Profile, Class::InvalidRequest),
    (META, "invalid_parameter", Posts, Class::InvalidRequest),
    (META, "limit_too_large", Posts, Class::InvalidRequest),
    (META, "no_metric", Insights, Class::InvalidRequest),
    (META, "invalid_metric", Insights, Class::InvalidRequest),
    (META, "unknown_path", Posts, Class::InvalidRequest),
    // Nothing to know.
    (IG, "few_viewers", Insights, Class::OkNoData),
    (IG, "before_business", Insights, Class::OkNoData),
    (FB, "few_followers", Insights, Class::OkNoData),
    // Tokens.
    (IG, "refresh_too_young", Refresh, Class::RefreshTooEarly),
    (IG, "unsupported_get", Refresh, Class::AuthExpired),
    (META, "code_used", Token, Class::AuthCodeInvalid),
    (FB, "code_expired", Token, Class::AuthCodeInvalid),
    (FB, "redirect_mismatch", Token, Class::ConfigError),
    (META, "wrong_secret", Token, Class::ConfigError),
    // TikTok.
    (TT, "access_token_invalid", Posts, Class::AuthExpired),
    (TT, "bare_access_token_invalid", Posts, Class::AuthExpired),
    (TT, "scope_not_authorized", Profile, Class::Permission),
    (TT, "scope_permission_missed", Profile, Class::Permission),
    (TT_YT, "rate_limit_exceeded", Posts, Class::RateLimited),
    (TT, "invalid_params", Posts, Class::InvalidRequest),
    (TT, "invalid_file_upload", Posts, Class::InvalidRequest),
    (TT, "internal_error", Posts, Class::Transient),
    (TT, "spam_risk_too_many_posts", Posts, Class::Policy),
    (
        TT,
        "spam_risk_user_banned_from_posting",
        Posts,
        Class::Policy,
    ),
    (TT, "reached_active_user_cap", Posts, Class::Policy),
    (
        TT,
        "unaudited_client_can_only_post_to_private_accounts",
        Posts,
        Class::Policy,
    ),
    (TT, "access_denied", Token, Class::Permission),
    (TT_YT, "invalid_client", Refresh, Class::ConfigError),
    (TT_YT, "invalid_grant", Refresh, Class::AuthExpired),
    (TT, "code_expired", Token, Class::AuthCodeInvalid),
    (TT, "code_expired_http200", Token, Class::AuthCodeInvalid),
    (TT_YT, "redirect_mismatch", Token, Class::ConfigError),
    (TT, "wrong_verifier", Token, Class::InvalidRequest),
    (TT, "invalid_scope", Token, Class::ConfigError),
    (TT, "unauthorized_client", Token, Class::ConfigError),
    (TT_YT, "unsupported_grant_type", Token, Class::ConfigError),
    (TT, "server_error", Refresh, Class::Transient),
    (TT, "temporarily_unavailable", Refresh, Class::Transient),
    // YouTube.
    (
        YT,
        "quota_exceeded",
        Posts,
        Class::QuotaUntilMidnightPacific,
    ),
    (YT, "user_rate_limit_exceeded", Posts, Class::RateLimited),
    (YT, "resource_exhausted", Posts, Class::RateLimited),
    (YT, "auth_error", Posts, Class::AuthExpired),
    (YT, "insufficient_permissions", Insights, Class::Permission),
    (YT, "signup_required", Profile, Class::NoChannel),
    (YT, "access_not_configured", Posts, Class::ConfigError),
    (YT, "account_closed", Profile, Class::AccountGone),
    (YT, "account_suspended", Profile, Class::AccountGone),
    (YT, "backend_error", Posts, Class::Transient),
    (YT, "service_unavailable", Posts, Class::Transient),
    (YT, "playlist_not_found", Posts, Class::NotFound),
    (YT, "video_not_found", Posts, Class::NotFound),
    (YT, "channel_not_found", Profile, Class::NotFound),
    (YT, "comments_disabled", Posts, Class::Policy),
    (YT, "upload_limit_exceeded", Posts, Class::RateLimited),
    (YT, "forbidden", Insights, Class::Permission),
    (YT, "permission_denied_bare", Insights, Class::Permission),
    (YT, "query_not_supported", Insights, Class::InvalidRequest),
    (YT, "invalid_page_token", Posts, Class::InvalidRequest),
    (YT, "unknown_part", Posts, Class::InvalidRequest),
    (YT, "bad_request", Posts, Class::InvalidRequest),
    (YT, "invalid_grant_bad_request", Refresh, Class::AuthExpired),
    (YT, "invalid_rapt", Refresh, Class::AuthExpired),
    (YT, "code_used", Token, Class::AuthCodeInvalid),
    (YT, "invalid_token", Refresh, Class::AuthExpired),
    (YT, "admin_policy_enforced", Refresh, Class::Policy),
    (YT, "internal_failure", Refresh, Class::Transient),
];

/// Faults of the line, and whether an answer, or the end of one, comes at all.
pub(super) const LINE: &[(&str, bool)] = &[
    ("hang", false),
    ("drip", false),
    ("truncated", true),
    ("cut_off", true),
    ("reset", true),
    ("huge", true),
    ("nested", true),
    ("html_502", true),
    ("html_200", true),
    ("html_401", true),
    ("empty_body", true),
    ("empty_500", true),
    ("not_utf8", true),
    ("redirect", true),
];
