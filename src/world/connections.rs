//! The connections of the fake GitHub: accepted as they come, and wrapped without holding each other up.

use std::io;
use std::net::SocketAddr;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Connections that were accepted and wait to be served.
pub(super) struct Connections<S> {
    address: SocketAddr,
    wrapped: mpsc::UnboundedReceiver<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connections<S> {
    /// Accepts in a task of its own, and wraps each connection in another: a handshake that hangs must not hold up the next one.
    pub(super) fn accept<W, F>(listener: TcpListener, address: SocketAddr, wrap: W) -> Self
    where
        W: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let (sender, wrapped) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            } {
                // As any server does that answers in several pieces; if the option is refused, that only costs time.
                let _ = stream.set_nodelay(true);
                let (wrapping, sender) = (wrap(stream), sender.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = wrapping.await {
                        // The fake may have stopped meanwhile.
                        let _ = sender.send(stream);
                    }
                });
            }
        });
        Self { address, wrapped }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Listener for Connections<S> {
    type Io = S;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (S, SocketAddr) {
        match self.wrapped.recv().await {
            Some(stream) => (stream, self.address),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
