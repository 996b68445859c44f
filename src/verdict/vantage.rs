//! Vantages of a capture: on the wire, or above the encryption.

/// Point at which a capture was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vantage {
    /// On the wire: the capture shows the packets that travel.
    Wire,
    /// Inside an Azure VM, above its host's encryption.
    Guest,
}

/// A vantage, and why it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewpoint {
    /// Point at which the capture was made.
    pub value: Vantage,
    /// Why it is taken to be there, in a clause.
    pub why: String,
}

/// `--vantage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum VantageChoice {
    /// As the command can tell: recorded captures count as made on the wire, live ones on
    /// an Azure VM as made by a guest
    #[default]
    Auto,
    /// On the wire that packets travel: a mirror, an appliance, a lab
    Wire,
    /// Inside an Azure VM, above the encryption that its host does
    Guest,
}

impl Viewpoint {
    /// That of a recorded capture, of which nobody knows where it was made.
    #[must_use]
    pub fn recorded() -> Self {
        Self {
            value: Vantage::Wire,
            why: "a recorded capture is taken to be, unless --vantage guest is given".to_owned(),
        }
    }
}

impl Viewpoint {
    /// That of a capture on this machine.
    #[must_use]
    pub fn live(on_azure_vm: bool) -> Self {
        let (value, why) = if on_azure_vm {
            (Vantage::Guest, "this is an Azure VM, as its DMI tables say")
        } else {
            (Vantage::Wire, "this is no Azure VM, as its DMI tables say")
        };
        Self {
            value,
            why: why.to_owned(),
        }
    }
}

impl VantageChoice {
    /// The vantage that was named, or what `auto` finds.
    #[must_use]
    pub fn settle(self, auto: impl FnOnce() -> Viewpoint) -> Viewpoint {
        let named = |value, name| Viewpoint {
            value,
            why: format!("--vantage {name} was given"),
        };
        match self {
            Self::Auto => auto(),
            Self::Wire => named(Vantage::Wire, "wire"),
            Self::Guest => named(Vantage::Guest, "guest"),
        }
    }
}
