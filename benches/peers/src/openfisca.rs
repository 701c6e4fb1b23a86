//! The oracle of `tests/oracle` as a process that decides all households whenever it is told to.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Writes the file of random households.
pub(crate) fn generate(python: &Path, root: &Path, file: &Path, count: usize) {
    let status = Command::new(python)
        .arg("-B")
        .arg(root.join("tests/oracle/generate.py"))
        .arg(file)
        .args(["--households", &count.to_string()])
        .status()
        .expect("the generator starts");
    assert!(status.success(), "the generator ended with {status}");
}

/// The process. It ends when its input does, with this value.
pub(crate) struct Worker {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts it and waits until the households are in memory.
    pub(crate) fn start(python: &Path, root: &Path, file: &Path) -> Self {
        let mut child = Command::new(python)
            .arg("-B")
            .arg(root.join("benches/peers/openfisca.py"))
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut worker = Self { child, commands, answers };
        assert_eq!(worker.line(), "ready");
        worker
    }

    /// Decides every household once; CPU seconds. `what` is `vectors`, or `answers` for verdicts as objects too.
    pub(crate) fn round(&mut self, what: &str) -> f64 {
        let commands = self.commands.as_mut().expect("open until the end");
        writeln!(commands, "{what}").expect("the oracle reads");
        self.line().parse().expect("seconds")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the oracle answers");
        line.trim().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.commands.take());
        // It may have ended by itself.
        drop(self.child.wait());
    }
}
