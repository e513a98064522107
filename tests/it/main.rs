//! The integration tests, one binary: boundaries of the domain, of Postgres, and of the program.

mod architecture;
mod canary;
mod fold;
mod kills;
mod private_postgres;
mod smoke;
mod truth;
