//! Messages that the simulator sends: the project's own verification takes those that are signed
//! right, and no other.

use super::instagram;
use super::scene::Scene;
use adapters::platforms::signature::{
    Refused, meta_signed_request, meta_webhook, tiktok_webhook, webhook_challenge, websub,
};
use adapters::platforms::{Class, Secret, reader};
use adapters::simulator::{Message, Order, Signature};
use anyhow::{Context, ensure};
use domain::Platform;
use reqwest::Url;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A message: the first line, the headers in small letters, the body.
type Incoming = (String, String, Vec<u8>);

/// What came in.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<Incoming>>>);

impl Taken {
    fn last(&self) -> anyhow::Result<Incoming> {
        let taken = self.0.lock().expect("no test panics with it");
        taken.last().cloned().context("something came in")
    }
}

/// A server that takes everything with 200.
async fn taker() -> anyhow::Result<(String, Taken)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let taken = Taken::default();
    let kept = taken.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            while !is_whole(&bytes) && stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {}
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let (head, _) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
            let body = bytes[head.len() + 4..].to_vec();
            let entry = (first.to_owned(), headers.to_lowercase(), body);
            kept.0.lock().expect("no test panics with it").push(entry);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            let _gone = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok((url, taken))
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.to_lowercase().lines().find_map(|line| {
        let length = line.strip_prefix("content-length:")?;
        length.trim().parse::<usize>().ok()
    });
    bytes.len() >= head.len() + 4 + length.unwrap_or(0)
}

fn header(headers: &str, name: &str) -> String {
    let found = headers
        .lines()
        .find_map(|it| it.strip_prefix(&format!("{name}: ")));
    found.unwrap_or_default().to_owned()
}

fn order(platform: Platform, message: Message, url: &str) -> Order {
    Order {
        platform,
        creator: 0,
        ordinal: 0,
        message,
        url: url.to_owned(),
        signature: Signature::Right,
        secret: String::new(),
    }
}

#[tokio::test]
async fn metas_callbacks_and_webhooks() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (url, taken) = taker().await?;
    for platform in [Platform::Facebook, Platform::Instagram] {
        let secrets = [Secret::new(scene.app(platform).secret)];
        for message in [Message::DataDeletion, Message::Deauthorized] {
            for signature in [Signature::Right, Signature::Wrong, Signature::Missing] {
                let order = Order {
                    signature,
                    ..order(platform, message, &url)
                };
                let received = scene.simulator.send(&order).await?;
                ensure!(received.status == 200 && received.body == "ok");
                let body = String::from_utf8(taken.last()?.2)?;
                let signed = body.strip_prefix("signed_request=").context("a field")?;
                let payload = meta_signed_request(&secrets, signed);
                ensure!(
                    payload.is_ok() == (signature == Signature::Right),
                    "{payload:?}"
                );
                if let Ok(payload) = payload {
                    let id = payload["user_id"].as_str().context("a person")?;
                    let is_app_scoped = id.starts_with("25025320") || id.starts_with("122100");
                    ensure!(is_app_scoped, "{payload}");
                    let is_deletion = payload.get("expires").is_some();
                    ensure!(is_deletion == (message == Message::DataDeletion));
                }
            }
        }
        let shapes: &[Message] = match platform {
            Platform::Instagram => &[Message::Comment, Message::CommentFlat],
            _ => &[Message::Comment],
        };
        for message in shapes {
            scene
                .simulator
                .send(&order(platform, *message, &url))
                .await?;
            let (_, headers, body) = taken.last()?;
            let signature = header(&headers, "x-hub-signature-256");
            meta_webhook(&secrets, &signature, &body)?;
            ensure!(body.is_ascii(), "Meta escapes what is not ASCII");
            let notices = reader(platform).notices(&body)?;
            ensure!(notices[0].about == Some(scene.truth(platform, 0)?.account));
            let wrong = Order {
                signature: Signature::Wrong,
                ..order(platform, *message, &url)
            };
            scene.simulator.send(&wrong).await?;
            let (_, headers, body) = taken.last()?;
            let signature = header(&headers, "x-hub-signature-256");
            ensure!(meta_webhook(&secrets, &signature, &body) == Err(Refused::Wrong));
        }
        let question = Order {
            secret: "token".to_owned(),
            ..order(platform, Message::Verify, &url)
        };
        scene.simulator.send(&question).await?;
        let (first, _, _) = taken.last()?;
        let path = first.split(' ').nth(1).context("a path")?;
        let asked = Url::parse(&format!("http://x{path}"))?;
        let params: Vec<_> = asked
            .query_pairs()
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        ensure!(webhook_challenge(&Secret::new("token"), &params)? == "1158201444");
    }
    Ok(())
}

#[tokio::test]
async fn a_person_who_removes_the_app_ends_its_grants() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (url, _taken) = taker().await?;
    let token = instagram::token(&scene, 0).await?;
    let mut order = order(Platform::Instagram, Message::Deauthorized, &url);
    order.signature = Signature::Wrong;
    scene.simulator.send(&order).await?;
    scene
        .get(Platform::Instagram, &instagram::profile(&token))
        .await?
        .is(Class::Ok)?;
    order.signature = Signature::Right;
    scene.simulator.send(&order).await?;
    scene
        .get(Platform::Instagram, &instagram::profile(&token))
        .await?
        .is(Class::AuthExpired)
}

#[tokio::test]
async fn tiktoks_and_youtubes_webhooks() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (url, taken) = taker().await?;
    let secrets = [Secret::new(scene.app(Platform::Tiktok).secret)];
    for (signature, expected) in [
        (Signature::Right, Ok(())),
        (Signature::Wrong, Err(Refused::Wrong)),
        (Signature::Stale, Err(Refused::Stale)),
        (Signature::Missing, Err(Refused::Malformed)),
    ] {
        let order = Order {
            signature,
            ..order(Platform::Tiktok, Message::Deauthorized, &url)
        };
        scene.simulator.send(&order).await?;
        let (_, headers, body) = taken.last()?;
        let value = header(&headers, "tiktok-signature");
        ensure!(
            tiktok_webhook(&secrets, &value, &body, scene.now()) == expected,
            "{signature:?}"
        );
        let notice = reader(Platform::Tiktok).notices(&body)?.remove(0);
        ensure!(notice.about == Some(scene.truth(Platform::Tiktok, 0)?.account));
    }
    for message in [Message::Uploaded, Message::Deleted] {
        let order = Order {
            secret: "hub".to_owned(),
            ..order(Platform::Youtube, message, &url)
        };
        scene.simulator.send(&order).await?;
        let (_, headers, body) = taken.last()?;
        let value = header(&headers, "x-hub-signature");
        websub(&Secret::new("hub"), &value, &body)?;
        ensure!(websub(&Secret::new("other"), &value, &body).is_err());
        let notice = reader(Platform::Youtube).notices(&body)?.remove(0);
        let newest = scene.truth(Platform::Youtube, 0)?.newest.remove(0).id;
        ensure!(notice.post == Some(newest), "{notice:?}");
    }
    let none = order(Platform::Tiktok, Message::DataDeletion, &url);
    ensure!(scene.simulator.send(&none).await.is_err());
    Ok(())
}
