//! Domain values as Postgres columns.

use bytes::{BufMut, BytesMut};
use domain::Timestamp;
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

/// Microseconds from 1970 to Postgres' own epoch, the year 2000.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A moment as `timestamptz`, without loss.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct At(pub Timestamp);

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.micros() - POSTGRES_EPOCH);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        micros
            .checked_add(POSTGRES_EPOCH)
            .and_then(Timestamp::from_micros)
            .map(Self)
            .ok_or_else(|| "a time outside the years 0 to 9999".into())
    }

    accepts!(TIMESTAMPTZ);
}
