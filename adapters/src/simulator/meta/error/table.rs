//! The errors themselves: name, HTTP status, code with subcode, words.

/// The code of errors that come flat: those of Instagram's token endpoint.
pub(super) const FLAT: i64 = -1;

/// One error.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) code: i64,
    /// 0 where there is none.
    pub(super) subcode: i64,
    pub(super) message: &'static str,
}

const fn e(
    name: &'static str,
    status: u16,
    (code, subcode): (i64, i64),
    message: &'static str,
) -> Named {
    Named {
        name,
        status,
        kind: "OAuthException",
        code,
        subcode,
        message,
    }
}

const fn of_kind(kind: &'static str, error: Named) -> Named {
    Named { kind, ..error }
}

/// Errors that both platforms have.
pub(super) static BOTH: [Named; 26] = [
    e(
        "app_removed",
        400,
        (190, 458),
        "Error validating access token: The user has not authorized application.",
    ),
    e(
        "checkpoint",
        400,
        (190, 459),
        "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
    ),
    e(
        "password_changed",
        400,
        (190, 460),
        "Error validating access token: The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons.",
    ),
    e(
        "session_expired",
        400,
        (190, 463),
        "Error validating access token: Session has expired.",
    ),
    e(
        "unconfirmed",
        400,
        (190, 464),
        "Error validating access token: The user is not a confirmed user.",
    ),
    e(
        "session_invalid",
        400,
        (190, 467),
        "Error validating access token: The session is invalid because the user logged out.",
    ),
    e(
        "session_102",
        400,
        (102, 0),
        "Session key invalid or no longer valid",
    ),
    e(
        "permission_3",
        403,
        (3, 0),
        "(#3) Application does not have the capability to make this API call.",
    ),
    of_kind(
        "GraphMethodException",
        e(
            "missing_object",
            400,
            (100, 33),
            "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api",
        ),
    ),
    of_kind(
        "IGApiException",
        e(
            "missing_object_803",
            400,
            (803, 0),
            "Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
        ),
    ),
    e(
        "rate_app",
        403,
        (4, 1_349_210),
        "(#4) Application request limit reached",
    ),
    e(
        "rate_user",
        400,
        (17, 2_446_079),
        "User request limit reached",
    ),
    e(
        "rate_custom",
        500,
        (613, 1_996),
        "(#613) Calls to this api have exceeded the rate limit.",
    ),
    e("unknown_error", 500, (1, 0), "An unknown error occurred"),
    e(
        "transient",
        500,
        (2, 0),
        "An unexpected error has occurred. Please retry your request later.",
    ),
    e(
        "feature_limit",
        400,
        (341, 0),
        "(#341) Feature temporarily unavailable: the limit of this feature is reached.",
    ),
    e(
        "smaller_page",
        500,
        (1, 0),
        "Please reduce the amount of data you're asking for, then retry your request",
    ),
    e(
        "unsupported_breakdown",
        500,
        (1, 0),
        "An unknown error has occurred.",
    ),
    e(
        "blocked",
        400,
        (368, 1_390_008),
        "The action attempted has been deemed abusive or is otherwise disallowed",
    ),
    e(
        "duplicate_post",
        400,
        (506, 0),
        "(#506) Duplicate status message",
    ),
    e(
        "bad_link",
        400,
        (1_609_005, 0),
        "The link could not be scraped.",
    ),
    e(
        "invalid_field",
        400,
        (100, 0),
        "(#100) Tried accessing nonexisting field (simulated) on node type (Page)",
    ),
    e(
        "invalid_parameter",
        400,
        (100, 0),
        "(#100) Invalid parameter",
    ),
    e(
        "limit_too_large",
        400,
        (100, 0),
        "(#100) The 'limit' parameter should not exceed 100",
    ),
    e(
        "no_metric",
        400,
        (3_001, 1_504_028),
        "(#3001) Invalid query",
    ),
    e(
        "unknown_path",
        400,
        (2_500, 0),
        "Unknown path components: /simulated",
    ),
];

pub(super) static INSTAGRAM: [Named; 11] = [
    of_kind(
        "IGApiException",
        e(
            "token_invalid",
            400,
            (190, 0),
            "Invalid OAuth 2.0 Access Token",
        ),
    ),
    e(
        "permission_10",
        400,
        (10, 0),
        "(#10) Application does not have permission for this action",
    ),
    e(
        "permission_200",
        403,
        (200, 0),
        "(#200) Requires instagram_business_manage_insights permission to manage the object",
    ),
    e(
        "rate_business",
        400,
        (80_002, 2_446_079),
        "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.",
    ),
    e(
        "few_viewers",
        400,
        (10, 0),
        "(#10) Not enough viewers for the media to show insights",
    ),
    e(
        "before_business",
        400,
        (100, 2_108_006),
        "Invalid parameter",
    ),
    e(
        "invalid_metric",
        400,
        (100, 0),
        "(#100) metric[0] must be one of the following values: reach, views, likes, comments, shares, saved, reposts, total_interactions",
    ),
    of_kind(
        "IGApiException",
        e(
            "refresh_too_young",
            400,
            (100, 0),
            "This access token can not be refreshed because it was created less than 24 hours ago",
        ),
    ),
    of_kind(
        "IGApiException",
        e(
            "unsupported_get",
            400,
            (100, 0),
            "Unsupported request - method type: get",
        ),
    ),
    e(
        "code_used",
        400,
        (FLAT, 0),
        "Matching code was not found or was already used",
    ),
    e(
        "wrong_secret",
        400,
        (FLAT, 0),
        "Error validating client secret.",
    ),
];

pub(super) static FACEBOOK: [Named; 13] = [
    e(
        "token_invalid",
        400,
        (190, 0),
        "Invalid OAuth access token - Cannot parse access token",
    ),
    e(
        "page_token_needed",
        400,
        (190, 2_069_032),
        "A Page access token is required for this call for the new Pages experience.",
    ),
    e(
        "role_lost",
        400,
        (190, 492),
        "Error validating access token: Session does not match current stored session. This may be because the user no longer has a role on the Page.",
    ),
    e(
        "permission_10",
        403,
        (10, 0),
        "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature. Refer to https://developers.facebook.com/docs/apps/review/login-permissions#manage-pages and https://developers.facebook.com/docs/apps/review/feature#reference-PAGES_ACCESS for details.",
    ),
    e(
        "permission_200",
        403,
        (200, 0),
        "(#200) Provide valid app ID",
    ),
    e(
        "rate_page",
        403,
        (32, 0),
        "(#32) Page request limit reached",
    ),
    e(
        "rate_business",
        400,
        (80_001, 0),
        "(#80001) There have been too many calls to this Page account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.",
    ),
    e(
        "few_followers",
        400,
        (100, 2_874_008),
        "(#100) Insights not available",
    ),
    e(
        "invalid_metric",
        400,
        (100, 0),
        "(#100) The value must be a valid insights metric",
    ),
    e(
        "code_used",
        400,
        (100, 36_009),
        "This authorization code has been used.",
    ),
    e(
        "code_expired",
        400,
        (100, 36_007),
        "This authorization code has expired.",
    ),
    e(
        "redirect_mismatch",
        400,
        (100, 36_008),
        "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request",
    ),
    e(
        "wrong_secret",
        400,
        (1, 0),
        "Error validating client secret.",
    ),
];
