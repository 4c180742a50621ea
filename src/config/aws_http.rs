//! Lends our HTTP client to the AWS SDK, so that there is one TLS stack and one set of trust anchors.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::transport::Connections;

/// Our client, as the SDK wants it. Its timeouts are the client's own and the one around every read of settings.
#[derive(Debug, Clone)]
pub(super) struct SharedClient(pub(super) Connections);

impl HttpClient for SharedClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SharedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pool = self.0.pool();
        HttpConnectorFuture::new(async move {
            let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
            let request = request.try_into_http1x().map_err(|error| user(error.into()))?;
            let (parts, body) = request.into_parts();
            // The SDK's requests for settings are small and in memory.
            let bytes = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
            let request: reqwest::Request = http::Request::from_parts(parts, bytes)
                .try_into()
                .map_err(|error: reqwest::Error| user(error.into()))?;
            let response = pool.client().execute(request).await.map_err(connector_error)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await.map_err(connector_error)?;
            let mut answer = http::Response::new(SdkBody::from(body));
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}
