//! Two departments that nobody has seen join with the verbs alone: a bank's deposits in `MariaDB`, a vehicle registry in
//! `PostgreSQL`. From `new` to conformance L2, with what a person types counted, and on to a verdict.
//! `make join` shows the time.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use super::hub::{Setup, System, append_adapters, listed, requests, root, serve_connector};
use super::servers::{self, PASSWORD, Server};

/// Somebody who cannot exist, whose records stand in the new department for trials.
const TRIED: (&str, &str) = ("150000197912240017", "巴图");

const BANK: &str = "
CREATE TABLE 个人存款账户信息 (
  账号 varchar(32) PRIMARY KEY, 客户证件类型 char(2) COMMENT '01居民身份证 02军官证', 客户证件号码 varchar(18) NOT NULL,
  客户姓名 varchar(60), 储种 char(2) COMMENT '10活期 20定期 30大额存单', 币种 char(3), 账户余额 decimal(18,2),
  开户日期 char(8), 账户状态 char(1) COMMENT '0正常 1销户 2冻结', 开户网点 varchar(100), 数据日期 date, KEY (客户证件号码)
) CHARACTER SET utf8mb4;
CREATE TABLE 网点 (网点号 char(9) PRIMARY KEY, 网点名称 varchar(100)) CHARACTER SET utf8mb4;
INSERT INTO 个人存款账户信息 VALUES
  ('6228480000000000011', '01', '150000197912240017', '巴图', '20', '156', 12000.50, '20210305', '0', '库伦旗支行', '2026-10-31'),
  ('6228480000000000012', '01', '150000197912240017', '巴图', '10', '156', 0.00, '20150101', '1', '库伦旗支行', '2026-10-31');
";

const VEHICLES: &str = "
CREATE SCHEMA trff;
CREATE TABLE trff.jdc_djxx (
  xh bigint PRIMARY KEY, hpzl char(2), hphm varchar(15), cllx varchar(4), clpp varchar(60), syr varchar(128),
  sfzmhm varchar(18) NOT NULL, syxz char(1), ccdjrq date, jsjg numeric(12,2), zt varchar(6), gxrq timestamp);
CREATE INDEX ON trff.jdc_djxx (sfzmhm);
COMMENT ON COLUMN trff.jdc_djxx.syr IS '机动车所有人';
COMMENT ON COLUMN trff.jdc_djxx.sfzmhm IS '机动车所有人身份证明号码';
COMMENT ON COLUMN trff.jdc_djxx.zt IS '机动车状态：A-正常，E-注销，G-违法未处理，M-强制报废';
COMMENT ON COLUMN trff.jdc_djxx.jsjg IS '计税价格（元）';
CREATE TABLE trff.code_cllx (dm varchar(4), mc varchar(60));
INSERT INTO trff.jdc_djxx VALUES
  (1, '02', '蒙F00001', 'K33', '五菱', '巴图', '150000197912240017', 'A', '2022-06-18', 45800.00, 'A', '2026-10-30 08:00:00'),
  (2, '02', '蒙F00002', 'K33', '长安', '巴图', '150000197912240017', 'A', '2009-01-05', 30000.00, 'E', '2019-03-01 08:00:00');
";

/// A department about to join.
struct Newcomer {
    id: &'static str,
    folder: TempDir,
    file: PathBuf,
    began: Instant,
    commands: usize,
}

impl Newcomer {
    fn new(id: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(format!("{id}.toml"));
        Self { id, folder, file, began: Instant::now(), commands: 0 }
    }

    /// `hedui adapter VERB FILE …`, which must end well.
    fn run(&mut self, verb: &str, more: &[&str]) -> String {
        self.commands += 1;
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_hedui"))
            .args(["adapter", verb, self.file.to_str().unwrap()])
            .args(more)
            .args(["--lang", "zh"])
            .env("NEWCOMER_PASSWORD", PASSWORD)
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert!(status.success(), "{verb}: {out}{err}");
        out
    }

