//! What operators enter of hubs of other regions: what is refused, and what the command line shows and checks.

use super::{HERE, THERE, Two, pin};
use crate::hub::{Setup, System, hub_alone};

/// What a hub shows to another one's operator, and the ladder, from the command line in both languages.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_shown_and_checked_from_the_command_line() {
    let two = Two::start(Setup::default()).await;
    let run = |system: &System, arguments: &[&str], lang: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["--lang", lang, "peer"])
            .args(arguments)
            .arg("--config")
            .arg(&system.files.config)
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(told).unwrap())
    };
    let (code, shown) = run(&two.here, &["show"], "en");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(HERE) && shown.contains(&pin(&two.here.files.keys.hub)), "{shown}");
    assert!(shown.contains("\"crv\":\"Ed25519\"") && !shown.contains("PRIVATE"), "{shown}");
    assert_eq!(run(&two.here, &["check", THERE], "en").0, Some(0), "{}", run(&two.here, &["check", THERE], "en").1);
    for (line, instead, en, zh) in [
        (
            "divisions = [\"230000\"]",
            "divisions = [\"310000\"]",
            "does not answer this hub for 310000",
            "不向本平台答复 310000",
        ),
        ("peers.pem", "answers/hrss.pem", "is not in provides.answer_key", "不在 provides.answer_key 之中"),
        ("name = \"hub_there\"", "name = \"hub_three\"", "calls itself hub_there", "自称 hub_there"),
        ("[egress]\nallow = [\"127.0.0.0/8\"]", "[egress]\nallow = []", "settings do not allow", "不允许连接"),
    ] {
        let sound = std::fs::read_to_string(&two.here.files.config).unwrap();
        assert!(sound.contains(line), "{line}");
        std::fs::write(&two.here.files.config, sound.replace(line, instead)).unwrap();
        let name = if instead.contains("three") { "hub_three" } else { THERE };
        for (lang, words) in [("en", en), ("zh", zh)] {
            let (code, told) = run(&two.here, &["check", name], lang);
            assert_eq!(code, Some(1), "{told}");
            assert!(told.contains(words), "{told}");
        }
        std::fs::write(&two.here.files.config, sound).unwrap();
    }
    let (code, told) = run(&two.here, &["check", "hub_nowhere"], "zh");
    assert!(code != Some(0) && told.contains(THERE) && told.contains("没有"), "{told}");
    // Who is not known over there is told so, with what mends it.
    let text = std::fs::read_to_string(&two.there.files.config).unwrap();
    let pinned = pin(&two.here.files.keys.hub);
    std::fs::write(&two.there.files.config, text.replace(&pinned, &"0".repeat(64))).unwrap();
    let before = two.there.app.peer_address.unwrap();
    let there = two.there.restart().await;
    let moved = std::fs::read_to_string(&two.here.files.config).unwrap();
    let now = there.app.peer_address.unwrap().to_string();
    std::fs::write(&two.here.files.config, moved.replace(&before.to_string(), &now)).unwrap();
    let (code, told) = run(&two.here, &["check", THERE], "en");
    assert!(code == Some(1) && told.contains("may_ask.certificate_keys"), "{told}");
    two.here.stop().await;
    there.stop().await;
}

/// What contradicts itself is refused at start, in both languages.
#[test]
fn a_division_with_two_hubs_is_refused_and_so_is_what_could_only_be_sent_on() {
    let folder = tempfile::tempdir().unwrap();
    let files = hub_alone(folder.path());
    let sound = std::fs::read_to_string(&files.config).unwrap();
    let own = "[peering]\nname = \"hub_here\"\ndivisions = [\"150000\"]\n";
    let provides = |name: &str, divisions: &str| {
        format!(
            "[[peer]]\nname = \"{name}\"\n[peer.provides]\ndivisions = {divisions}\nendpoint = \"https://127.0.0.1:1\"\nca = \"keys/ca.pem\"\nanswer_key = \"keys/hub-keys.json\"\n"
        )
    };
    let may_ask = |more: &str| {
        format!(
            "[[peer]]\nname = \"aa\"\n[peer.may_ask]\ncertificate_keys = [\"{}\"]\ncontext_keys = \"keys/hub-keys.json\"\npurposes = [\"dibao\"]\n{more}",
            "0".repeat(64)
        )
    };
    let listen = "[peering.listen]\naddress = \"127.0.0.1:0\"\ncertificate = \"keys/server.pem\"\nprivate_key = \"keys/server.key\"\nclient_ca = \"keys/ca.pem\"\n";
    let load = |text: String| {
        std::fs::write(&files.config, format!("{sound}\n{text}")).unwrap();
        hedui::config::Config::load(&files.config).map(drop).map_err(|error| error.text())
    };
    load([own, &provides("bb", "[\"230000\", \"230100\"]")].concat()).unwrap();
    load([own, listen, &may_ask("divisions = [\"150200\"]\n")].concat()).unwrap();
    for (text, named) in [
        ([own, &provides("bb", "[\"230000\"]"), &provides("cc", "[\"230000\"]")].concat(), "230000"),
        ([own, &provides("bb", "[\"150000\"]")].concat(), "150000"),
        ([own, &provides("bb", "[\"230000\", \"230000\"]")].concat(), "230000"),
        ([own, &provides("bb", "[\"230000\"]"), &provides("bb", "[\"310000\"]")].concat(), "bb"),
        ([own, &provides("hub_here", "[\"230000\"]")].concat(), "hub_here"),
        ([own, &provides("bb", "[]")].concat(), "bb"),
        (provides("bb", "[\"230000\"]"), "[peering]"),
        ([own, &may_ask("")].concat(), "[peering.listen]"),
        ([own, listen, &may_ask("divisions = [\"230000\"]\n")].concat(), "230000"),
        ([own, "[[peer]]\nname = \"bb\"\n"].concat(), "bb"),
    ] {
        let told = load(text.clone()).unwrap_err();
        assert!(told.en.contains(named) && told.zh.contains(named), "{text}\n{told:?}");
        assert!(told.zh.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)), "{told:?}");
    }
}
