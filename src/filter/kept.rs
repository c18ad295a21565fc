//! A policy as it is put aside, to stay in force where a later one has an error.

use policy::fnv;

/// What is put aside: all that a policy is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The variables of the VM, as it has them.
    pub environment: Vec<u8>,
    /// The configuration.
    pub configuration: Vec<u8>,
}

/// What it begins with. Another form has another number.
const HEAD: &[u8] = b"origin_gate kept 1\n";
const NUMBER: usize = 8;

impl Kept {
    /// Writes it down.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = (self.environment.len() as u64).to_le_bytes();
        let checksum = checksum(&self.environment, &self.configuration).to_le_bytes();
        [HEAD, &checksum, &length, &self.environment, &self.configuration].concat()
    }

    /// Reads what was written down; nothing of what is not, or not whole. The checksum is against accidents: whoever can write
    /// there can write a policy.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (checksum, rest) = bytes.strip_prefix(HEAD)?.split_at_checked(NUMBER)?;
        let (length, rest) = rest.split_at_checked(NUMBER)?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let (environment, configuration) = rest.split_at_checked(length)?;
        (self::checksum(environment, configuration).to_le_bytes() == checksum).then(|| Self {
            environment: environment.to_vec(),
            configuration: configuration.to_vec(),
        })
    }
}

fn checksum(environment: &[u8], configuration: &[u8]) -> u64 {
    let bytes = environment.iter().chain(&[0]).chain(configuration);
    bytes.fold(fnv::SEED, |hash, &byte| fnv::add(hash, byte))
}
