//! What the access log could not show otherwise: it is written when the request is over, and has the headers as they are
//! by then. Only the requests that need it pay for it.

use super::proxy::{Headers, Proxy};
use policy::headers;
use policy::request::Request;
use policy::verdict::RequestEdit;

/// The most of a line that is shown, in bytes: no longer one is a host or a list of them, and a client chooses the length.
const LONGEST: usize = 1024;

/// Shows the access log the headers that the edits replace or remove, as they were received: those of `x-forwarded-host`
/// as `origin_gate_received_x_forwarded_host`.
pub(crate) fn publish_edited(proxy: &impl Proxy, request: &impl Headers, edits: &[RequestEdit]) {
    let mut shown = "";
    for edit in edits {
        let name: &str = match edit {
            RequestEdit::Remove(name) => name,
            RequestEdit::Set(name, _) | RequestEdit::Rewrite(name, _) => name,
            // Only where there was none.
            RequestEdit::AddWebSocketKey => continue,
        };
        // Each spelling of a name has an edit of its own.
        if let Some(name) = headers::meant_by(name.as_bytes()).filter(|name| *name != shown) {
            shown = name;
            publish(proxy, request, name);
        }
    }
}

/// Shows the access log the headers of which it has one line at most, under one name, where there are others.
pub(crate) fn publish_unclear(proxy: &impl Proxy, request: &impl Headers, head: &Request<'_>) {
    head.received.unclear().for_each(|name| publish(proxy, request, name));
}

/// Several lines are one value, as in RFC 9110 §5.3. A line that supplies no value, since its name is spelled in another
/// way, is shown with that name.
fn publish(proxy: &impl Proxy, request: &impl Headers, name: &str) {
    let mut values = Vec::new();
    let visited = request.visit(|spelled, value| {
        let value = value.get(..LONGEST).unwrap_or(value);
        match (name, spelled) {
            (headers::HOST, b":authority") | (headers::UPGRADE, b":protocol") => values.push(value.to_vec()),
            _ if headers::meant_by(spelled) != Some(name) => {}
            // Every spelling of these is read.
            (headers::X_FORWARDED_HOST | headers::FORWARDED, _) => values.push(value.to_vec()),
            _ if spelled == name.as_bytes() => values.push(value.to_vec()),
            _ => values.push([spelled, value].join(&b": "[..])),
        }
    });
    if visited.is_ok() && !values.is_empty() {
        let name = match name {
            headers::HOST => "authority".to_owned(),
            _ => name.replace('-', "_"),
        };
        proxy.publish(&["origin_gate_received_", &name].concat(), &values.join(&b", "[..]));
    }
}

/// Shows the access log the host and path of a request that came with `x-envoy-original-path` or `x-envoy-original-host`.
/// Envoy takes these out at the edge only, and its access log has them in place of the path and host.
pub(crate) fn publish_target(proxy: &impl Proxy, head: &Request<'_>) {
    if let Some(authority) = head.received.authority.one() {
        proxy.publish("origin_gate_received_authority", authority);
    }
    proxy.publish("origin_gate_received_path", head.received.path);
}

/// Whether Envoy notes in a header of this name what its routes rewrite.
pub(crate) fn is_original(name: &[u8]) -> bool {
    matches!(name, b"x-envoy-original-path" | b"x-envoy-original-host")
}
