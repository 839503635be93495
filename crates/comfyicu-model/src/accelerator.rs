//! Accelerators: what a run asks to be executed on.

use std::{convert::Infallible, fmt, str::FromStr};

/// The accelerator a run asks for. Unknown names pass through.
///
/// The documented ones are `T4`, `L4`, `A10`, `A100_40GB`, `A100_80GB` and `H100`; `L40S` is in use too.
/// `CPU` is what a self-hosted server with the native executor offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accelerator {
    /// NVIDIA T4.
    T4,
    /// NVIDIA L4, the hosted service's default.
    L4,
    /// NVIDIA L40S; not documented, but in use.
    L40s,
    /// NVIDIA A10.
    A10,
    /// NVIDIA A100 with 40 GB.
    A100_40Gb,
    /// NVIDIA A100 with 80 GB.
    A100_80Gb,
    /// NVIDIA H100.
    H100,
    /// No GPU: the native executor of a self-hosted server. An extension.
    Cpu,
    /// A name that this version does not know.
    Other(Box<str>),
}

impl Accelerator {
    /// Those of the hosted service, the documented ones and the one that is in use.
    pub const HOSTED: [Self; 7] =
        [Self::T4, Self::L4, Self::L40s, Self::A10, Self::A100_40Gb, Self::A100_80Gb, Self::H100];

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::T4 => "T4",
            Self::L4 => "L4",
            Self::L40s => "L40S",
            Self::A10 => "A10",
            Self::A100_40Gb => "A100_40GB",
            Self::A100_80Gb => "A100_80GB",
            Self::H100 => "H100",
            Self::Cpu => "CPU",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Accelerator {
    fn from(name: &str) -> Self {
        match name {
            "T4" => Self::T4,
            "L4" => Self::L4,
            "L40S" => Self::L40s,
            "A10" => Self::A10,
            "A100_40GB" => Self::A100_40Gb,
            "A100_80GB" => Self::A100_80Gb,
            "H100" => Self::H100,
            "CPU" => Self::Cpu,
            other => Self::Other(other.into()),
        }
    }
}

impl FromStr for Accelerator {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(name))
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_through_unchanged() {
        for name in ["T4", "L4", "L40S", "A10", "A100_40GB", "A100_80GB", "H100", "CPU", "B200", "a10"] {
            assert_eq!(Accelerator::from(name).as_str(), name);
        }
        assert_eq!(Accelerator::from("A10"), Accelerator::A10);
        assert!(matches!(Accelerator::from("a10"), Accelerator::Other(_)), "names are case-sensitive");
    }
}
