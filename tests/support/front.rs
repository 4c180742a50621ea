//! API Gateway's HTTP API in front of the function: HTTP in, an event (payload format 2.0) to the function, its answer out.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::lambda::{Invocation, Lambda};

/// Serves the function on a listener, as long as the test runs.
pub(crate) fn serve(listener: TcpListener, function: Lambda) {
    let function = Arc::new(Mutex::new(function));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let function = Arc::clone(&function);
            let serve = hyper::service::service_fn(move |request| answer(Arc::clone(&function), request));
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), serve).await;
            });
        }
    });
}

async fn answer(
    function: Arc<Mutex<Lambda>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let headers: Map<String, Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
        .collect();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let stage = path.strip_suffix("/github/webhook").map(|stage| stage.trim_start_matches('/'));
    let event = json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "" },
            "requestId": "front",
            "stage": stage.filter(|stage| !stage.is_empty()).unwrap_or("$default"),
            "timeEpoch": 0
        },
        "body": STANDARD.encode(&body),
        "isBase64Encoded": true,
    });
    let invocation = function.lock().await.invoke(event).await;
    let status = u16::try_from(invocation.status())?;
    let text = match invocation {
        Invocation::Answer(answer) => answer["body"].as_str().unwrap_or_default().to_owned(),
        Invocation::Error(_) => String::new(),
    };
    Ok(Response::builder().status(status).body(Full::new(text.into()))?)
}
