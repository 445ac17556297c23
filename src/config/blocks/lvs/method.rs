//! `lb_kind` and `lvs_method`: how packets reach a real server.
use crate::{
    base::{Forward, Tunnel, TunnelChecksum, TunnelKind},
    config::{diagnostic::Diagnostics, rules::lvs as rules, tree::Statement, value},
};

/// For people: what stands behind the keyword.
pub(super) const TAKES: &str = "NAT|DR|TUN";

/// `NAT`, `DR`, or `TUN [type ipip | type gre | type gue port N] [nocsum|csum|remcsum]`.
pub(super) fn read(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<Forward> {
    let kind = value::one_of(statement, 1, &["NAT", "DR", "TUN"], out)?;
    if kind != "TUN" {
        if let Some(word) = statement.word(2) {
            out.report(rules::METHOD_OPTION, word.span)
                .with("option", word.as_str())
                .with("method", kind);
        }
        return Some(if kind == "NAT" { Forward::Nat } else { Forward::DirectRoute });
    }
    let mut tunnel = Tunnel::IPIP;
    let mut port = None;
    let mut at = 2;
    while let Some(word) = statement.word(at) {
        at += 1;
        match word.as_str() {
            "type" => {
                tunnel.kind = match value::one_of(statement, at, &["ipip", "gre", "gue"], out)? {
                    "gre" => TunnelKind::Gre,
                    "gue" => TunnelKind::Gue { port: 0 },
                    _ => TunnelKind::Ipip,
                };
                at += 1;
            }
            "port" => {
                port = Some(value::port(statement, at, out)?);
                at += 1;
            }
            "nocsum" => tunnel.checksum = TunnelChecksum::None,
            "csum" => tunnel.checksum = TunnelChecksum::Checksum,
            "remcsum" => tunnel.checksum = TunnelChecksum::RemoteChecksum,
            option => {
                out.report(rules::METHOD_OPTION, word.span)
                    .with("option", option)
                    .with("method", "TUN");
                return None;
            }
        }
    }
    tunnel.kind = match (tunnel.kind, port) {
        (TunnelKind::Gue { .. }, Some(port)) if port > 0 => TunnelKind::Gue { port },
        (TunnelKind::Gue { .. }, _) => {
            out.report(rules::GUE_PORT, statement.span);
            return None;
        }
        (kind @ (TunnelKind::Ipip | TunnelKind::Gre), None) => kind,
        (TunnelKind::Ipip | TunnelKind::Gre, Some(_)) => {
            out.report(rules::TUNNEL_PORT, statement.span);
            return None;
        }
    };
    let fits = match tunnel.kind {
        TunnelKind::Ipip => tunnel.checksum == TunnelChecksum::None,
        TunnelKind::Gre => tunnel.checksum != TunnelChecksum::RemoteChecksum,
        TunnelKind::Gue { .. } => true,
    };
    if !fits {
        out.report(rules::TUNNEL_CHECKSUM, statement.span);
        return None;
    }
    Some(Forward::Tunnel(tunnel))
}
