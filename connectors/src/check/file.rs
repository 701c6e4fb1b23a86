//! What the file itself says, beyond its form: kinds that no rule counts, and its golden tests.

use std::path::Path;

use super::Step;
use crate::connector::Connector;
use crate::error::{Lang, Text};
use crate::source::{Rung, Trouble};
use crate::{facts, golden};

/// The kinds of property that the shipped rules do not count, if there are any: a pack may, and a slip may be one.
pub(super) fn uncounted(connector: &Connector) -> Text {
    let assets = connector.datasets.iter().filter(|dataset| dataset.fact == "asset");
    let unknown = assets.flat_map(|dataset| {
        let unknown = |kind: &&str| !facts::kinds(&dataset.fact).contains(kind);
        dataset.mapping.kinds().into_iter().filter(unknown).map(|kind| format!("{} {kind}", dataset.id))
    });
    match unknown.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => Text::same(""),
        kinds => Text::new(
            format!("；注意：自带规则不计入这些类别，除非当地政策包写明：{kinds}"),
            format!("; note: the shipped rules count no such kinds, unless a local pack does: {kinds}"),
        ),
    }
}

/// Its golden tests.
pub(super) async fn golden(connector: &Connector, file: &Path) -> Step {
    let results = golden::run(connector).await;
    let failed: Vec<_> = results.iter().filter(|result| !result.passed()).collect();
    let count = results.len();
    if count == 0 {
        return Step::sound(
            Rung::Golden,
            "文件里还没有金样测试：没有它，改了映射也看不出来",
            "the file has no golden test yet: without one, a change of the mapping is not noticed",
        );
    }
    let Some(first) = failed.first() else {
        return Step::sound(Rung::Golden, format!("{count} 个金样测试都通过"), format!("{count} golden test(s) pass"));
    };
    Step::broken(Trouble {
        code: "golden_test_failed",
        rung: Rung::Golden,
        what: Text::new(
            format!(
                "{count} 个金样测试里有 {} 个不通过，先是“{}”：{}",
                failed.len(),
                first.name,
                super::joined(&first.differences, Lang::Zh)
            ),
            format!(
                "{} of {count} golden tests fail, first `{}`: {}",
                failed.len(),
                first.name,
                super::joined(&first.differences, Lang::En)
            ),
        ),
        mend: golden::mend(),
        command: Some(format!("hedui-adapter test {}", file.display())),
        details: String::new(),
    })
}
