//! Every fixture has the class that its manifest names, and says what a person reads in it.

use super::{Sample, folder, responses};
use crate::platforms::manifest::classify;
use crate::platforms::{
    Address, Class, Content, Figure, Form, Headers, PostsFound, ProfileFound, Reply, Token,
    Understood, reader,
};
use domain::observation::Precision;
use domain::{Metric, Platform, Values};

fn of(file: &str) -> Understood {
    let found: Vec<Sample> = responses();
    let sample = found.into_iter().find(|it| it.file == file);
    let sample = sample.unwrap_or_else(|| panic!("{file} is not in the manifest"));
    sample
        .understand()
        .unwrap_or_else(|failure| panic!("{file}: {failure}"))
}

fn profile(file: &str) -> Box<ProfileFound> {
    match of(file).content {
        Content::Profile(found) => found,
        other => panic!("{file}: {other:?}"),
    }
}

fn posts(file: &str) -> PostsFound {
    match of(file).content {
        Content::Posts(found) => found,
        other => panic!("{file}: {other:?}"),
    }
}

fn figures(file: &str) -> Vec<Figure> {
    match of(file).content {
        Content::Insights(found) => found.figures,
        other => panic!("{file}: {other:?}"),
    }
}

fn token(file: &str) -> Token {
    match of(file).content {
        Content::Token(found) => found,
        other => panic!("{file}: {other:?}"),
    }
}

fn known(values: &Values) -> Vec<(Metric, i64)> {
    values.known().collect()
}

