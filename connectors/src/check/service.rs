//! The rungs between the file and an answer, where the source is a service.

use super::{Step, climb_network, of_source, stop};
use crate::source::{Rung, SourceError, Whereabouts};

/// DNS, TCP, TLS, login. True when all of them hold.
pub(super) async fn climb(
    place: &Whereabouts,
    is_encrypted: bool,
    reach: impl Future<Output = Result<(), SourceError>>,
    login: impl Future<Output = Result<(), SourceError>>,
    steps: &mut Vec<Step>,
) -> bool {
    if !climb_network(place, steps).await {
        return false;
    }
    let plain = || {
        Step::sound(
            Rung::Tls,
            "不加密，文件写了 insecure_http = \"loopback\"：只连本机",
            "not encrypted, as the file says (insecure_http = \"loopback\"): this machine only",
        )
    };
    let encrypted = || {
        Step::sound(Rung::Tls, "连接已加密，证书核对过", "the connection is encrypted, and the certificate was checked")
    };
    let sound = || if is_encrypted { encrypted() } else { plain() };
    if let Err(error) = reach.await {
        return stop(steps, at(&error, Rung::Tls));
    }
    if let Err(error) = login.await {
        let step = at(&error, Rung::Login);
        // In TLS 1.3 a certificate of ours is refused only when the first answer is read.
        if step.rung > Rung::Tls {
            steps.push(sound());
        }
        return stop(steps, step);
    }
    steps.push(sound());
    steps.push(Step::sound(
        Rung::Login,
        "[source.auth] 要的密钥和令牌都取到了",
        "every key and token that [source.auth] needs was fetched",
    ));
    true
}

fn at(error: &SourceError, rung: Rung) -> Step {
    Step::broken(of_source(error, rung))
}
