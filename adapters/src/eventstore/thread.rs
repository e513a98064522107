//! A client on a thread of its own, so that letting go of it really ends it.
//!
//! The client's connection task holds a sender to itself and so never ends by being dropped. On
//! its own small runtime it ends with that runtime; without it, each client that is replaced would
//! leave a task, its TLS roots and perhaps a connection behind for the life of the process.

use eventstore::{Client, ClientSettings};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A client and its thread, which ends when this is dropped.
pub(super) struct ClientThread {
    pub(super) client: Client,
    pub(super) runtime: Handle,
    // Dropped with this, which the thread waits for.
    _stop: oneshot::Sender<()>,
}

impl ClientThread {
    /// Starts a client; it connects when it is used. Blocking: it reads the machine's certificates.
    pub(super) fn start(settings: ClientSettings) -> Result<Self, String> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("eventstore".to_owned())
            .spawn(move || {
                let _dropped = runtime.block_on(stopped);
            })
            .map_err(|error| error.to_string())?;
        let client =
            Client::with_runtime_handle(handle.clone(), settings).map_err(|e| e.to_string())?;
        Ok(Self {
            client,
            runtime: handle,
            _stop: stop,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventstore::Error;
    use std::time::Duration;

    /// The task's end closes its channel, which a client that was kept hears of at once. A task
    /// that lived on would try to connect.
    #[tokio::test]
    async fn the_clients_task_ends_with_it() {
        let settings: ClientSettings = "esdb://127.0.0.1:1?tls=false"
            .parse()
            .expect("a connection string");
        let thread = ClientThread::start(settings).expect("a thread can be started");
        let kept = thread.client.clone();
        drop(thread);
        for _ in 0..500 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if matches!(kept.server_info().await, Err(Error::ConnectionClosed)) {
                return;
            }
        }
        panic!("the task lives on");
    }
}
