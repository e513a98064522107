//! The configuration: environment variables, read once. A wrong one is named with what was
//! expected.

mod connect;

pub use connect::ConnectConfig;

use adapters::audit::watch;
use adapters::eventstore::EventStoreUrl;
use adapters::postgres::private::PrivatePostgres;
use adapters::vault::MasterKey;
use anyhow::{Context, bail};
use domain::formula::FormulaPolicy;
use projections::engine::OnFault;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

/// Where the database is.
pub enum DatabaseChoice {
    /// A private Postgres that the program owns, under the data folder.
    Private,
    /// This one. The text may hold a password, so it is never printed.
    Url(String),
}

/// Where the events are.
pub enum LogChoice {
    /// In the database.
    Postgres,
    /// In this EventStoreDB. It may hold a password, so it does not print.
    EventStore(Box<EventStoreUrl>),
}

/// Where the master key is.
pub enum MasterKeyChoice {
    /// Given directly, perhaps with the one that is to come.
    Given {
        /// `MASTER_KEY`
        current: MasterKey,
        /// `MASTER_KEY_NEXT`
        next: Option<MasterKey>,
    },
    /// In a file, made at the first start.
    File(PathBuf),
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// All settings.
pub struct Config {
    /// `DATABASE_URL`
    pub database: DatabaseChoice,
    /// `EVENT_LOG`
    pub event_log: LogChoice,
    /// `DATA_DIR`
    pub data_dir: PathBuf,
    /// `MASTER_KEY` or `MASTER_KEY_FILE`
    pub master_key: MasterKeyChoice,
    /// `ERASURE_LOG`
    pub erasure_log: PathBuf,
    /// `BACKUP_RETENTION_DAYS`
    pub backup_retention_days: u32,
    /// `LISTEN`
    pub listen: SocketAddr,
    /// `METRICS_LISTEN`; nothing: metrics are shown beside the API, where there is one.
    pub metrics_listen: Option<SocketAddr>,
    /// `READY_MAX_LAG_SECONDS`; nothing: readiness is not a matter of read models.
    pub ready_max_lag: Option<Duration>,
    /// `POOL_SIZE`
    pub pool_size: usize,
    /// `FORMULAS_OFF`
    pub formulas: FormulaPolicy,
    /// `PROJECTION_FAULTS`
    pub on_fault: OnFault,
    /// `AUDIT_EVERY_EVENTS`, `AUDIT_EVERY_MINUTES`, `AUDIT_DIR`
    pub audit: watch::Settings,
    /// `PUBLIC_URL`, `DASHBOARD_ORIGIN`, `PLATFORMS_BASE_URL`, and the apps at the platforms
    pub connect: ConnectConfig,
    /// `LOG`
    pub log_filter: String,
    /// `LOG_FORMAT`
    pub log_format: LogFormat,
}

/// The longest lag that may count as ready: 30 days.
const MOST_READY_LAG_SECONDS: u64 = 2_592_000;

#[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
fn variable(name: &str) -> anyhow::Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{name} is not valid UTF-8"),
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // A process's own folder belongs to whom it runs as, whatever HOME says.
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> anyhow::Result<Self> {
        let data_dir = match variable("DATA_DIR")? {
            Some(path) => PathBuf::from(path),
            None => PrivatePostgres::default_data_dir()?,
        };
        let listen = address("LISTEN")?;
        let listen = listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        let pool_size = variable("POOL_SIZE")?.unwrap_or_else(|| "24".to_owned());
        let pool_size = match pool_size.parse() {
            Ok(size @ 4..=500) => size,
            _ => bail!("POOL_SIZE is '{pool_size}': expected a number from 4 to 500"),
        };
        let formulas = variable("FORMULAS_OFF")?.unwrap_or_default();
        let formulas = FormulaPolicy::parse(&formulas)
            .map_err(|reason| anyhow::anyhow!("FORMULAS_OFF is not understood: {reason}"))?;
        let log_format = match variable("LOG_FORMAT")?.as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => bail!("LOG_FORMAT is '{other}': expected text or json"),
        };
        let on_fault = match variable("PROJECTION_FAULTS")?.as_deref() {
            None | Some("halt") => OnFault::Halt,
            Some("park") => OnFault::Park,
            Some(other) => bail!("PROJECTION_FAULTS is '{other}': expected halt or park"),
        };
        let master_key = master_key()?;
        let erasure_log = erasure_log(&master_key, &data_dir)?;
        let days = variable("BACKUP_RETENTION_DAYS")?.unwrap_or_else(|| "35".to_owned());
        let backup_retention_days = match days.parse() {
            Ok(days @ 0..=36_500) => days,
            _ => bail!("BACKUP_RETENTION_DAYS is '{days}': expected a number from 0 to 36500"),
        };
        Ok(Self {
            database: match variable("DATABASE_URL")? {
                Some(url) => DatabaseChoice::Url(url),
                None => DatabaseChoice::Private,
            },
            event_log: event_log()?,
            audit: audit(&data_dir)?,
            data_dir,
            master_key,
            erasure_log,
            backup_retention_days,
            connect: ConnectConfig::read(listen)?,
            listen,
            metrics_listen: address("METRICS_LISTEN")?,
            ready_max_lag: ready_max_lag()?,
            pool_size,
            formulas,
            on_fault,
            log_filter: variable("LOG")?.unwrap_or_else(|| "info".to_owned()),
            log_format,
        })
    }
}

