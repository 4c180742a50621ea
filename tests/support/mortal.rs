//! Connections that can die while nobody looks, as those of a function that sleeps do.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How a connection dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// The other side is told.
    Reset,
    /// Whatever is sent is lost, and nothing ever comes.
    Silence,
}

/// All connections to a server, each with its number.
#[derive(Clone)]
pub(crate) struct Connections {
    how: Death,
    opened: Arc<AtomicUsize>,
    /// Those with a smaller number are dead.
    alive_from: Arc<AtomicUsize>,
}

/// One of them.
pub(crate) struct Mortal {
    stream: TcpStream,
    number: usize,
    all: Connections,
}

impl Connections {
    pub(crate) fn new(how: Death) -> Self {
        Self { how, opened: Arc::default(), alive_from: Arc::default() }
    }

    pub(crate) fn open(&self, stream: TcpStream) -> Mortal {
        Mortal { stream, number: self.opened.fetch_add(1, Ordering::SeqCst), all: self.clone() }
    }

    /// All that are open die; those that follow live.
    pub(crate) fn die(&self) {
        self.alive_from.store(self.opened.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl Mortal {
    /// What becomes of a read or a write on a dead one; `None` on a living one.
    fn end(&self) -> Option<Death> {
        (self.number < self.all.alive_from.load(Ordering::SeqCst)).then_some(self.all.how)
    }
}

fn reset<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

impl AsyncRead for Mortal {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match self.end() {
            None => read,
            Some(Death::Reset) => reset(),
            // Read, so that the sender's side takes it for sent, and forgotten.
            Some(Death::Silence) => {
                buffer.set_filled(before);
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Mortal {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.end() {
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
            Some(Death::Reset) => reset(),
            Some(Death::Silence) => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
