//! One suite for every event log: what the ports promise, asked of each implementation alike.

mod bytes;
mod idempotency;
mod model;
mod reading;
mod restart;
mod revisions;
mod subject;
mod subscription;
mod writers;

/// One test for each case, each with a subject of its own.
macro_rules! cases {
    ($subject:ident: $($group:ident::$case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() -> anyhow::Result<()> {
                match crate::log_conformance::subject::$subject().await? {
                    Some(subject) => crate::log_conformance::$group::$case(subject).await,
                    None => Ok(()),
                }
            }
        )+
    };
}

/// Every case for one subject, and those besides that only some subjects can pass.
macro_rules! suite {
    ($subject:ident $(, $group:ident::$case:ident)* $(,)?) => {
        mod $subject {
            cases! {
                $subject:
                revisions::a_new_stream_starts_at_zero,
                revisions::the_exact_revision_is_asked_for,
                revisions::a_refused_append_writes_nothing,
                revisions::revisions_may_have_several_digits,
                revisions::a_stream_may_be_long,
                revisions::a_revision_beyond_all_is_refused,
                revisions::an_append_without_events_is_invalid,
                idempotency::a_retry_is_recognised,
                idempotency::a_part_of_what_is_there_is_recognised,
                idempotency::one_other_id_is_a_conflict,
                idempotency::more_than_is_there_is_a_conflict,
                idempotency::the_current_revision_always_writes,
                idempotency::ids_belong_to_their_stream,
                idempotency::the_first_bytes_stay,
                model::every_outcome_is_the_models,
                bytes::bytes_are_exact,
                bytes::half_a_mebibyte_is_exact,
                bytes::types_keep_their_names,
                reading::a_stream_is_read_from_any_revision,
                reading::the_whole_log_is_read_in_pages,
                reading::the_head_is_the_last_event,
                reading::a_foreign_position_is_refused,
                reading::recorded_ids_are_found,
                writers::many_writers_are_followed,
                subscription::catching_up_meets_what_is_new,
                subscription::an_append_gives_a_hint,
                subscription::an_idle_subscription_wakes,
                subscription::a_dropped_wait_loses_nothing,
                $($group::$case,)*
            }
        }
    };
}

suite!(memory);
suite!(postgres, restart::everything_is_there_and_goes_on);
suite!(eventstore, restart::everything_is_there_and_goes_on);
suite!(eventstore_server, restart::everything_is_there_and_goes_on);
