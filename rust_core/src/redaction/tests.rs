//! What each pattern finds, and what is near to it and stays. Secrets are put together here, so that none stands in the source.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::value::Value;

fn spec() -> Spec {
    Spec { patterns: pattern_names().map(str::to_owned).collect(), ..Spec::default() }
}

fn scanner(spec: Spec) -> Scanner {
    Scanner::new(Rules::new(spec).unwrap())
}

/// The rules of most tests, compiled once.
pub fn usual() -> Scanner {
    static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Rules::new(spec()).unwrap());
    Scanner::new(Arc::clone(&RULES))
}

pub fn redacted(text: &str) -> String {
    usual().text(text).unwrap_or_else(|| text.to_owned())
}

/// A secret of each pattern, and what of it must be gone.
fn secrets() -> Vec<(&'static str, String)> {
    let word = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE1fG3hJ5kL7mN9pQ2rS4tU6";
    let hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let w = |count: usize| &word[..count];
    let h = |count: usize| &hex[..count];
    vec![
        (
            "private_key",
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n-----END RSA PRIVATE KEY-----", w(60), w(48)),
        ),
        ("private_key", format!("-----BEGIN OPENSSH PRIVATE KEY-----\\n{}", w(60))),
        ("jwt", format!("eyJ{}.eyJ{}.{}", w(20), w(30), w(43))),
        ("anthropic_key", format!("sk-ant-api03-{}", w(40))),
        ("openai_key", format!("sk-proj-{}", w(48))),
        ("openai_key", format!("sk-{}", w(48))),
        ("ai_key", format!("gsk_{}", w(52))),
        ("ai_key", format!("xai-{}", w(40))),
        ("github_token", format!("ghp_{}", w(36))),
        ("github_token", format!("github_pat_{}_{}", w(22), w(40))),
        ("gitlab_token", format!("glpat-{}", w(20))),
        ("aws_access_key", format!("AKIA{}", "IOSFODNN7EXAMPLE")),
        ("google_key", format!("AIza{}", w(35))),
        ("slack_token", format!("xoxb-{}-{}", "123456789012", w(24))),
        ("stripe_key", format!("sk_live_{}", w(24))),
        ("huggingface_token", format!("hf_{}", w(34))),
        ("npm_token", format!("npm_{}", w(36))),
        ("pypi_token", format!("pypi-{}", w(60))),
        ("twilio_key", format!("SK{}", h(32))),
        ("sendgrid_key", format!("SG.{}.{}", w(22), w(43))),
        ("digitalocean_token", format!("dop_v1_{}", h(64))),
        ("databricks_token", format!("dapi{}", h(32))),
        ("shopify_token", format!("shpat_{}", h(32))),
        ("email", "alice.smith+tag@mail.example.co.uk".to_owned()),
        ("email", "alice%40example.com".to_owned()),
        ("card", "4111111111111111".to_owned()),
        ("card", "5500-0055-5555-5559".to_owned()),
        ("card", "3782 822463 10005".to_owned()),
    ]
}

#[test]
fn each_pattern_finds_its_secrets_wherever_they_stand() {
    for (rule, secret) in secrets() {
        for (before, after) in
            [("", ""), ("key ", " was refused"), ("密钥", "。"), ("(", ")"), ("\"", "\","), ("a\n", "\nb")]
        {
            if rule == "private_key" && !secret.contains("END") && !after.is_empty() {
                continue; // Without an end it is all that follows.
            }
            assert_eq!(
                redacted(&format!("{before}{secret}{after}")),
                format!("{before}[REDACTED:{rule}]{after}"),
                "{secret}"
            );
        }
    }
}

#[test]
fn of_some_finds_only_a_part_is_the_secret() {
    let word = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9d";
    for (text, expected) in [
        (
            "postgres://bob:p@ss@db.example.com:5432/app".to_owned(),
            "postgres://bob:[REDACTED:url_password]@db.example.com:5432/app",
        ),
        ("redis://:hunter2@cache:6379".to_owned(), "redis://:[REDACTED:url_password]@cache:6379"),
        (format!("sent Bearer {word}, got 401"), "sent Bearer [REDACTED:authorization], got 401"),
        ("Basic Ym9iOmh1bnRlcjI=".to_owned(), "Basic [REDACTED:authorization]"),
        (
            format!("https://hooks.slack.com/services/T0001/B0001/{word}"),
            "https://hooks.slack.com/services/[REDACTED:slack_token]",
        ),
        (format!("aws_key: \"{word}\""), "aws_key: \"[REDACTED:aws_secret_key]\""),
        (
            format!("https://api.telegram.org/bot123456789:AA{}/getMe", &word[..33]),
            "https://api.telegram.org/bot123456789:[REDACTED:telegram_token]/getMe",
        ),
        ("login password=hunter2 for alice@example.com".to_owned(), "login password=[REDACTED] for [REDACTED:email]"),
    ] {
        assert_eq!(redacted(&text), expected, "{text}");
    }
}

