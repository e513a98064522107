//! Formulas on numbers that were worked out apart from this program.

use super::{
    Engagements, Formula, FormulaPolicy, Ratio, engagement_rate, engagements, growth, velocity,
};
use crate::{Metric, Platform, Values};

fn values(known: &[(Metric, i64)], hidden: &[Metric]) -> Values {
    let mut values = Values::new();
    for (metric, value) in known {
        values.insert(*metric, *value).expect("a valid value");
    }
    for metric in hidden {
        values.insert_hidden(*metric).expect("given once");
    }
    values
}

#[track_caller]
fn ratio(numerator: i128, denominator: i128) -> Ratio {
    Ratio::new(numerator, denominator).expect("a positive denominator")
}

// Engagements

#[test]
fn engagements_are_likes_comments_shares_and_saves() {
    let post = values(
        &[
            (Metric::Likes, 4_000),
            (Metric::Comments, 200),
            (Metric::Shares, 20),
            (Metric::Saves, 8),
            (Metric::Views, 18_631),
        ],
        &[],
    );
    let expected = Engagements {
        total: Some(4_228),
        missing: vec![],
    };
    assert_eq!(engagements(&post, Platform::Instagram), expected);
}

#[test]
fn with_nothing_known_engagements_are_unknown_and_never_zero() {
    let post = values(&[(Metric::Views, 18_631)], &[Metric::Likes]);
    assert_eq!(engagements(&post, Platform::Tiktok).total, None);
    assert_eq!(engagements(&Values::new(), Platform::Tiktok).total, None);
}

#[test]
fn known_zeros_are_a_real_zero() {
    let post = values(&[(Metric::Likes, 0), (Metric::Comments, 0)], &[]);
    assert_eq!(engagements(&post, Platform::Youtube).total, Some(0));
}

#[test]
fn what_is_missing_is_what_the_platform_offers_and_was_hidden_or_not_read() {
    let missing = |platform| engagements(&Values::new(), platform).missing;
    let (likes, comments) = (Metric::Likes, Metric::Comments);
    let (shares, saves) = (Metric::Shares, Metric::Saves);
    assert_eq!(missing(Platform::Youtube), [likes, comments]);
    assert_eq!(missing(Platform::Facebook), [likes, comments, shares]);
    assert_eq!(missing(Platform::Tiktok), [likes, comments, shares]);
    let all = [likes, comments, shares, saves];
    assert_eq!(missing(Platform::Instagram), all);

    let hidden = values(&[(comments, 3)], &[likes]);
    let of_hidden = engagements(&hidden, Platform::Youtube);
    assert_eq!(of_hidden.total, Some(3));
    assert_eq!(of_hidden.missing, [likes]);
}

#[test]
fn an_interaction_that_the_platform_does_not_offer_counts_where_it_is_known() {
    let imported = values(&[(Metric::Likes, 10), (Metric::Saves, 5)], &[]);
    let engagements = engagements(&imported, Platform::Youtube);
    assert_eq!(engagements.total, Some(15));
    assert_eq!(engagements.missing, [Metric::Comments]);
}

#[test]
fn engagements_beyond_64_bits_stay_at_the_most() {
    let post = values(&[(Metric::Likes, i64::MAX), (Metric::Comments, 1)], &[]);
    let total = engagements(&post, Platform::Youtube).total;
    assert_eq!(total, Some(i64::MAX));
}

// Rates

#[test]
fn an_engagement_rate_divides_by_its_base() {
    // 4228 / 18631 = 0.22693360528…
    let rate = engagement_rate(Some(4_228), Some(18_631)).expect("a defined rate");
    assert_eq!(rate.scaled(6), 226_934);
    assert_eq!(rate.to_number(6), 0.226934);
}

#[test]
fn a_rate_is_undefined_without_engagements_or_a_positive_base() {
    assert_eq!(engagement_rate(None, Some(100)), None);
    assert_eq!(engagement_rate(Some(5), None), None);
    assert_eq!(engagement_rate(Some(5), Some(0)), None);
    assert_eq!(engagement_rate(None, None), None);
}

#[test]
fn no_engagement_over_a_base_is_a_real_zero() {
    let rate = engagement_rate(Some(0), Some(100)).expect("a defined rate");
    assert_eq!(rate.to_number(6), 0.0);
}

#[test]
fn growth_is_the_change_in_percent_of_the_start() {
    // 100 x (1107 - 584) / 584 = 89.55479452…
    let up = growth(584, 1_107).expect("a defined growth");
    assert_eq!(up.to_number(4), 89.5548);
    // 100 x (400 - 584) / 584 = -31.50684931…
    let down = growth(584, 400).expect("a defined growth");
    assert_eq!(down.to_number(4), -31.5068);
    let level = growth(584, 584).expect("a defined growth");
    assert_eq!(level.to_number(4), 0.0);
}

