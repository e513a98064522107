//! The world holds together: the same always, never negative, gains and losses that add up.

use super::*;

fn at(days: i64) -> Timestamp {
    // From 2026-01-01 on.
    Timestamp::from_micros((1_767_225_600 + days * DAY) * 1_000_000).expect("a time")
}

fn everybody(world: &World) -> Vec<Account> {
    let of = |creator| {
        Platform::ALL
            .into_iter()
            .flat_map(move |platform| world.accounts(creator, platform))
    };
    (0..world.creators()).flat_map(of).collect()
}

#[test]
fn the_same_seed_tells_the_same() {
    let (one, other) = (World::new(7, 40), World::new(7, 40));
    let different = World::new(8, 40);
    let mut differ = 0;
    for (a, b) in everybody(&one).iter().zip(everybody(&other)) {
        assert_eq!(a.followers(at(300)), b.followers(at(300)));
        assert_eq!(a.all_numbers(at(300)), b.all_numbers(at(300)));
        let elsewhere = different.account(a.key);
        differ +=
            usize::from(elsewhere.is_none_or(|it| it.followers(at(300)) != a.followers(at(300))));
    }
    assert!(differ > 50, "{differ}");
}

#[test]
fn nothing_is_negative_and_sums_hold() {
    let world = World::new(3, 60);
    for account in everybody(&world) {
        let mut before = (account.gained(at(-1100)), account.lost(at(-1100)));
        for day in (-1100..2_000).step_by(37) {
            let (gained, lost) = (account.gained(at(day)), account.lost(at(day)));
            assert!(
                gained >= before.0 && lost >= before.1,
                "{:?} {day}",
                account.key
            );
            assert!(account.followers(at(day)) >= 0, "{:?} {day}", account.key);
            before = (gained, lost);
        }
        for post in account.posts(at(300)).take(20) {
            let (early, late) = (
                account.numbers(&post, at(298)),
                account.numbers(&post, at(300)),
            );
            assert!(late.views >= early.views && early.views >= 0);
            assert!(late.reach <= late.views && late.likes <= late.views);
        }
    }
}

#[test]
fn small_accounts_stay_small_and_others_grow_and_fall() {
    let world = World::new(3, 6);
    let tiny = world.accounts(2, Platform::Instagram).remove(0);
    assert!(tiny.followers(at(0)) < 100 && tiny.followers(at(700)) < 100);
    assert!(world.accounts(2, Platform::Youtube).is_empty());
    assert_eq!(world.accounts(0, Platform::Facebook).len(), 2);
    for account in everybody(&world).iter().filter(|it| it.key.creator != 2) {
        let days: Vec<_> = (0..700).map(|day| account.followers(at(day))).collect();
        let falls = days.windows(2).filter(|two| two[1] < two[0]).count();
        assert!(
            days[699] > days[0] / 2 && falls > 0,
            "{:?}: {falls}",
            account.key
        );
    }
}

#[test]
fn weekends_bring_more() {
    let world = World::new(3, 6);
    let account = world.accounts(0, Platform::Instagram).remove(0);
    let gained_on = |first: i64| -> i64 {
        let weeks = 0..20;
        let of = |week: i64| {
            let day = first + week * 7;
            account.gained(at(day + 1)) - account.gained(at(day))
        };
        weeks.map(of).sum()
    };
    // 2026-01-03 was a Saturday, 2026-01-06 a Tuesday.
    assert!(
        gained_on(2) > gained_on(5),
        "{} {}",
        gained_on(2),
        gained_on(5)
    );
}

#[test]
fn posts_come_in_order_and_some_go() {
    let world = World::new(5, 6);
    for account in everybody(&world) {
        let all: Vec<_> = (0..account.slots(seconds(at(500))))
            .filter_map(|slot| account.post(slot, at(500)))
            .collect();
        assert!(
            all.windows(2)
                .all(|two| two[0].published < two[1].published)
        );
        let gone = all
            .iter()
            .filter(|it| matches!(it.visibility, Visibility::Deleted(_)));
        assert!(all.len() > 100 && gone.count() > 0, "{:?}", account.key);
        for post in &all {
            assert_eq!(
                PostKey::of_number(account.key.platform, post.key.number()),
                Some(post.key)
            );
        }
    }
}

#[test]
fn some_posts_go_viral() {
    let world = World::new(5, 6);
    let account = world.accounts(0, Platform::Tiktok).remove(0);
    let mut views: Vec<_> = account
        .posts(at(400))
        .map(|post| account.numbers(&post, at(400)).views)
        .collect();
    views.sort_unstable();
    let (median, most) = (views[views.len() / 2], views[views.len() - 1]);
    assert!(most > median * 8, "{median} {most}");
}

#[test]
fn orders_hold_from_their_moment_on() {
    let world = World::new(5, 6);
    let before = world.accounts(0, Platform::Instagram).remove(0);
    let newest = before.posts(at(100)).next().expect("a post");
    world
        .edit(|edits| edits.delete(newest.key, at(100)))
        .expect("room");
    let renamed = |edits: &mut Edits| edits.rename(before.key, "pip.now".to_owned(), at(100));
    world.edit(renamed).expect("room");
    let after = world.account(before.key).expect("the account");
    let is_newest = |when| after.posts(when).next().map(|it| it.key) == Some(newest.key);
    assert!(!is_newest(at(100)) && after.handle(at(100)) == "pip.now");
    let earlier = Timestamp::from_micros(at(100).micros() - 1).expect("a time");
    assert_eq!(after.handle(earlier), "pip.quillfeather");
}

#[test]
fn stories_last_a_day() {
    let world = World::new(5, 6);
    let account = world.accounts(1, Platform::Instagram).remove(0);
    let found: Vec<_> = (0..10).flat_map(|day| account.stories(at(day))).collect();
    assert!(found.len() > 5, "{}", found.len());
    let day = (0..10).find(|day| !account.stories(at(*day)).is_empty());
    let day = day.expect("a day with a story");
    let story = account.stories(at(day)).pop().expect("a story");
    assert!(account.story(story.slot, at(day)).is_some());
    assert!(account.story(story.slot, at(day + 1)).is_none());
    assert!(account.numbers_of_story(&story, at(day)).reach >= 0);
}
