//! A connection that can be cut, or left without an answer, from our side.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::transport::server::Connected;

/// Cuts the connection that a call came on.
#[derive(Clone)]
pub(super) struct Cutter(CancellationToken);

impl Cutter {
    pub(super) fn cut(&self) {
        self.0.cancel();
    }
}

/// A connection of a client.
pub(super) struct Line {
    stream: TcpStream,
    end: CancellationToken,
    /// One for each direction: each wakes one task.
    ends: [Pin<Box<WaitForCancellationFutureOwned>>; 2],
    /// A black hole neither reads nor writes.
    silent: Arc<AtomicBool>,
    _open: TaskTrackerToken,
}

impl Line {
    pub(super) fn new(
        stream: TcpStream,
        end: CancellationToken,
        silent: Arc<AtomicBool>,
        open: TaskTrackerToken,
    ) -> Self {
        let ends = [0, 1].map(|_| Box::pin(end.clone().cancelled_owned()));
        Self {
            stream,
            end,
            ends,
            silent,
            _open: open,
        }
    }

    /// Whether bytes may pass now; else the task is woken once the connection is cut.
    fn poll_open(&mut self, way: usize, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ends[way].as_mut().poll(context).is_ready() {
            // The other side sees a reset, as when a process dies.
            let _ = self.stream.set_zero_linger();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.silent.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Line {
    /// The system holds acknowledgements back for 40 ms where it can, and a client that gathers
    /// small writes waits for each: its appends would measure that and nothing else. The system
    /// forgets this wish, so it is told again with every read.
    fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        let _ = self.stream.set_quickack(true);
    }
}

impl Connected for Line {
    type ConnectInfo = Cutter;

    fn connect_info(&self) -> Cutter {
        Cutter(self.end.clone())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_open(0, context))?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.acknowledge_at_once();
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_open(1, context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_open(1, context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
