//! Settings of connecting accounts: our apps at the platforms, and the addresses around us.

use super::variable;
use adapters::platforms::Secret;
use adapters::platforms::client::App;
use adapters::platforms::transport::Transport;
use anyhow::bail;
use domain::Platform;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What connecting accounts needs.
pub struct ConnectConfig {
    /// `INSTAGRAM_CLIENT_ID`, `INSTAGRAM_CLIENT_SECRET`, and the same for the other platforms.
    pub apps: BTreeMap<Platform, App>,
    /// `PLATFORMS_BASE_URL`
    pub transport: Transport,
    /// `PUBLIC_URL`
    pub public_url: String,
    /// `WEBHOOK_SECRET`
    pub webhook_secret: Option<Secret>,
    /// `DASHBOARD_ORIGIN`
    pub dashboard_origin: Option<String>,
}

impl ConnectConfig {
    pub(super) fn read(listen: SocketAddr) -> anyhow::Result<Self> {
        let public_url = public_url(listen)?;
        let mut apps = BTreeMap::new();
        for platform in Platform::ALL {
            let name = platform.name().to_ascii_uppercase();
            let id = variable(&format!("{name}_CLIENT_ID"))?;
            let secret = variable(&format!("{name}_CLIENT_SECRET"))?;
            match (id, secret) {
                (None, None) => {}
                (Some(client_id), Some(secret)) => {
                    let app = App {
                        client_id,
                        client_secret: Secret::new(secret),
                        redirect_uri: format!("{public_url}/oauth/{platform}/callback"),
                    };
                    apps.insert(platform, app);
                }
                (Some(_), None) => bail!("{name}_CLIENT_ID is set without {name}_CLIENT_SECRET"),
                (None, Some(_)) => bail!("{name}_CLIENT_SECRET is set without {name}_CLIENT_ID"),
            }
        }
        Ok(Self {
            apps,
            public_url,
            webhook_secret: variable("WEBHOOK_SECRET")?.map(Secret::new),
            transport: Transport::new(variable("PLATFORMS_BASE_URL")?.as_deref())?,
            dashboard_origin: dashboard_origin()?,
        })
    }
}

/// An address without a path: scheme, host, perhaps a port.
fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let fits = |it: char| it.is_ascii_alphanumeric() || "-.:[]".contains(it);
    rest.is_some_and(|host| !host.is_empty() && host.chars().all(fits))
}

/// Where the platforms send people back to.
fn public_url(listen: SocketAddr) -> anyhow::Result<String> {
    let Some(given) = variable("PUBLIC_URL")? else {
        return Ok(format!("http://{listen}"));
    };
    let url = given.trim_end_matches('/');
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let is_plain = |it: char| it.is_ascii_graphic() && !"?#\"<>\\^`{|}".contains(it);
    if !is_origin(&origin) || !url.chars().all(is_plain) {
        bail!("PUBLIC_URL is '{given}': expected an address such as https://ledger.example");
    }
    Ok(url.to_owned())
}

fn dashboard_origin() -> anyhow::Result<Option<String>> {
    let given = variable("DASHBOARD_ORIGIN")?;
    match given {
        Some(text) if !is_origin(&text) => bail!(
            "DASHBOARD_ORIGIN is '{text}': expected an origin without a path, such as \
             https://dashboard.example"
        ),
        given => Ok(given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for right in [
            "https://d.example",
            "http://127.0.0.1:3000",
            "http://[::1]:80",
        ] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in [
            "",
            "https://",
            "https://d.example/",
            "d.example",
            "*",
            "https://d/x",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