    /// From nothing to L2.
    fn join(&mut self, driver: &str, server: &Server, database: &str, table: &str, dataset: &str) {
        let names = ["--name-zh", "新来的部门", "--name-en", "Newcomer", "--contact", "值班室 0475-0000000"];
        let place = ["--driver", driver, "--host", "localhost", "--database", database, "--user", database];
        let mut arguments = vec!["--id", self.id, "--secret-env", "NEWCOMER_PASSWORD", "--non-interactive"];
        // The servers of a test listen where there is a place, with a CA of their own.
        let (port, ca) = (server.port.to_string(), server.ca().display().to_string());
        arguments.extend(names.iter().chain(&place).chain(&["--port", &port, "--tls-ca", &ca]));
        self.run("new", &arguments);

        let found = self.run("discover", &["--table", table, "--append"]);
        for value in [TRIED.0, TRIED.1, "45800", "12000", "五菱"] {
            assert!(!found.contains(value), "never a value: {value} in {found}");
        }
        self.run("check", &[]);
        let rows = self.folder.path().join("rows.json");
        let period = ["--from", "2025-11-01", "--to", "2026-10-31"];
        let mut arguments = vec!["--dataset", dataset, "--id-number", TRIED.0, "--name", TRIED.1];
        arguments.extend(period);
        arguments.extend(["--record", rows.to_str().unwrap(), "--golden", "查得到的人"]);
        let tried = self.run("try", &arguments);
        assert!(tried.contains("150000********0017") && !tried.contains(TRIED.1), "{tried}");
        assert_eq!(self.run("test", &[]).lines().last(), Some("1 passed, 0 failed"));
        let conform = self.run("conform", &["--level", "2"]);
        let report = self.folder.path().join(format!("{}.conformance.json", self.id));
        let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
        let schema = std::fs::read_to_string(root().join("schemas/conformance-report.json")).unwrap();
        let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
        let faults: Vec<String> =
            schema.iter_errors(&report).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert_eq!(faults, Vec::<String>::new());
        let last = conform.lines().last().unwrap();
        assert!(last.starts_with("新来的部门的适配器达到 L2（合义）"), "{conform}");
        self.tell(last);
        let whole = self.run("conform", &["--level", "4"]);
        assert!(whole.lines().last().unwrap().contains("达到 L4（守私），全部要求都满足"), "{whole}");
    }

    /// Lines of TOML that say something.
    fn lines(&self) -> usize {
        let text = std::fs::read_to_string(&self.file).unwrap();
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).count()
    }

    #[expect(clippy::print_stdout, reason = "`make join` shows it")]
    fn tell(&self, sentence: &str) {
        let Self { id, commands, .. } = self;
        let (lines, took) = (self.lines(), self.began.elapsed());
        println!(
            "{id}: {commands} commands, {lines} lines of TOML, none of them edited, {:.1} s; {sentence}",
            took.as_secs_f64()
        );
        assert!(lines <= 40, "{}", std::fs::read_to_string(&self.file).unwrap());
        assert!(took < Duration::from_mins(10));
    }
}

/// The shipped catalogue and an entry for the newcomer.
fn catalogue(folder: &Path, entry: &str) -> PathBuf {
    let shipped = std::fs::read_to_string(root().join("schemas/catalogue.toml")).unwrap();
    let file = folder.join("catalogue.toml");
    std::fs::write(&file, format!("{shipped}\n{entry}")).unwrap();
    file
}

fn entry(department: &str, dataset: &str, kind: &str) -> String {
    format!(
        "[[department]]\nid = \"{department}\"\nname = {{ zh = \"新来的部门\", en = \"Newcomer\" }}\n\
         if_missing = [\"property_may_fail\"]\n\n[[dataset]]\nid = \"{dataset}\"\ndepartment = \"{department}\"\n\
         name = {{ zh = \"财产\", en = \"Property\" }}\nfact = \"asset\"\nsensitivity = \"sensitive\"\n\
         authority = \"conclusive\"\nholds = [\"{kind}\"]\n\
         purposes = [\"dibao\", \"low_income\", \"expenditure\", \"temporary_relief\", \"periodic_review\"]\n\
         fresh = \"24h\"\nstale_while_error = \"7d\"\n"
    )
}