#[test]
fn velocity_is_the_growth_of_seven_days_divided_by_seven() {
    // 100 x (1107 - 584) / (584 x 7) = 12.79354207…
    let up = velocity(584, 1_107).expect("a defined velocity");
    assert_eq!(up.to_number(4), 12.7935);
    // 100 x (400 - 584) / (584 x 7) = -4.50097847…
    let down = velocity(584, 400).expect("a defined velocity");
    assert_eq!(down.to_number(4), -4.501);
}

#[test]
fn growth_and_velocity_are_undefined_from_zero() {
    assert_eq!(growth(0, 10), None);
    assert_eq!(velocity(0, 10), None);
    assert_eq!(growth(-1, 10), None);
}

#[test]
fn growth_holds_at_the_ends_of_64_bits() {
    let most = growth(1, i64::MAX).expect("a defined growth");
    assert_eq!(most.scaled(0), (i128::from(i64::MAX) - 1) * 100);
    let least = growth(i64::MAX, 0).expect("a defined growth");
    assert_eq!(least.scaled(4), -1_000_000);
}

// Exact quotients

#[test]
fn a_half_is_rounded_away_from_zero() {
    assert_eq!(ratio(1, 2).scaled(0), 1);
    assert_eq!(ratio(-1, 2).scaled(0), -1);
    assert_eq!(ratio(3, 2).scaled(0), 2);
    assert_eq!(ratio(-3, 2).scaled(0), -2);
    assert_eq!(ratio(1, 8).scaled(2), 13);
    assert_eq!(ratio(-1, 8).scaled(2), -13);
}

#[test]
fn less_and_more_than_a_half_go_to_the_nearest() {
    assert_eq!(ratio(1, 3).scaled(2), 33);
    assert_eq!(ratio(-1, 3).scaled(2), -33);
    assert_eq!(ratio(2, 3).scaled(2), 67);
    assert_eq!(ratio(-2, 3).scaled(2), -67);
    assert_eq!(ratio(-1, 4).scaled(0), 0);
}

#[test]
fn a_quotient_needs_a_positive_denominator() {
    assert_eq!(Ratio::new(1, 0), None);
    assert_eq!(Ratio::new(1, -1), None);
}

#[test]
fn rates_that_an_f64_cannot_tell_apart_are_ordered_exactly() {
    let most = i64::MAX;
    let rate =
        |engagements, base| engagement_rate(Some(engagements), Some(base)).expect("a defined rate");
    let (larger, smaller) = (rate(most - 1, most), rate(most - 2, most - 1));

    assert_eq!(larger.to_number(6), smaller.to_number(6));
    assert!(larger > smaller);
    assert!(smaller < larger);
    assert_ne!(larger, smaller);
    assert!(rate(most, 1) > rate(most - 1, 1));
    assert!(rate(1, most) < rate(1, most - 1));
}

#[test]
fn equal_quotients_are_equal_however_they_are_written() {
    assert_eq!(ratio(1, 2), ratio(2, 4));
    assert_eq!(ratio(0, 5), ratio(0, 7));
    assert!(ratio(-1, 2) < ratio(-1, 3));
}

// Names and policy

#[test]
fn names_of_formulas_carry_their_versions_and_are_pinned() {
    let names = Formula::ALL.map(Formula::name);
    let pinned = [
        "er_followers@1",
        "er_reach@1",
        "er_views@1",
        "growth@1",
        "velocity@1",
    ];
    assert_eq!(names, pinned);
    for formula in Formula::ALL {
        assert_eq!(formula.to_string().parse(), Ok(formula));
    }
}

#[test]
fn without_a_policy_every_formula_is_allowed_everywhere() {
    let policy = FormulaPolicy::parse("").expect("an empty list");
    for platform in Platform::ALL {
        for formula in Formula::ALL {
            assert!(policy.allows(platform, formula));
        }
    }
}

#[test]
fn a_policy_switches_off_what_it_names_and_nothing_else() {
    let policy = FormulaPolicy::parse(" youtube:er_views@1, tiktok:velocity@1 ,, ")
        .expect("a list with spaces and empty entries");
    let off = [
        (Platform::Tiktok, Formula::Velocity1),
        (Platform::Youtube, Formula::ErViews1),
    ];
    for platform in Platform::ALL {
        for formula in Formula::ALL {
            let expected = !off.contains(&(platform, formula));
            assert_eq!(policy.allows(platform, formula), expected);
        }
    }
}

#[test]
fn a_policy_that_cannot_be_read_says_what_was_given_and_what_would_do() {
    let refusal = |list| FormulaPolicy::parse(list).expect_err("no policy");
    assert_eq!(
        refusal("youtube"),
        "'youtube': expected platform:formula@version"
    );
    assert_eq!(
        refusal("youtube:er_views@1,myspace:er_views@1"),
        "'myspace' is not a supported platform: expected instagram, tiktok, youtube or facebook"
    );
    assert_eq!(
        refusal("youtube:er_views"),
        "'er_views' is not a formula: expected er_views@1, er_followers@1, er_reach@1, growth@1 \
         or velocity@1"
    );
}
