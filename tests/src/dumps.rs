//! Programs of PostgreSQL's on the embedded cluster: dumps and what is made of them.
use std::path::Path;

use crate::{Server, run};

impl Server {
    /// Runs `command` by the shell, on the service's cluster; psql is connected to `database` meanwhile.
    pub async fn programs(&self, database: &str, command: &str) {
        let data = self.data_dir();
        let data = data.to_str().unwrap();
        let shell = ["db", "shell", "--data-dir", data, "--role", "superuser", "--"];
        let psql = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database];
        let place = ["-c", "\\setenv PGHOST :HOST", "-c", "\\setenv PGPORT :PORT", "-c"];
        // What the shell came to is not psql's exit code.
        let command = format!("\\! {command} && echo it is done");
        let ended = run(shell.into_iter().chain(psql).chain(place).chain([command.as_str()])).await;
        let ended = ended.expect(0);
        assert!(
            ended.out.ends_with("it is done\n"),
            "{command}: {}{}",
            ended.out,
            ended.err
        );
    }

    /// Writes what the database holds to `to`, with `options` of `pg_dump`.
    pub async fn pg_dump(&self, options: &str, to: &Path) {
        let command = format!("pg_dump -U keepgate {options} -f '{}' keepgate", to.display());
        self.programs("keepgate", &command).await;
        assert!(std::fs::metadata(to).unwrap().len() > 10_000);
    }

    /// Puts the database of a dump (`-Fc`) in the place of the one there is.
    pub async fn pg_restore(&self, from: &Path) {
        let command = format!(
            "dropdb -U keepgate keepgate && createdb -U keepgate -T template0 keepgate && pg_restore -U keepgate -d keepgate --exit-on-error '{}'",
            from.display()
        );
        self.programs("postgres", &command).await;
    }
}