#[test]
fn what_is_near_a_secret_stays() {
    #[rustfmt::skip]
    let texts = [
        "4111111111111112", "order 41111", "id 1771497000123456789", "1771497000.123456",
        "2026-02-19T10:30:00.123456+00:00", "550e8400-e29b-41d4-a716-446655440000",
        "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "10.0.0.1", "1.2.3.4.5.6.7.8", "0.4111111111111111",
        "411111111111111100000", "4111111111111111a", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "d21-4716-446655440000", "+49 170 1234567", "v4.17.21",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "user@localhost", "logo@2x.png",
        "@decorator", "a @ b.com", "ssh://git@github.com/org/repo", "https://example.com:8080/a@b",
        "basic authentication failed", "Bearer token missing", "Basic training", "bearer-token",
        "a basic understanding", "Bearer authorization", "sk-loading-indicator-of-the-page",
        "task-0123456789012345678901234", "risk-aB3dE5fG7hJ9kL2mN4pQ6rS8", "hf_transfer", "npm_config_cache",
        "SG.short.x", "eyJ", "eyJhbGciOiJIUzI1NiJ9", "AKIA",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----",
        "prompt_tokens=12 completion_tokens=34", "API 请求处理", "/api/ai/chat", "time to first token: 12 ms",
        "GET /items?page=2&sort=asc 200", "", "é",
    ];
    for text in texts {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn what_is_redacted_stays_as_it_is_when_it_is_looked_at_again() {
    let (mut scanner, mut hashed) =
        (usual(), scanner(Spec { action: Action::Hash, hash_key: Some(HashKey("k".into())), ..spec() }));
    for (_, secret) in secrets() {
        for scanner in [&mut scanner, &mut hashed] {
            let once = scanner.text(&format!("a {secret} b")).unwrap();
            assert_eq!(scanner.text(&once), None, "{once}");
        }
    }
}

#[test]
fn equal_secrets_have_equal_hashes_however_they_are_found() {
    let mut scanner = scanner(Spec { action: Action::Hash, hash_key: Some(HashKey("a key".into())), ..spec() });
    let by_pattern = scanner.text("4111 1111 1111 1111").unwrap();
    assert_eq!(scanner.text("4111-1111-1111-1111").unwrap(), by_pattern);
    assert_eq!(
        scanner.value(Value::Integer(4_111_111_111_111_111), Treatment::Search),
        Some(Replaced::Text(by_pattern.clone()))
    );
    assert_eq!(
        scanner.value(Value::Json("\"4111111111111111\""), Treatment::Secret(Action::Hash)),
        Some(Replaced::Text(by_pattern))
    );
}

#[test]
fn each_rule_can_have_an_action_of_its_own() {
    let actions = [("card".to_owned(), Action::Mask), ("email".to_owned(), Action::Hash)].into();
    let mut scanner = scanner(Spec { actions, hash_key: Some(HashKey("k".into())), ..spec() });
    let text = scanner.text("a@b.example 4111 1111 1111 1111 password=hunter2").unwrap();
    assert!(text.starts_with("[HASH:") && text.ends_with("] ****1111 password=[REDACTED]"), "{text}");
}

#[test]
fn expressions_of_the_application_are_found_by_their_names() {
    let custom =
        vec![("employee".to_owned(), r"EMP-\d{4}".to_owned()), ("pin".to_owned(), r"pin (?P<secret>\d+)".to_owned())];
    let mut scanner = scanner(Spec { custom, ..spec() });
    assert_eq!(scanner.text("EMP-1234 has pin 99").unwrap(), "[REDACTED:employee] has pin [REDACTED:pin]");
}

/// Seen to pass as they were: only cards were looked for in numbers.
#[test]
fn expressions_of_the_application_are_found_in_numbers_too() {
    let custom = vec![("phone".to_owned(), r"^1[3-9]\d{9}$".to_owned()), ("word".to_owned(), "true|null".to_owned())];
    let mut scanner = scanner(Spec { custom, ..spec() });
    let found = Some(Replaced::Text("[REDACTED:phone]".into()));
    assert_eq!(scanner.value(Value::Integer(13_812_345_678), Treatment::Search), found);
    assert!(!scanner.is_clean_value(Value::Integer(13_812_345_678), Treatment::Search));
    assert_eq!(scanner.value(Value::Integer(813_812_345_678), Treatment::Search), None);
    let json =
        scanner.json(r#"{"a":[13812345678,true],"b":4111111111111111,"c":null,"d":13812345678.5}"#, true).unwrap();
    assert_eq!(json, r#"{"a":["[REDACTED:phone]",true],"b":"[REDACTED:card]","c":null,"d":13812345678.5}"#);
}

/// A mask leaves the end of what it hides.
#[test]
fn a_rule_shows_nothing_of_what_another_found_beyond_its_own() {
    let actions = [("first".to_owned(), Action::Mask)].into();
    let custom = vec![("first".to_owned(), "[a-z]{12} password=".to_owned())];
    let mut scanner = scanner(Spec { actions, custom, ..spec() });
    assert_eq!(scanner.text("abcdefghijkl password=hunter2").unwrap(), "****ord=[REDACTED]");
    let custom = vec![("first".to_owned(), "[a-z]{12} password=hun".to_owned())];
    let actions = [("first".to_owned(), Action::Mask)].into();
    let mut scanner = self::scanner(Spec { actions, custom, ..spec() });
    assert_eq!(scanner.text("abcdefghijkl password=hunter2").unwrap(), "[REDACTED:first]");
}

#[test]
fn names_and_texts_are_found_at_any_depth() {
    let mut scanner = usual();
    let json = r#"{"a":[{"password":{"x":[1,"hunter2"]},"n":4111111111111111,"alice@example.com":"\u0061lice@example.com"},null,-1.5e3],"token":null,"secret":true,"s":"a\"b"}"#;
    let expected = r#"{"a":[{"password":"[REDACTED]","n":"[REDACTED:card]","[REDACTED:email]":"[REDACTED:email]"},null,-1.5e3],"token":null,"secret":true,"s":"a\"b"}"#;
    assert_eq!(scanner.json(json, true).unwrap(), expected);
    assert_eq!(scanner.json(expected, true).unwrap(), expected);
}

/// Seen to fail (the secrets stay) without the option before an item.
#[test]
fn what_follows_an_option_in_a_list_is_its_value() {
    let mut scanner = usual();
    for (json, expected) in [
        (r#"["mysql","--password","hunter2","-h"]"#, r#"["mysql","--password","[REDACTED]","-h"]"#),
        (r#"["--api-key","letmein","-x"]"#, r#"["--api-key","[REDACTED]","-x"]"#),
        (r#"["--password","letmein"]"#, r#"["--password","[REDACTED]"]"#),
        (r#"{"a":[["x",["--token","y","z"]]]}"#, r#"{"a":[["x",["--token","[REDACTED]","z"]]]}"#),
        (r#"["x","--pwd",1234,"--otp",5]"#, r#"["x","--pwd","[REDACTED]","--otp","[REDACTED]"]"#),
        (r#"["--password", "--token", "a\"b", "c"]"#, r#"["--password","--token","[REDACTED]","c"]"#),
    ] {
        assert_eq!(scanner.json(json, true).as_deref(), Some(expected), "{json}");
    }
    for json in [
        r#"["x","--password","-v","y"]"#,
        r#"["x","--password",null,true,[1],{"a":1},""]"#,
        r#"["x","--max-tokens","100"]"#,
        r#"["password","username"]"#,
        r#"["id","password","created_at"]"#,
        r#"["--password"]"#,
        r#"["-password","x","y"]"#,
    ] {
        assert_eq!(scanner.json(json, true), None, "{json}");
        // The same list as a text.
        assert_eq!(scanner.text(json), None, "{json}");
    }
    assert_eq!(scanner.json(r#"["x","--password","y"]"#, false), None);
}

#[test]
fn names_of_one_mapping_that_are_secrets_stay_apart() {
    let json = r#"{"a@b.example":1,"c@d.example":2}"#;
    assert_eq!(usual().json(json, true).unwrap(), r#"{"[REDACTED:email]":1,"[REDACTED:email].2":2}"#);
}

#[test]
fn what_is_no_json_becomes_nothing_that_could_be_a_secret() {
    let mut scanner = usual();
    for json in [
        "{",
        "[1",
        "\"x",
        "{\"a\" 1}",
        "[\n\"AKIAIOSFODNN7EXAMPLE\"]",
        "{\"a\":\u{a0}1}",
        "{1:2}",
        "[1]]",
        "",
        "\"a\\",
        "{\"password\":",
    ] {
        assert_eq!(scanner.json(json, true).unwrap(), "\"[REDACTED]\"", "{json}");
    }
}

#[test]
fn a_text_with_more_secrets_than_anybody_reads_is_one() {
    let text = "a@b.example, ".repeat(1_001) + "the end";
    let redacted = redacted(&text);
    assert_eq!(redacted.matches("[REDACTED:email]").count(), 1_001);
    assert!(!redacted.contains("the end"));
}

/// Optimised, seen to take minutes with the rest of the text looked at from each of its digits, and all before each address.
#[test]
fn a_text_that_is_near_a_secret_everywhere_is_no_trouble() {
    const LENGTH: usize = if cfg!(debug_assertions) { 16 << 10 } else { 256 << 10 };
    let mut scanner = usual();
    for piece in [
        "4 ",
        "4-",
        "4111 1111 1111 1111 ",
        "a@b.example,",
        "a@b.png,",
        "://b:c,a@",
        "sk-",
        "token='",
        "a=",
        "密码：",
        "eyJaaaaaaaa.",
    ] {
        let text = piece.repeat(LENGTH / piece.len());
        let json = serde_json::to_string(&[&text]).unwrap();
        let (text, json) = (scanner.text(&text).unwrap_or(text), scanner.json(&json, true).unwrap_or(json));
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap()[0], text, "{piece}");
    }
    let names: serde_json::Map<_, _> =
        (0..3_000).map(|number| (format!("a{number}@b.example"), number.into())).collect();
    assert!(scanner.json(&serde_json::to_string(&names).unwrap(), true).unwrap().contains("\"[REDACTED:email].3000\""));
}

#[test]
fn what_is_not_as_it_must_be_is_named() {
    let wrong = |spec: Spec| Rules::new(spec).unwrap_err();
    let custom = |name: &str, pattern: &str| wrong(Spec { custom: vec![(name.into(), pattern.into())], ..spec() });
    assert_eq!(custom("x", "a(b").key, "redaction.custom.x");
    assert!(custom("x", "a(b").allowed.contains("unclosed group"));
    assert!(custom("x", r"(?:\pL{1000}){1000}").allowed.contains("at most 4 MiB"));
    assert_eq!(custom("email", "x").key, "redaction.custom.email");
    assert_eq!(wrong(Spec { patterns: vec!["emial".into()], ..Spec::default() }).key, "redaction.patterns");
    assert_eq!(wrong(Spec { action: Action::Hash, ..spec() }).key, "redaction.action");
    assert_eq!(
        wrong(Spec { actions: [("emial".to_owned(), Action::Mask)].into(), ..spec() }).key,
        "redaction.actions.emial"
    );
    assert_eq!(wrong(Spec { keys: vec!["x".repeat(20_000)], ..spec() }).key, "redaction");
}

#[test]
fn a_hash_key_is_never_shown() {
    let rules = Rules::new(Spec { hash_key: Some(HashKey("very secret".into())), ..spec() }).unwrap();
    assert!(!format!("{rules:?}").contains("very secret"));
}

/// Texts around secrets: anything that does not go on with them.
fn around() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~]{0,40}", any::<String>()]
}

proptest! {
    #[test]
    fn no_planted_secret_remains(before in around(), after in around(), index: prop::sample::Index) {
        let secrets = secrets();
        let (_, secret) = index.get(&secrets);
        let text = redacted(&format!("{before} {secret} {after}"));
        prop_assert!(!text.contains(secret.as_str()), "{}", text);
    }

    #[test]
    fn no_planted_secret_remains_in_json(name in around(), before in around(), index: prop::sample::Index, by_name: bool) {
        let secrets = secrets();
        let (_, secret) = index.get(&secrets);
        let value = serde_json::json!({ &name: [format!("{before} {secret}"), { secret: 1 }], "password": { "a": secret } });
        let json = usual().json(&value.to_string(), by_name).unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        let plain = serde_json::to_string(secret).unwrap();
        prop_assert!(!json.contains(plain.trim_matches('"')), "{}", json);
    }

    #[test]
    fn any_text_comes_through(text: String, noise in "[a-z:/@=.>'\"\\\\ 0-9{}-]{0,200}") {
        let mut scanner = usual();
        let _ = (scanner.text(&text), scanner.text(&noise));
        let _ = (scanner.json(&text, true), scanner.json(&noise, true));
    }
}

#[test]
fn rules_are_shared() {
    let rules = Rules::new(spec()).unwrap();
    assert!(Arc::ptr_eq(Scanner::new(Arc::clone(&rules)).rules(), &rules));
}
