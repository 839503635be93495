//! Hashes: what counts, what does not, and that they never change.

use super::*;

const ALL_KINDS: &str = r#"{"10":{"class_type":"SaveImage","inputs":{"images":["9",0],"filename_prefix":"é/x"},"_meta":{"title":"Save"}},"9":{"class_type":"K","inputs":{"seed":18446744073709551616,"cfg":-0.5,"on":true,"off":false,"none":null,"list":[1,1.0,NaN],"o":{"b":1,"a":2},"lost":["77",1]}},"version":"1.2","x":{"inputs":{}}}"#;

fn prompt(json: &str) -> Prompt {
    Prompt::parse(json.as_bytes()).unwrap()
}

/// Computed by another program from the description of the form. They never change.
#[test]
fn hashes_are_the_same_for_ever() {
    let prompt = prompt(ALL_KINDS);
    assert_eq!(
        prompt.content_hash().to_string(),
        "972f893874427480d2ad0289f85e77a0281b08c8d0589c56132f6a897ede8faa"
    );
    assert_eq!(
        prompt.document_hash().to_string(),
        "8fa056755c1ae77a8439ed2be35fb2833a6f91860d294d3102d71153bcc51cb6"
    );
    assert_eq!(
        prompt.graph_hash().to_string(),
        "69893c900f6f178228ca25bcf8946b2e466622b4dd0052f1228f5d176b743349"
    );
}

#[test]
fn half_a_surrogate_pair_has_a_form_too() {
    let hash = |text: &str| {
        prompt(&format!(r#"{{"1":{{"class_type":"K","inputs":{{"t":"{text}"}}}}}}"#)).content_hash()
    };
    assert_eq!(
        hash(r"a\ud83d").to_string(),
        "e636664b5251b80d94bdf3ca32f995c9018d50ac997a484fc8314481f676658b"
    );
    assert_ne!(hash(r"a\ud83d"), hash(r"a\ud83e"));
}

#[test]
fn what_does_not_run_does_not_count() {
    let a = prompt(r#"{"1":{"class_type":"K","inputs":{}}}"#);
    let b = prompt(r#"{"version":1,"1":{"class_type":"K","is_changed":[1],"_meta":{"title":"x"}}}"#);
    assert_eq!(a.content_hash(), b.content_hash());
    assert_eq!(a.graph_hash(), b.graph_hash());
    assert_ne!(a.document_hash(), b.document_hash());
}

#[test]
fn what_runs_counts() {
    let base = r#"{"1":{"class_type":"K","inputs":{"a":1,"m":["2",0]}},"2":{"class_type":"L","inputs":{}},"3":{"class_type":"L","inputs":{"x":0}}}"#;
    let changes = [
        ("\"a\":1", "\"a\":1.0"),
        ("\"a\":1", "\"b\":1"),
        ("K", "k"),
        ("[\"2\",0]", "[\"2\",1]"),
        ("[\"2\",0]", "[\"3\",0]"),
        ("[\"2\",0]", "[\"4\",0]"),
    ];
    for (from, to) in changes {
        let changed = prompt(&base.replace(from, to));
        assert_ne!(changed.content_hash(), prompt(base).content_hash(), "{to}");
        assert_ne!(changed.graph_hash(), prompt(base).graph_hash(), "{to}");
    }
}

#[test]
fn cycles_have_a_hash_too() {
    let cycle = |a: &str, b: &str, x: u32| {
        let node = |id: &str, other: &str, x: u32| {
            format!(r#""{id}":{{"class_type":"N","inputs":{{"x":{x},"in":["{other}",0]}}}}"#)
        };
        prompt(&format!("{{{},{}}}", node(a, b, x), node(b, a, 2))).graph_hash()
    };
    assert_eq!(cycle("1", "2", 1), cycle("z", "y", 1));
    assert_ne!(cycle("1", "2", 1), cycle("1", "2", 3));
}

#[test]
fn a_hash_reads_back() {
    let hash = prompt(ALL_KINDS).content_hash();
    assert_eq!(hash.to_string().to_uppercase().parse(), Ok(hash));
    let long = "a".repeat(65);
    for bad in ["", "ab", &hash.to_string().replace('9', "g"), &long, "é".repeat(32).as_str()] {
        assert!(bad.parse::<PromptHash>().is_err(), "{bad}");
    }
}
