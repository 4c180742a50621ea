//! SSM Parameter Store and Secrets Manager, as far as settings are read from them, with a time for each call.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// Name and value of each parameter, and the one secret.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) parameters: Vec<(String, String)>,
    /// Name and text of each policy in Rego.
    pub(crate) policies: Vec<(String, String)>,
    pub(crate) secret: String,
    pub(crate) latency: Duration,
}

/// Serves it on a listener, with `wrap` around every connection.
pub(crate) fn serve<S, W, F>(listener: TcpListener, stored: Stored, wrap: W) -> tokio::task::JoinHandle<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    W: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = std::io::Result<S>> + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let (wrapped, stored) = (wrap(stream), stored.clone());
            tokio::spawn(async move {
                let Ok(stream) = wrapped.await else { return };
                let answer = hyper::service::service_fn(move |request| answer(stored.clone(), request));
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    })
}

async fn answer(stored: Stored, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap().to_owned());
    request.into_body().collect().await?;
    tokio::time::sleep(stored.latency).await;
    let parameter = |(name, value): &(String, String)| json!({ "Name": name, "Value": value, "Type": "String" });
    let body = match target.as_deref() {
        Some("AmazonSSM.GetParametersByPath") => {
            json!({ "Parameters": stored.policies.iter().map(parameter).collect::<Vec<Value>>() })
        }
        Some("AmazonSSM.GetParameters") => {
            json!({ "Parameters": stored.parameters.iter().map(parameter).collect::<Vec<Value>>(), "InvalidParameters": [] })
        }
        Some("secretsmanager.GetSecretValue") => json!({ "Name": "private-key", "SecretString": stored.secret }),
        other => panic!("no call of ours: {other:?}"),
    };
    Ok(Response::builder()
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap())
}
