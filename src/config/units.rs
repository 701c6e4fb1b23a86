//! Values with units in files.

/// Sizes: `"512 B"`, `"64 KiB"`, `"1 MiB"`.
pub(super) mod bytes {
    use serde::{Deserialize, Deserializer};

    fn parse(text: &str) -> Option<usize> {
        let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit())?);
        let factor = match unit.trim() {
            "B" => 1,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            _ => return None,
        };
        number.parse::<usize>().ok()?.checked_mul(factor)
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a size: a whole number with B, KiB or MiB, such as \"1 MiB\""
            ))
        })
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn sizes_need_their_unit() {
            assert_eq!(super::parse("1 MiB"), Some(1_048_576));
            assert_eq!(super::parse("64KiB"), Some(65_536));
            for bad in ["", "1", "MiB", "1 MB", "-1 B", "99999999999999999999 B"] {
                assert_eq!(super::parse(bad), None, "{bad}");
            }
        }
    }
}

/// Networks, or single addresses: `["10.0.0.0/8", "10.20.0.5"]`.
pub(super) mod networks {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer};

    fn parse(text: &str) -> Option<IpNet> {
        text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let network = |text: &String| {
            parse(text).ok_or_else(|| {
                serde::de::Error::custom(format!("`{text}` is neither a network such as 10.0.0.0/8 nor an address"))
            })
        };
        texts.iter().map(network).collect()
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_single_address_is_a_network_of_one() {
            assert_eq!(super::parse("10.0.0.5"), super::parse("10.0.0.5/32"));
            assert!(super::parse("fd00::/8").is_some());
            for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0"] {
                assert_eq!(super::parse(bad), None, "{bad}");
            }
        }
    }
}
