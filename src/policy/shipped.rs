//! The packs that travel inside the binary: nothing is read from outside unless the operator says so (P11).

/// Path below the directory of packs, and text, of every shipped pack. A test compares the list with the directory.
pub(super) const SHIPPED: &[(&str, &str)] = &[
    ("000000/2021-07-01.toml", include_str!("../../config/policies/000000/2021-07-01.toml")),
    ("131028/2023-12-01.toml", include_str!("../../config/policies/131028/2023-12-01.toml")),
    ("150000/2021-07-01.toml", include_str!("../../config/policies/150000/2021-07-01.toml")),
    ("150000/2024-07-12.im-2024-rule.toml", include_str!("../../config/policies/150000/2024-07-12.im-2024-rule.toml")),
    ("150200/2021-01-01.toml", include_str!("../../config/policies/150200/2021-01-01.toml")),
    ("150200/2022-01-01.toml", include_str!("../../config/policies/150200/2022-01-01.toml")),
    ("150200/2023-01-01.toml", include_str!("../../config/policies/150200/2023-01-01.toml")),
    ("150822/2025-02-01.toml", include_str!("../../config/policies/150822/2025-02-01.toml")),
    ("152200/2024-01-01.toml", include_str!("../../config/policies/152200/2024-01-01.toml")),
    ("152201/2024-01-01.toml", include_str!("../../config/policies/152201/2024-01-01.toml")),
    ("152201/2024-10-22.im-2024-rule.toml", include_str!("../../config/policies/152201/2024-10-22.im-2024-rule.toml")),
    ("152900/2012-01-01.toml", include_str!("../../config/policies/152900/2012-01-01.toml")),
    ("370100/2024-01-01.toml", include_str!("../../config/policies/370100/2024-01-01.toml")),
    ("370200/2023-01-01.toml", include_str!("../../config/policies/370200/2023-01-01.toml")),
    ("450000/2023-10-01.toml", include_str!("../../config/policies/450000/2023-10-01.toml")),
    ("450100/2017-10-01.toml", include_str!("../../config/policies/450100/2017-10-01.toml")),
    ("450100/2020-04-01.toml", include_str!("../../config/policies/450100/2020-04-01.toml")),
    ("450100/2022-04-01.toml", include_str!("../../config/policies/450100/2022-04-01.toml")),
    ("450200/2022-12-01.toml", include_str!("../../config/policies/450200/2022-12-01.toml")),
    ("540000/2017-01-01.toml", include_str!("../../config/policies/540000/2017-01-01.toml")),
    ("620100/2023-01-01.toml", include_str!("../../config/policies/620100/2023-01-01.toml")),
    ("640000/2021-09-01.toml", include_str!("../../config/policies/640000/2021-09-01.toml")),
    ("640100/2018-01-01.toml", include_str!("../../config/policies/640100/2018-01-01.toml")),
    ("650000/2023-10-01.toml", include_str!("../../config/policies/650000/2023-10-01.toml")),
    ("652300/2024-10-01.toml", include_str!("../../config/policies/652300/2024-10-01.toml")),
    ("652722/2022-01-01.toml", include_str!("../../config/policies/652722/2022-01-01.toml")),
    ("652722/2023-07-01.toml", include_str!("../../config/policies/652722/2023-07-01.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_of_the_tree_is_shipped() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policies");
        let mut files: Vec<String> = Vec::new();
        for folder in std::fs::read_dir(&root).unwrap() {
            let folder = folder.unwrap();
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let name = file.unwrap().file_name();
                files.push(format!("{}/{}", folder.file_name().to_str().unwrap(), name.to_str().unwrap()));
            }
        }
        files.sort();
        let shipped: Vec<&str> = SHIPPED.iter().map(|(path, _)| *path).collect();
        assert_eq!(files, shipped);
    }
}
