//! The rungs between the file and an answer, where the source is a service of XML.

use super::{Step, of_source};
use crate::source::{Rung, SoapSource, connect, resolve};

/// DNS, TCP, TLS, login. True when all of them hold.
pub(super) async fn climb(source: &SoapSource, steps: &mut Vec<Step>) -> bool {
    match climbed(source, steps).await {
        Ok(()) => true,
        Err(step) => {
            steps.push(step);
            false
        }
    }
}

async fn climbed(source: &SoapSource, steps: &mut Vec<Step>) -> Result<(), Step> {
    let place = source.place();
    let addresses = resolve(place).await.map_err(Step::broken)?;
    let shown = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    let host = &place.host;
    steps.push(Step::sound(Rung::Dns, format!("{host} 的地址是 {shown}"), format!("{host} is {shown}")));
    let address = connect(&addresses, place).await.map_err(Step::broken)?;
    steps.push(Step::sound(Rung::Tcp, format!("{address} 有程序在听"), format!("{address} listens")));
    source.reach().await.map_err(|error| Step::broken(of_source(&error, Rung::Tls)))?;
    steps.push(if source.is_encrypted() {
        Step::sound(Rung::Tls, "连接已加密，证书核对过", "the connection is encrypted, and the certificate was checked")
    } else {
        Step::sound(Rung::Tls, "不加密，只连本机", "not encrypted, as the file says: this machine only")
    });
    source.login().await.map_err(|error| Step::broken(of_source(&error, Rung::Login)))?;
    steps.push(Step::sound(
        Rung::Login,
        "[source.auth] 要的密钥都取到了",
        "every key that [source.auth] needs was fetched",
    ));
    Ok(())
}
