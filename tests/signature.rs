//! Signatures, as GitHub documents them.

use environment_gate::webhook::sign;

#[test]
fn githubs_documented_vector_holds() {
    let signature = sign(&"It's a Secret to Everybody".into(), b"Hello, World!");
    assert_eq!(signature, "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
}