#[test]
fn each_has_its_class() {
    let outcomes = classify(&folder().join("manifest.json")).expect("a manifest");
    let wrong: Vec<_> = outcomes
        .iter()
        .filter(|it| it.expected != it.found)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_instagram_account_has_two_ids() {
    let found = profile("instagram/me--profile.json");
    assert_eq!(found.text.platform_account_id, "17841405793187218");
    assert_eq!(found.other_id.expect("another").0, "25025320000000001");
    assert_eq!(found.text.handle.as_deref(), Some("studio.nora"));
    let expected = [
        (Metric::Followers, 132_045),
        (Metric::Following, 412),
        (Metric::Posts, 903),
    ];
    assert_eq!(known(&found.reading.values), expected);
    assert_eq!(found.reading.names[&Metric::Following], "follows_count");
    let huge = profile("instagram/me--huge_account.json");
    assert_eq!(
        huge.reading.values.get(Metric::Followers),
        Some(2_500_000_123)
    );
}

#[test]
fn a_missing_like_count_is_hidden_and_a_story_hides_nothing() {
    let found = posts("instagram/media_list--edge_captions.json");
    let values: Vec<_> = found.posts.iter().map(|it| &it.snapshot.values).collect();
    assert_eq!(values[0].get(Metric::Likes), Some(91));
    assert!(values[1].is_hidden(Metric::Likes) && values[1].get(Metric::Comments) == Some(0));
    assert_eq!(values[2].get(Metric::Likes), Some(3_000_000_001));
    assert_eq!(values[3].get(Metric::Likes), Some(0));
    assert_eq!(found.posts[2].form, Form::Reel);
    assert!(found.next.is_none());
    let story = &posts("instagram/stories_list.json").posts[0];
    assert!(story.snapshot.values.is_empty() && story.form == Form::Story);
}

#[test]
fn an_empty_page_need_not_be_the_last() {
    for (file, is_last) in [
        ("instagram/media_list--empty.json", true),
        ("instagram/media_list--empty_page_with_next.json", false),
        ("facebook/page_posts--empty_with_next.json", false),
        ("facebook/page_posts--last.json", true),
        ("tiktok/video_list--empty_page_has_more.json", false),
        ("youtube/playlist_items--page1.json", false),
    ] {
        let found = posts(file);
        assert_eq!(found.next.is_none(), is_last, "{file}");
        let link = found.next.is_some_and(|it| it.0.contains("access_token"));
        assert!(!link, "{file}: the cursor holds a token");
    }
}

#[test]
fn insights_of_media_become_metrics() {
    let Content::Insights(found) = of("instagram/media_insights--reel_current.json").content else {
        panic!("insights")
    };
    let reading = found.lifetime();
    assert_eq!(reading.values.get(Metric::Views), Some(3_204_112_003));
    assert_eq!(reading.values.get(Metric::WatchTime), Some(30_017_581_000));
    assert_eq!(reading.values.get(Metric::Saves), Some(7));
    assert_eq!(reading.names[&Metric::Saves], "saved");
    let all = figures("instagram/media_insights--reel_current.json");
    assert!(
        all.iter()
            .any(|it| it.name == "reposts" && it.metric.is_none())
    );
}

#[test]
fn insights_of_an_account_are_never_its_totals() {
    let all = figures("instagram/account_insights--totals.json");
    assert!(
        all.iter()
            .any(|it| it.name == "views" && it.value == 2_410_993_321)
    );
    assert!(all.iter().all(|it| it.metric.is_none()));
    let cities = figures("instagram/account_insights--demographics_city_nonascii.json");
    assert_eq!(cities[0].part["city"], "São Paulo, São Paulo (state)");
    assert_eq!(cities[0].value, 412);
}

#[test]
fn a_page_has_followers_and_likes() {
    let found = profile("facebook/page_profile.json");
    let expected = [(Metric::Followers, 53_279), (Metric::PageLikes, 51_234)];
    assert_eq!(known(&found.reading.values), expected);
    let found = posts("facebook/page_posts--page1.json");
    let values: Vec<_> = found.posts.iter().map(|it| &it.snapshot.values).collect();
    assert_eq!(values[2].get(Metric::Likes), Some(4_400_123_456));
    assert_eq!(values[2].get(Metric::Shares), Some(3_000_000_000));
    // Whether shares were asked for is not known here, so their absence is not zero.
    assert_eq!(values[1].get(Metric::Shares), None);
    assert_eq!(found.posts[2].form, Form::Reel);
}

#[test]
fn a_day_of_a_page_is_the_one_before_its_label() {
    let all = figures("facebook/page_insights--day_current.json");
    let follows: Vec<_> = all.iter().filter(|it| it.name == "page_follows").collect();
    assert_eq!(follows[0].metric, Some(Metric::Followers));
    let period = follows[0].period.expect("a day");
    assert_eq!(period.from.to_string(), "2026-04-30T07:00:00.000000Z");
    assert!(
        all.iter()
            .all(|it| it.name == "page_follows" || it.metric.is_none())
    );
    let parts = figures("facebook/page_insights--breakdown_object_value.json");
    assert_eq!(parts.iter().map(|it| it.value).collect::<Vec<_>>(), [2_210]);
}

#[test]
fn tiktok_leaves_counts_out() {
    let found = posts("tiktok/video_list--edge.json");
    let values: Vec<_> = found.posts.iter().map(|it| &it.snapshot.values).collect();
    assert_eq!(values[0].get(Metric::Views), Some(9_876_543_210));
    assert_eq!(values[0].get(Metric::Comments), Some(0));
    assert!(values[1].is_empty(), "nothing was said of any count");
    assert_eq!(found.posts[1].length_ms, Some(15_000));
    let at = found.posts[0].snapshot.published_at.expect("a time");
    assert_eq!(at.to_string(), "2025-08-29T08:00:00.000000Z");
}

#[test]
fn hidden_subscribers_are_not_zero() {
    for file in [
        "youtube/channels_list--hidden_subscribers.json",
        "youtube/channels_list--hidden_subscribers_absent.json",
    ] {
        let reading = profile(file).reading;
        assert!(reading.values.is_hidden(Metric::Followers), "{file}");
        assert_eq!(reading.values.get(Metric::Followers), None, "{file}");
        assert_eq!(reading.values.get(Metric::Views), Some(95), "{file}");
    }
    let huge = profile("youtube/channels_list--huge.json");
    assert_eq!(
        huge.reading.values.get(Metric::Views),
        Some(312_845_678_901)
    );
    let precision = huge.reading.precision[&Metric::Followers];
    assert_eq!(precision, Precision::SignificantDigits(3));
    assert_eq!(
        huge.posts_list.expect("a list").0,
        "UUexample000000000000004d"
    );
}

#[test]
fn videos_hide_likes_one_by_one() {
    let hidden = &posts("youtube/videos_list--hidden_likes.json").posts[0];
    assert!(hidden.snapshot.values.is_hidden(Metric::Likes));
    assert_eq!(hidden.length_ms, Some(0));
    let found = posts("youtube/videos_list--huge_and_long.json");
    assert_eq!(
        found.posts[0].snapshot.values.get(Metric::Views),
        Some(15_823_456_789)
    );
    assert_eq!(found.posts[0].length_ms, Some(183_845_000));
    assert!(found.posts[1].snapshot.values.is_empty());
}

#[test]
fn shares_of_viewers_are_exact() {
    let all = figures("youtube/analytics_reports--demographics.json");
    let values: Vec<_> = all.iter().map(|it| it.value).collect();
    assert_eq!(values, [7_000, 124_000, 301_000, 2_000, 11_000]);
    assert_eq!(all[1].part["ageGroup"], "age18-24");
}

#[test]
fn tokens_keep_their_secrets() {
    let flat = token("instagram/oauth_access_token--flat.json");
    assert_eq!(flat.account_id.as_deref(), Some("17841405793187218"));
    assert_eq!(flat.scopes.as_ref().map(|it| it.len()), Some(2));
    assert!(!format!("{flat:?}").contains("IGAA"));
    let text = token("instagram/oauth_access_token--flat_permissions_string.json");
    assert_eq!(text.scopes, flat.scopes);
    let rotated = token("tiktok/oauth_token--refresh_rotated.json");
    assert!(
        rotated
            .refresh
            .is_some_and(|it| it.expose().starts_with("rft.NEW"))
    );
    assert!(
        token("facebook/oauth_access_token--no_expires_in.json")
            .expires_in
            .is_none()
    );
    let Content::TokenFacts(facts) = of("facebook/debug_token--valid_page.json").content else {
        panic!("facts")
    };
    assert_eq!(
        (facts.expires_at, facts.data_access_expires_at),
        (None, Some(1_798_675_200))
    );
}

/// Classes that depend on what was asked, and that no fixture has.
#[test]
fn what_was_asked_decides() {
    let class = |endpoint: &str, body: &str| {
        let reader = reader(Platform::Youtube);
        let call = reader.call("GET", &Address::parse(endpoint));
        let reply = Reply::new(200, Headers::default(), body.as_bytes().to_vec());
        let found = reader.understand(&call, &reply);
        found.map_or_else(|failure| failure.class, |found| found.class)
    };
    let channels = "https://www.googleapis.com/youtube/v3/channels";
    for body in ["{}", r#"{"items":[]}"#] {
        let mine = class(&format!("{channels}?mine=true"), body);
        assert_eq!(mine, Class::OkNoChannel, "{body}");
        assert_eq!(
            class(&format!("{channels}?id=UCx"), body),
            Class::NotFound,
            "{body}"
        );
    }
    let empty = class(&format!("{channels}?mine=true"), "");
    assert_eq!(empty, Class::Transient, "an empty body is no answer");
    let token = "https://oauth2.googleapis.com/token";
    let scopes = "https://www.googleapis.com/auth/youtube.readonly \
                  https://www.googleapis.com/auth/yt-analytics.readonly";
    let body = format!(r#"{{"access_token":"x","scope":"{scopes}"}}"#);
    assert_eq!(class(token, &body), Class::Ok);
    let refresh = format!("{token}?grant_type=refresh_token");
    assert_eq!(class(&refresh, &body), Class::OkKeepOldRefreshToken);
}
