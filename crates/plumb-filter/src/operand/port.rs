//! The port part of an inet operand: a number of any base, or a service.

use crate::c_number::long;
use crate::{Kind, Transport};

use super::Asking;

/// Reads a port; `None` = any, which `*`, nothing and -1 mean.
pub(crate) fn read(text: &[u8], asking: &mut Asking<'_>) -> Result<Option<i64>, Kind> {
    if matches!(text, [] | [b'*', ..]) {
        return Ok(None);
    }
    let number = match long(text) {
        Some(number) if asking.context.wide_ports || i32::try_from(number).is_ok() => Some(number),
        _ => service(text, asking).map(i64::from),
    };
    match number {
        Some(-1) => Ok(None),
        Some(number) => Ok(Some(number)),
        None => Err(Kind::Port(text.to_vec())),
    }
}

/// Looks a service up in the selected tables; tcp wins where both know it.
fn service(name: &[u8], asking: &mut Asking<'_>) -> Option<u16> {
    let tcp = asking
        .context
        .tcp
        .then(|| asking.resolve.service(name, Transport::Tcp))
        .flatten();
    tcp.or_else(|| {
        asking
            .context
            .udp
            .then(|| asking.resolve.service(name, Transport::Udp))
            .flatten()
    })
}