fn address(name: &str) -> anyhow::Result<Option<SocketAddr>> {
    let Some(text) = variable(name)? else {
        return Ok(None);
    };
    let address = text.parse().with_context(|| {
        format!("{name} is '{text}': expected an address such as 127.0.0.1:8080")
    })?;
    Ok(Some(address))
}

fn ready_max_lag() -> anyhow::Result<Option<Duration>> {
    let text = variable("READY_MAX_LAG_SECONDS")?.unwrap_or_else(|| "300".to_owned());
    match (text.as_str(), text.parse()) {
        ("off", _) => Ok(None),
        (_, Ok(seconds @ 1..=MOST_READY_LAG_SECONDS)) => Ok(Some(Duration::from_secs(seconds))),
        _ => bail!(
            "READY_MAX_LAG_SECONDS is '{text}': expected a number from 1 to \
             {MOST_READY_LAG_SECONDS}, or off"
        ),
    }
}

/// The text may hold a password: what is wrong with it is said without it.
fn event_log() -> anyhow::Result<LogChoice> {
    match variable("EVENT_LOG")?.as_deref() {
        None | Some("postgres") => Ok(LogChoice::Postgres),
        Some(url) if EventStoreUrl::is_meant(url) => {
            let url: EventStoreUrl = url.parse().context("EVENT_LOG is not understood")?;
            Ok(LogChoice::EventStore(Box::new(url)))
        }
        Some(_) => bail!(
            "EVENT_LOG is not understood: expected postgres, or a connection string such as \
             esdb://host:2113?tls=false"
        ),
    }
}

/// When checkpoints are signed, and where their files are put.
fn audit(data_dir: &Path) -> anyhow::Result<watch::Settings> {
    let number = |name: &str, default: u64, most: u64| {
        let Some(text) = variable(name)? else {
            return Ok(default);
        };
        match text.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => bail!("{name} is '{text}': expected a number from 1 to {most}"),
        }
    };
    Ok(watch::Settings {
        every_events: number("AUDIT_EVERY_EVENTS", 100_000, 1_000_000_000)?,
        every: Duration::from_secs(60 * number("AUDIT_EVERY_MINUTES", 60, 10_080)?),
        folder: match variable("AUDIT_DIR")? {
            Some(folder) => PathBuf::from(folder),
            None => data_dir.join("audit"),
        },
    })
}

fn master_key() -> anyhow::Result<MasterKeyChoice> {
    let parse = |name| {
        let text = variable(name)?;
        let parsed = text.map(|text| MasterKey::parse(&text, name)).transpose();
        anyhow::Ok(parsed?)
    };
    let next = parse("MASTER_KEY_NEXT")?;
    match (parse("MASTER_KEY")?, variable("MASTER_KEY_FILE")?) {
        (Some(_), Some(_)) => bail!("MASTER_KEY and MASTER_KEY_FILE are both set: expected one"),
        (Some(current), None) => Ok(MasterKeyChoice::Given { current, next }),
        (None, _) if next.is_some() => bail!(
            "MASTER_KEY_NEXT is set without MASTER_KEY: a key in a file is followed by one beside it"
        ),
        (None, Some(path)) => Ok(MasterKeyChoice::File(PathBuf::from(path))),
        (None, None) => Ok(MasterKeyChoice::File(default_key_file()?)),
    }
}

/// Beside the master key, unless another place is named; never where a restored copy of the data
/// would take it back with it.
fn erasure_log(key: &MasterKeyChoice, data_dir: &Path) -> anyhow::Result<PathBuf> {
    let path = match (variable("ERASURE_LOG")?, key) {
        (Some(path), _) => PathBuf::from(path),
        (None, MasterKeyChoice::File(file)) => file.with_file_name("erasures.log"),
        (None, MasterKeyChoice::Given { .. }) => default_key_file()?.with_file_name("erasures.log"),
    };
    let path = absolute(&path).context("ERASURE_LOG")?;
    if path.starts_with(absolute(data_dir)?) {
        bail!(
            "ERASURE_LOG is {}, within DATA_DIR: expected a file outside it, since a restored \
             copy of the data must not take the record of erasures back",
            path.display()
        );
    }
    Ok(path)
}

/// Outside the data folder, so that a copy of the data opens nothing.
fn default_key_file() -> anyhow::Result<PathBuf> {
    if is_root() {
        return Ok(PathBuf::from("/etc/social-ledger/master.key"));
    }
    let folder = match variable("XDG_CONFIG_HOME")? {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("there is no home folder for the master key: set MASTER_KEY_FILE")?
            .join(".config"),
    };
    Ok(folder.join("social-ledger/master.key"))
}