/// Joins the department to a hub: the household that received the minimum allowance no longer does for what the newcomer
/// knows. `record` writes that a person owns something.
async fn reaches_a_verdict(
    newcomer: &Newcomer,
    url: &str,
    dataset: &str,
    kind: &str,
    reason: &str,
    record: impl AsyncFn(&str, &str),
) {
    let extra = TempDir::new().unwrap();
    let catalogue = catalogue(extra.path(), &entry(newcomer.id, dataset, kind));
    let setup = Setup { own_packs: true, catalogue: Some(catalogue), ..Setup::default() };
    let mut system = System::start(setup, listed()).await;
    let document = requests(system.folder.path())["C01"].clone();
    let before = system.caller.verify(&document).await;
    assert_eq!(before.department(newcomer.id), "not_connected");

    let running = serve_connector(&newcomer.file, url, &system.files).await;
    append_adapters(&system.files.config, &[(newcomer.id, running.addr())], "1500ms");
    system = system.restart().await;
    let poor = system.caller.verify(&document).await;
    assert_eq!(poor.department(newcomer.id), "no_record", "{}", poor.body);
    assert_eq!(poor.body["verdict"]["household_circle"], json!("DIBAO"), "{}", poor.body);
    running.stop().await;
    system.stop().await;

    // Another household of the same kind, so that no cache answers.
    let setup = Setup { own_packs: true, catalogue: Some(extra.path().join("catalogue.toml")), ..Setup::default() };
    let mut system = System::start(setup, listed()).await;
    let member = &requests(system.folder.path())["C01"]["household"]["members"][0];
    record(member["id_number"].as_str().unwrap(), member["name"].as_str().unwrap()).await;
    let running = serve_connector(&newcomer.file, url, &system.files).await;
    append_adapters(&system.files.config, &[(newcomer.id, running.addr())], "1500ms");
    system = system.restart().await;
    let rich = system.caller.verify(&document).await;
    assert_eq!(rich.body["verdict"]["household_circle"], json!("NONE"), "{}", rich.body);
    assert!(rich.body["verdict"].to_string().contains(reason), "{}", rich.body);
    running.stop().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_nobody_has_seen_joins_with_the_verbs_and_its_deposits_reach_a_verdict() {
    let Some(server) = servers::mariadb().await else { return };
    let account = format!(
        "CREATE DATABASE bank CHARACTER SET utf8mb4; CREATE USER 'bank'@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT, SHOW VIEW ON bank.* TO 'bank'@'%'"
    );
    server.run_mariadb("mysql", &account).await;
    server.run_mariadb("bank", BANK).await;
    let mut bank = Newcomer::new("bank");
    bank.join("mariadb", server, "bank", "存款", "bank.asset");
    let url = server.url("mariadb", "bank");
    let deposit = async |number: &str, name: &str| {
        let insert = format!(
            "INSERT INTO 个人存款账户信息 VALUES ('6228480000000000099', '01', '{number}', '{name}', '30', '156', 200000.00, '20240101', '0', '乌兰浩特支行', '2026-10-31')"
        );
        server.run_mariadb("bank", &insert).await;
    };
    reaches_a_verdict(&bank, &url, "bank.asset", "DEPOSIT", "PROPERTY_FINANCIAL_OVER_LIMIT", deposit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vehicle_registry_nobody_has_seen_joins_with_the_verbs_and_its_vehicles_reach_a_verdict() {
    let Some(server) = servers::postgres().await else { return };
    server.run_postgres("postgres", "CREATE DATABASE traffic").await;
    server.run_postgres("postgres", &format!("CREATE ROLE traffic LOGIN PASSWORD '{PASSWORD}'")).await;
    let grants = "GRANT USAGE ON SCHEMA trff TO traffic; GRANT SELECT ON ALL TABLES IN SCHEMA trff TO traffic";
    server.run_postgres("traffic", &format!("{VEHICLES}; {grants}")).await;
    let mut registry = Newcomer::new("traffic");
    registry.join("postgres", server, "traffic", "jdc", "traffic.trffjdcdjxx");
    let url = server.url("postgres", "traffic");
    let vehicle = async |number: &str, name: &str| {
        let insert = format!(
            "INSERT INTO trff.jdc_djxx VALUES (9, '02', '蒙F00009', 'K33', '比亚迪', '{name}', '{number}', 'A', '2025-01-01', 120000.00, 'A', now())"
        );
        server.run_postgres("traffic", &insert).await;
    };
    reaches_a_verdict(&registry, &url, "traffic.trffjdcdjxx", "VEHICLE", "PROPERTY_VEHICLE", vehicle).await;
}
