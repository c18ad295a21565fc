//! The arguments of the command, and its help.

use std::path::PathBuf;
use std::sync::OnceLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use filter::VERSION;

use super::diff::DiffArgs;
use super::explain::{HELP, RequestArgs};
use super::input::EnvironmentArgs;
use super::learn::{LEARN_HELP, LearnArgs};
use super::replay::{REPLAY_HELP, ReplayArgs};
use super::test::TestArgs;
use super::who::WhoArgs;

/// Checks and explains Origin Gate policies, without a proxy.
#[derive(Parser)]
#[command(version = version(), arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The source's revision in Git: `build.rs` finds it.
const REVISION: &str = env!("ORIGIN_GATE_REVISION");

fn version() -> &'static str {
    static LINE: OnceLock<String> = OnceLock::new();
    LINE.get_or_init(|| format!("{VERSION} ({REVISION})"))
}

const EXAMPLES: &str = "\
Examples:
  origin-gate check policy.json
  origin-gate check envoy.yaml wasmplugin.yaml
  origin-gate who policy.json
  origin-gate diff old.json policy.json
  origin-gate test policy.json cases.yaml
  origin-gate render istio policy.json | kubectl apply -f -
  origin-gate compile policy.json > policy.compiled
  origin-gate explain policy.json --host api.example --origin https://app.example:8443
  origin-gate explain policy.json --host api.example --origin https://app.example \\
  --method OPTIONS -H 'Access-Control-Request-Method: PUT'
  origin-gate explain policy.json --host api.example --origin https://app.example --websocket
  origin-gate explain policy.json --host api.example --origin https://shop.example \\
  --method POST --path /cart -H 'Sec-Fetch-Site: cross-site'
  origin-gate explain policy.json --curl 'curl https://api.example/cart -X PUT'
  origin-gate explain policy.json --console 'Access to fetch at ... has been blocked by CORS policy: ...'
  origin-gate explain policy.json --har page.har
  origin-gate learn access.log > draft.yaml
  origin-gate replay policy.json access.log access.log.1.gz
  kubectl logs deploy/envoy | origin-gate replay policy.json --against policy.old.json -
  origin-gate import django --script | python manage.py shell > settings.json
  origin-gate import django settings.json > policy.json
  curl -s localhost:9901/config_dump | origin-gate import envoy - > policy.json
  kubectl get ingress -A -o yaml | origin-gate import ingress-nginx - > policy.json
  origin-gate schema > policy.schema.json
  origin-gate completions bash > ~/.local/share/bash-completion/completions/origin-gate
  origin-gate man > /usr/local/share/man/man1/origin-gate.1

Exit codes:
  check    0 no errors, 1 errors; with --deny-warnings 1 for a warning too
  compile  0 a compiled policy, 1 errors
  diff     0 both permit the same, 3 NEW is only stricter, 4 it permits more, 1 bad input
  explain  0 allowed, 2 refused or kept from the page, 1 bad input
  import   0 a policy, 1 none
  learn    0 a draft, 1 none
  replay   0 nothing refused or changed, 2 something, 1 bad input
  render   0 a manifest, 1 bad input
  schema   0
  test     0 all cases hold, 2 some fail, 1 bad input
  who      0, 1 bad policy";

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// All errors and warnings of a policy
    #[command(after_help = POLICY_HELP)]
    Check {
        /// The policies; `-` for standard input
        #[arg(required = true, value_name = "POLICY")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
        /// Exit with 1 for a warning too
        #[arg(long)]
        deny_warnings: bool,
    },
    /// What the filter would do with one request, and why
    #[command(after_help = HELP)]
    Explain {
        /// The policy; `-` for standard input
        policy: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        request: Box<RequestArgs>,
    },
    /// Whether cases that are kept beside a policy hold
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
    /// Who may do what by a policy, and by which rule
    Who(WhoArgs),
    /// What one policy permits and another does not, over all requests
    #[command(after_help = DIFF_HELP)]
    Diff(DiffArgs),
    /// From an access log to a draft of a policy, which permits what was answered well
    #[command(after_help = LEARN_HELP)]
    Learn(LearnArgs),
    /// An access log through a policy: who would be refused, how often, and what to change
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArgs),
    /// The policy in the resource of a control plane
    #[command(after_help = RENDER_HELP)]
    Render {
        target: RenderTarget,
        /// The policy; `-` for standard input
        policy: PathBuf,
        #[command(flatten)]
        environment: EnvironmentArgs,
        /// A TrafficExtension, which supersedes WasmPlugin from Istio 1.30 on
        #[arg(long)]
        traffic_extension: bool,
    },
    /// The policy with its long lists of origins in a form that the filter loads without reading them
    #[command(after_help = COMPILE_HELP)]
    Compile {
        /// The policy; `-` for standard input
        policy: PathBuf,
        #[command(flatten)]
        environment: EnvironmentArgs,
        /// Print {"compiled": "…"}, which is for control planes that carry JSON
        #[arg(long)]
        inline: bool,
    },
    /// A policy made of another program's configuration
    Import {
        #[command(subcommand)]
        from: From,
    },
    /// The JSON Schema (2020-12) of a policy
    Schema,
    /// A shell's completions, for the file that it reads them from
    Completions { shell: Shell },
    /// The manual page, in roff
    Man,
}

