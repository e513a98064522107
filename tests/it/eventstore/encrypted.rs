//! TLS: a relay that speaks it stands before a server without, as a proxy would.

use super::scene::{append, new_stream, open, quick};
use adapters::eventstore::EventStoreLog;
use anyhow::ensure;
use commands::ports::{AppendError, EventLog};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tests::standin::{Endpoint, Setup, StandIn};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// A server's configuration with a certificate for this machine, and the authority's in a file.
fn certify(folder: &Path) -> anyhow::Result<(ServerConfig, PathBuf)> {
    let mut of_authority = CertificateParams::default();
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(of_authority, KeyPair::generate()?)?;
    let file = folder.join("ca.pem");
    std::fs::write(&file, authority.pem())?;
    let key = KeyPair::generate()?;
    let of_server = CertificateParams::new(["localhost".to_owned()])?;
    let certificate = of_server.signed_by(&key, &authority)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    // Two providers are in the tree: the client's is taken.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((config, file))
}

/// Deciphers what comes in on a new port, and passes it on.
async fn relay(config: ServerConfig, to: Endpoint) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                let mut near = acceptor.accept(plain).await?;
                let mut far = TcpStream::connect((to.host.as_str(), to.port)).await?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    Ok(port)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_server_is_spoken_to_if_its_authority_is_known() -> anyhow::Result<()> {
    let setup = Setup {
        credentials: Some(("ledger".to_owned(), "swordfish".to_owned())),
        ..Setup::default()
    };
    let server = StandIn::start_with(setup).await?;
    let folder = tempfile::tempdir()?;
    let (config, authority) = certify(folder.path())?;
    let port = relay(config, server.endpoint()).await?;
    let address = format!("esdb://ledger:swordfish@localhost:{port}?tls=true");

    let known = format!("{address}&tlsCaFile={}", authority.display());
    let log = open(&known)?;
    let stream = new_stream();
    let appended = log.append(append(&stream, None, 3)).await?;
    ensure!(appended.last_revision == 2, "{appended:?}");
    ensure!(log.read_stream(&stream, 0, 10).await?.len() == 3);

    // An authority that nobody knows, and another server than the certificate is for.
    let elsewhere = known.replace("localhost", "127.0.0.1");
    for refused in [&address, &elsewhere] {
        let patience = Duration::from_millis(500);
        let log = EventStoreLog::with_patience(quick(refused).parse()?, patience);
        let outcome = log.append(append(&stream, Some(2), 1)).await;
        let Err(AppendError::Unavailable(reason)) = outcome else {
            panic!("{outcome:?}");
        };
        ensure!(!reason.contains("swordfish"), "{reason}");
    }
    // Nothing was sent past the handshake.
    ensure!(server.counts().appends == 1 + 1, "{:?}", server.counts());
    Ok(())
}
