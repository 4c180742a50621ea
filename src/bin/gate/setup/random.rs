//! Values that nobody can guess.

/// Bytes of one value.
const RANDOM_BYTES: usize = 32;

/// A random value in hexadecimal digits.
pub(crate) fn random() -> anyhow::Result<String> {
    let mut bytes = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("this machine's random number generator failed"))?;
    Ok(hex::encode(bytes))
}
