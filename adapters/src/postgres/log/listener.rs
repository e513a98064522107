//! Hears one NOTIFY for each batch. A hint only: whoever waits for it also polls.

use crate::postgres::connect::Endpoint;
use std::future::poll_fn;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::AsyncMessage;

const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Follows the head of the log until every receiver is gone.
pub(super) fn start(endpoint: Endpoint) -> watch::Receiver<u64> {
    let (heads, receiver) = watch::channel(0);
    tokio::spawn(async move {
        tokio::select! {
            () = heads.closed() => {}
            () = follow(&endpoint, &heads) => {}
        }
    });
    receiver
}

async fn follow(endpoint: &Endpoint, heads: &watch::Sender<u64>) {
    loop {
        if let Err(error) = listen(endpoint, heads).await {
            tracing::debug!(%error, "notifications are not heard; polling goes on");
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn listen(
    endpoint: &Endpoint,
    heads: &watch::Sender<u64>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = endpoint.open().await?;
    let listening = client.batch_execute("listen log_events");
    let messages = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(note) = message? {
                let head = note.payload().parse().unwrap_or(0);
                heads.send_modify(|known| *known = head.max(*known));
            }
        }
        Ok(())
    };
    let (listening, messages) = tokio::join!(listening, messages);
    listening.and(messages)
}
