//! The steps of `action.yml`, as GitHub runs them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Ran, Repository, WIDER};
use crate::documents::document;
use crate::manifests::documents;

/// A step of `action.yml`, with what GitHub puts into it.
fn step(repository: &Repository, number: usize, inputs: &Value, variables: &[(&str, &str)]) -> Ran {
    let action = &documents(&document("action.yml"))[0];
    let step = &action["runs"]["steps"][number];
    let value = |text: &str| match text {
        "${{ github.server_url }}/${{ github.action_repository || github.repository }}" => {
            "https://host.example/o/n".to_owned()
        }
        input => {
            let name = input.strip_prefix("${{ inputs.").unwrap().strip_suffix(" }}").unwrap();
            let default = || action["inputs"][name]["default"].clone();
            let given = inputs.get(name).cloned().unwrap_or_else(default);
            given.as_str().unwrap().to_owned()
        }
    };
    let mut command = Command::new("bash");
    command.args([
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        step["run"].as_str().unwrap(),
    ]);
    command
        .env("GITHUB_ACTION_PATH", crate::root())
        .env("RUNNER_TEMP", repository.path("temp"));
    for (name, text) in step["env"].as_object().unwrap() {
        command.env(name, value(text.as_str().unwrap()));
    }
    repository.run(command, variables)
}

#[test]
fn the_action_reviews_a_pull_request_with_the_command_of_its_release() {
    let repository = Repository::new("gates-action");
    repository.git(&["checkout", "--quiet", "-b", "change"]);
    repository.write("policies/shop.json", WIDER);
    repository.commit();
    let release = repository.path("release");
    let archive = publish(&release);
    let path = path_with_curl(&repository);
    let variables = [("PATH", path.as_str()), ("RELEASE", release.to_str().unwrap())];
    let ran = step(&repository, 0, &json!({}), &variables);
    assert!(ran.is_good, "{}", ran.text);

    let inputs = json!({"policies": "policies/*.json\n\npolicies/*.yaml\n", "base": "main"});
    let ran = step(&repository, 1, &inputs, &[]);
    assert!(
        !ran.is_good && ran.text.contains("`https://b.example` may read answers"),
        "{}",
        ran.text
    );
    let mut approved = inputs.clone();
    approved["permit-more"] = json!("true");
    let ran = step(&repository, 1, &approved, &[]);
    assert!(
        ran.is_good && ran.text.contains("== policies/other.yaml"),
        "{}",
        ran.text
    );

    // A file that is not the one of the sums is not run.
    fs::write(archive, "another").unwrap();
    let ran = step(&repository, 0, &json!({}), &variables);
    assert!(!ran.is_good && ran.text.contains("FAILED"), "{}", ran.text);
}

/// A `curl` that takes the files of a folder, by their whole addresses.
fn path_with_curl(repository: &Repository) -> String {
    let bin = repository.path("bin");
    fs::create_dir_all(&bin).unwrap();
    repository.write("bin/curl", "#!/bin/bash\ncp \"$RELEASE/${@: -1:1}\" \"${@: -2:1}\"\n");
    fs::set_permissions(bin.join("curl"), Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

/// The command as a release has it: an archive with its folder, and the sums. Where the archive is.
fn publish(release: &Path) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    let machine = Command::new("uname").arg("-m").output().unwrap().stdout;
    let name = format!(
        "origin-gate-{version}-{}-unknown-linux-musl",
        String::from_utf8(machine).unwrap().trim()
    );
    let folder = release.join(format!("https:/host.example/o/n/releases/download/v{version}"));
    fs::create_dir_all(folder.join(&name)).unwrap();
    fs::copy(crate::binary(), folder.join(&name).join("origin-gate")).unwrap();
    let script = format!(
        "tar --create --gzip --file {name}.tar.gz {name} && sha256sum {name}.tar.gz > SHA256SUMS && rm -r {name}"
    );
    let done = Command::new("bash")
        .args(["-ec", &script])
        .current_dir(&folder)
        .status()
        .unwrap();
    assert!(done.success());
    folder.join(format!("{name}.tar.gz"))
}
