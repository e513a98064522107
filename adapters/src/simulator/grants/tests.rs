//! Codes work once; tokens say what they are, cannot be made up, and end with their grant.

use super::super::scopes::Scopes;
use super::*;

fn grant(grants: &Grants, platform: Platform, creator: u32) -> Grant {
    let now = Timestamp::from_micros(1_000_000).expect("a time");
    Grant {
        id: grants.new_id(now),
        platform,
        creator,
        accounts: 1,
        scopes: Scopes(0b11),
        asked: Scopes(0b111),
        generation: 0,
        rotation: 0,
        since: 1,
    }
}

fn code(grant: &Grant) -> Code {
    Code::new(grant.clone(), "https://app.example/cb", 100)
}

#[test]
fn a_code_works_once_in_time_for_its_address() {
    let grants = Grants::new(1);
    let grant = grant(&grants, Platform::Tiktok, 3);
    let uri = Some("https://app.example/cb");
    let made = grants.code(code(&grant));
    assert!(made.contains('*') && made.contains('!'));
    let redeem = |platform, text: &str, uri, now| {
        let found = grants.redeem(platform, text, uri, now);
        found.map(|code| code.grant)
    };
    let other = redeem(Platform::Youtube, &made, uri, 10);
    assert_eq!(other, Err(CodeRefused::Unknown));
    assert_eq!(redeem(Platform::Tiktok, &made, uri, 10), Ok(grant.clone()));
    assert_eq!(
        redeem(Platform::Tiktok, &made, uri, 10),
        Err(CodeRefused::Unknown)
    );
    let late = grants.code(code(&grant));
    assert_eq!(
        redeem(Platform::Tiktok, &late, uri, 100),
        Err(CodeRefused::Expired)
    );
    let astray = grants.code(code(&grant));
    let elsewhere = Some("https://app.example/other");
    let found = redeem(Platform::Tiktok, &astray, elsewhere, 10);
    assert_eq!(found, Err(CodeRefused::RedirectUri));
}

#[test]
fn a_token_is_read_back_and_no_other_is() {
    let grants = Grants::new(1);
    for platform in Platform::ALL {
        for kind in [Kind::Access, Kind::Long, Kind::Page, Kind::Refresh] {
            let grant = grant(&grants, platform, 99_999);
            let token = grants.token(&grant, kind, 10, Some(50));
            let found = grants.check(platform, &token, 59).expect("a token");
            assert_eq!(
                (&found.grant, found.kind, found.expires),
                (&grant, kind, Some(60))
            );
            assert_eq!(
                grants.check(platform, &token, 60),
                Err(Refused::Expired(60))
            );
            // The same seed is the same platform after a restart.
            assert!(Grants::new(1).check(platform, &token, 20).is_ok());
            assert_eq!(
                Grants::new(2).check(platform, &token, 20),
                Err(Refused::Unknown)
            );
            let mut forged = token.into_bytes();
            forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("text");
            assert_eq!(grants.check(platform, &forged, 20), Err(Refused::Unknown));
        }
    }
    assert_eq!(
        grants.check(Platform::Facebook, "EAA", 0),
        Err(Refused::Unknown)
    );
}

#[test]
fn a_grant_ends_alone_or_with_all_of_a_person() {
    let grants = Grants::new(1);
    let (one, other) = (
        grant(&grants, Platform::Youtube, 5),
        grant(&grants, Platform::Youtube, 5),
    );
    let (first, second) = (
        grants.token(&one, Kind::Access, 0, None),
        grants.token(&other, Kind::Access, 0, None),
    );
    grants.end(one.id, End::Revoked);
    let check = |token: &str| {
        grants
            .check(Platform::Youtube, token, 0)
            .map(|it| it.grant.id)
    };
    assert_eq!(check(&first), Err(Refused::Ended(End::Revoked)));
    assert_eq!(check(&second), Ok(other.id));
    grants.end_all(Platform::Youtube, 5, End::PasswordChanged);
    assert_eq!(check(&second), Err(Refused::Ended(End::PasswordChanged)));
    // Whoever agrees again is welcome, in the same second too.
    let again = grant(&grants, Platform::Youtube, 5);
    assert_eq!(
        check(&grants.token(&again, Kind::Access, 0, None)),
        Ok(again.id)
    );
}

#[test]
fn a_refresh_token_that_was_replaced_is_dead() {
    let grants = Grants::new(1);
    let grant = grant(&grants, Platform::Tiktok, 5);
    let old = grants.token(&grant, Kind::Refresh, 0, None);
    let rotation = grants.rotate(&grant);
    let new = grants.token(&Grant { rotation, ..grant }, Kind::Refresh, 0, None);
    let check = |token: &str| grants.check(Platform::Tiktok, token, 0).map(|_| ());
    assert_eq!(check(&old), Err(Refused::Ended(End::Replaced)));
    assert_eq!(check(&new), Ok(()));
}

#[test]
fn the_oldest_of_too_many_refresh_tokens_dies() {
    let grants = Grants::new(1);
    let all: Vec<_> = (0..101)
        .map(|_| grant(&grants, Platform::Youtube, 5))
        .collect();
    for grant in &all {
        grants.keep_refresh(grant);
    }
    let alive = |grant: &Grant| {
        let token = grants.token(grant, Kind::Refresh, 0, None);
        grants.check(Platform::Youtube, &token, 0).is_ok()
    };
    assert!(!alive(&all[0]) && alive(&all[1]) && alive(&all[100]));
    assert!(grants.has_agreed(&all[0]));
    assert!(!grants.has_agreed(&grant(&grants, Platform::Youtube, 6)));
}
