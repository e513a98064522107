//! The integration tests, one binary: boundaries of the domain, of Postgres, and of the program.

mod api_access;
mod api_answers;
mod api_ground;
mod api_problems;
mod architecture;
mod audit;
mod canary;
mod command_side;
mod dirty_import;
mod doubles;
mod erasure;
mod eventstore;
mod fold;
mod histories;
mod kills;
mod log_conformance;
mod platforms;
mod postgres_log;
mod private_postgres;
mod projection_engine;
mod query_plans;
mod round_trips;
mod smoke;
mod standin;
mod truth;
