//! Flags that say what packets count as, and what verdicts follow from.

use clap::Args;

use super::azure::AzureFlags;
use super::{CliError, server_list};
use crate::decode;
use crate::engine::Engine;
use crate::flow::table::DEFAULT_LIMIT;
use crate::input::custody::Custody;
use crate::verdict::{Policy, VantageChoice, Viewpoint};

/// The flags that say what the engine counts and decides by.
#[derive(Debug, Args)]
pub struct EngineFlags {
    /// Settings of verdicts.
    #[command(flatten)]
    pub judge: JudgeFlags,

    /// Settings of counting.
    #[command(flatten)]
    pub count: CountFlags,
}

/// The flags that say what verdicts follow from.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Verdicts")]
pub struct JudgeFlags {
    /// Point at which the captures were made
    #[arg(long, env = "PLAINSIGHT_VANTAGE", value_enum, default_value_t)]
    pub vantage: VantageChoice,

    /// Addresses of AMLFS servers
    ///
    /// Addresses and NIDs (10.0.0.4, 10.0.0.4@tcp, 10.0.0.[4-9]@tcp), and mount sources
    /// (10.0.0.4@tcp:/lustrefs), are expected to be seen, and silent if they are not. CIDR
    /// blocks (10.0.0.0/24) only say who may be one. @FILE reads them from a file. Comma-separated, and repeatable. DTLS hides the
    /// ports inside it, so it counts for a path only where a server is known: named here,
    /// or seen as the server of readable Lustre in the same captures.
    #[arg(long, env = "PLAINSIGHT_SERVERS", value_name = "LIST")]
    pub servers: Vec<String>,

    /// Encryption that counts as promised
    #[arg(long, env = "PLAINSIGHT_POLICY", value_enum, default_value_t)]
    pub policy: Policy,

    /// Ask to see the `ServerHello` of every DTLS session
    ///
    /// Without it, a path whose suite was not seen can be encrypted by the look of its bytes.
    #[arg(long)]
    pub require_handshake: bool,

    /// Accept that captures lost this share of the packets, from 0 to 1
    ///
    /// Beyond it, the run is not whole, and exits with 3 at best.
    #[arg(long, env = "PLAINSIGHT_MAX_LOSS", value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub max_loss: f64,

    /// Azure's configuration, which explains verdicts.
    #[command(flatten)]
    pub azure: AzureFlags,
}

/// The flags that say what packets are counted as.
#[derive(Debug, Args)]
#[command(next_help_heading = "Counting")]
pub struct CountFlags {
    /// Further UDP ports that carry VXLAN, beside 4789
    #[arg(
        long = "vxlan-port",
        env = "PLAINSIGHT_VXLAN_PORT",
        value_name = "PORT",
        value_delimiter = ','
    )]
    pub vxlan_ports: Vec<u16>,

    /// Keep at most this many flows apart; those beyond are counted in sums
    #[arg(long, env = "PLAINSIGHT_MAX_FLOWS", value_name = "N", default_value_t = DEFAULT_LIMIT)]
    pub max_flows: usize,
}

impl Default for CountFlags {
    fn default() -> Self {
        Self {
            vxlan_ports: Vec::new(),
            max_flows: DEFAULT_LIMIT,
        }
    }
}

impl EngineFlags {
    /// Settings as meant, with `auto` for a vantage that is to be told.
    pub(super) fn meant(
        self,
        custody: &Custody,
        auto: impl FnOnce() -> Viewpoint,
    ) -> Result<Engine, CliError> {
        let mut decode = decode::TunnelPorts::default();
        decode.add_vxlan_ports(self.count.vxlan_ports);
        Ok(Engine {
            decode,
            max_flows: self.count.max_flows,
            ..self.judge.meant(custody, auto)?
        })
    }
}

impl JudgeFlags {
    /// Settings as meant, with `auto` for a vantage that is to be told.
    pub(super) fn meant(
        self,
        custody: &Custody,
        auto: impl FnOnce() -> Viewpoint,
    ) -> Result<Engine, CliError> {
        let engine = Engine {
            vantage: self.vantage.settle(auto),
            servers: server_list::named(&self.servers, custody)?,
            policy: self.policy,
            require_handshake: self.require_handshake,
            max_loss: self.max_loss,
            ..Engine::default()
        };
        Ok(match self.azure.read(custody)? {
            Some(azure) => engine.with_azure(azure),
            None => engine,
        })
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    let share = share.filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "not a share from 0 to 1, such as 0.001".to_owned())
}