const DJANGO_HELP: &str = "\
To ask Django itself, which knows what its settings are in the end:
  origin-gate import django --script | python manage.py shell > settings.json
  origin-gate import django settings.json > policy.json

In a container it is `docker compose exec -T backend python manage.py shell`; any Python does that has \
DJANGO_SETTINGS_MODULE set. The program prints settings of hosts, CORS, CSRF and cookies, and no secrets.";

const POLICY_HELP: &str = "\
A policy is JSON or YAML, or stands in an Envoy configuration, a file of a discovery service, a dump of Envoy's admin page, a \
ConfigMap, or a manifest of Istio or Envoy Gateway. Each policy of a file is named by its place.";

const DIFF_HELP: &str = "\
Each change is a sentence, with the entry that did it and the shortest request that shows it, which `explain` takes. Of files \
with several policies those of the same place are compared.";

const TEST_HELP: &str = "\
A file has a list of cases:
  cases:
    - request: GET https://api.example/cart from https://shop.example
      expect: read with cookies
    - request: OPTIONS https://api.example/cart from https://shop.example for PUT with x-request-id
      expect: allowed
    - request: GET wss://api.example/chat from https://evil.example
      expect: websocket:rejected:origin_not_allowed

What is expected is `allowed`, `refused`, `read`, `read with cookies`, `not read`, a finding or its beginning, or a list of \
these. Headers stand between quotes behind the URL, as 'Sec-Fetch-Site: cross-site'.";

const RENDER_HELP: &str = "\
What is printed is the manifest of the folder envoy/ with this policy in it. Put your registry and digest, and the names of your \
own Gateway, in place of those that it has.";

const COMPILE_HELP: &str = "\
What is printed goes where the policy went: as the value of a google.protobuf.BytesValue or StringValue, or with --inline as a \
policy. `check`, `explain` and `render` read it too. Compile again with the command of the module's version after an upgrade: \
check says if that is needed.";

#[derive(Args)]
pub(crate) struct OutputArgs {
    #[command(flatten)]
    pub(crate) environment: EnvironmentArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RenderTarget {
    /// The filter, for `http_filters`
    Envoy,
    /// A file for `config_discovery`
    Ecds,
    /// A WasmPlugin
    Istio,
    /// An EnvoyExtensionPolicy
    EnvoyGateway,
}

#[derive(Subcommand)]
pub(crate) enum From {
    /// Django's settings: .env files, or what Django itself says that they are
    #[command(after_help = DJANGO_HELP)]
    Django {
        /// .env files, or what the program of --script printed; `-` for standard input
        #[arg(required_unless_present = "script", conflicts_with = "script", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print the program that asks Django for its settings
        #[arg(long)]
        script: bool,
    },
    /// Envoy's own filters `cors` and `csrf`, or `corsPolicy` of Istio's VirtualServices
    Envoy {
        /// Envoy configurations, dumps of its admin page, or manifests; `-` for standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Traefik's `headers` middlewares and their routers
    Traefik {
        /// Compose files with labels, dynamic files in YAML, or manifests; `-` for standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Ingress manifests with the annotations of ingress-nginx
    IngressNginx {
        /// `-` for standard input
        file: PathBuf,
    },
}
