//! What the access log could not show otherwise: it is written when the request is over, and has the headers as they are
//! by then. Only the requests that need it pay for it.

use super::{Pairs, Proxy};
use policy::headers;
use policy::request::RequestHead;
use policy::verdict::RequestEdit;

/// Shows the access log the headers that the edits replace or remove, as they were received: those of `x-forwarded-host`
/// as `origin_gate_received_x_forwarded_host`. Several lines are one value, as in RFC 9110 §5.3.
pub fn publish(proxy: &impl Proxy, request: &Pairs, edits: &[RequestEdit]) {
    let mut shown = "";
    for edit in edits {
        let name: &str = match edit {
            RequestEdit::Remove(name) => name,
            RequestEdit::Set(name, _) | RequestEdit::Rewrite(name, _) => name,
            // Only where there was none.
            RequestEdit::AddWebSocketKey => continue,
        };
        // Each spelling of a name has an edit of its own.
        let Some(name) = headers::meant_by(name.as_bytes()).filter(|name| *name != shown) else {
            continue;
        };
        shown = name;
        let lines = request.headers().into_iter().flatten();
        let lines = lines.filter(|(it, _)| headers::meant_by(it) == Some(name));
        let values: Vec<_> = lines.map(|(_, value)| value).collect();
        if !values.is_empty() {
            let name = name.replace('-', "_");
            proxy.publish(&["origin_gate_received_", &name].concat(), &values.join(&b", "[..]));
        }
    }
}

/// Shows the access log the host and path of a request that came with `x-envoy-original-path` or `x-envoy-original-host`.
/// Envoy takes these out at the edge only, and its access log has them in place of the path and host.
pub fn publish_target(proxy: &impl Proxy, head: &RequestHead<'_>) {
    if let Some(authority) = head.authority.one() {
        proxy.publish("origin_gate_received_authority", authority);
    }
    proxy.publish("origin_gate_received_path", head.path);
}

/// Whether Envoy notes in a header of this name what its routes rewrite.
pub fn is_original(name: &[u8]) -> bool {
    matches!(name, b"x-envoy-original-path" | b"x-envoy-original-host")
}
