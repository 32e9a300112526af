//! Names whose values are secrets.

use std::collections::{HashMap, HashSet};

use super::spec::{Action, Spec};

/// Known names, without what stands between words. `token` is one of them too; see `COUNTED`.
#[rustfmt::skip]
pub const KEYS: &[&str] = &[
    "password", "passwords", "passwd", "passphrase", "passcode", "pwd", "pw", "密码", "口令", "secret", "secrets", "密钥",
    "passwort", "kennwort", "senha", "contraseña", "contrasena", "motdepasse", "пароль", "パスワード", "비밀번호",
    "passwordhash", "passworddigest", "secretbinary",
    // `pass` alone is a word; behind these it is a password.
    "adminpass", "becomepass", "dbpass", "databasepass", "emailpass", "ftppass", "keypass", "ldappass", "loginpass", "mailpass",
    "mysqlpass", "pgpass", "postgrespass", "redispass", "rootpass", "smtppass", "sshpass", "storepass", "userpass",
    "vaultpass",
    // Words of one piece.
    "adminpw", "bindpw", "dbpw", "rootpw", "userpw",
    "token", "accesstoken", "refreshtoken", "idtoken", "authtoken", "apitoken", "bearertoken", "sessiontoken",
    "csrftoken", "xsrftoken", "csrfmiddlewaretoken", "令牌", "accesstokens", "refreshtokens", "apitokens", "authtokens",
    "bottoken", "devicetoken", "jwttoken", "oauthtoken", "securitytoken", "servicetoken", "usertoken", "csrf", "xsrf",
    "jwt", "apikey", "apikeys", "appkey", "appsecret", "clientsecret", "secretkey", "secretkeys", "privatekey",
    "privatekeys", "accesskey", "accesskeys", "accountkey", "signingkey", "encryptionkey", "masterkey", "sshkey",
    "authkey", "hmackey", "secretkeybase", "presharedkey", "psk", "sharedkey", "storagekey", "subscriptionkey", "functionskey",
    "authorization", "auth", "credential", "credentials", "cookie", "cookies", "setcookie", "session", "sessionid",
    "sessionkey", "phpsessid", "jsessionid", "connectsid", "connectionstring", "cardnumber", "creditcard", "cvv", "cvc",
    "securitycode", "otp", "totp", "otpcode", "mfacode", "ssn", "socialsecuritynumber", "xamzsignature",
    "xgoogsignature", SIGNATURE,
];

/// The key for `sig` in the query of a URL. The name alone is no key.
pub const SIGNATURE: &str = "sassignature";

/// Words behind a name that only say which of several it is, or how it is written: `password_confirmation`, `SecretString`.
#[rustfmt::skip]
const WHICH: &[&str] = &[
    "again", "backup", "bytes", "clear", "cleartext", "confirm", "confirmation", "confirmed",
    "current", "default", "dev", "enc", "encoded", "encrypted", "fallback", "fallbacks", "header", "hex", "live", "new", "old", "pem", "plain",
    "plaintext", "prev", "previous", "primary", "prod", "production", "raw", "real", "repeat", "repeated", "retype",
    "secondary", "staging", "str", "string", "temp", "test", "text", "tmp", "value", "verify",
];

/// So many of them: names may have any length.
const MOST_WHICH: usize = 4;

/// Names that are words of other trades too, where fewer of these do: a `token_text` is a piece of a language model's text.
const AMBIGUOUS: &[&str] = &["token", "session", "auth", "credential", "otp", "csrf", "xsrf"];
#[rustfmt::skip]
const WHICH_OF_AMBIGUOUS: &[&str] = &["confirm", "confirmation", "current", "header", "new", "old", "prev", "previous", "value"];

/// Words before `token` that make it a unit that is counted, or a position in a list.
#[rustfmt::skip]
const COUNTED: &[&str] = &[
    "first", "last", "next", "page", "per", "each", "max", "min", "prompt", "completion", "input", "output", "total",
    "cached", "reasoning", "stop", "eos", "bos", "pad", "unk", "sep", "cls", "mask", "special", "continuation",
    "cancellation",
];

/// A key with this many bytes also counts at the end of a longer word. So do these shorter keys, which end no other
/// word.
const LONG: usize = 8;
const LONG_ENOUGH: [&str; 5] = ["apikey", "cookie", "passwd", "pwd", "secret"];

/// How the value under a name is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It is searched for patterns.
    Search,
    /// It is a secret.
    Secret(Action),
    /// It is a secret, unless it is only a yes or a no.
    SecretUnlessFlag(Action),
}

#[derive(Debug)]
pub struct Keys {
    secret: HashMap<String, Treatment>,
    /// Bytes of the longest of them.
    longest: usize,
    keep: HashSet<String>,
    /// Keys that count at the end of longer words.
    long: Vec<String>,
    allow: Option<Allowed>,
}

/// Names that keep their values; the ones that end with `*` stand for all that begin so.
#[derive(Debug)]
struct Allowed {
    whole: HashSet<String>,
    beginnings: Vec<String>,
    action: Action,
}

impl Keys {
    pub fn new(spec: &Spec) -> Self {
        let keep: HashSet<_> = spec.keep_keys.iter().map(|name| normal(name)).collect();
        let action_of = |name: &str| {
            let own = spec.actions.iter().find(|(rule, _)| normal(rule) == name);
            own.map_or_else(|| spec.action_of("keys"), |(_, action)| *action)
        };
        let known = KEYS.iter().map(|name| ((*name).to_owned(), false));
        let given = spec.keys.iter().map(|name| (normal(name), true));
        let secret: HashMap<_, _> = known
            .chain(given)
            .filter(|(name, _)| !name.is_empty() && !keep.contains(name))
            .map(|(name, given)| {
                let action = action_of(&name);
                (name, if given { Treatment::Secret(action) } else { Treatment::SecretUnlessFlag(action) })
            })
            .collect();
        let long = secret
            .keys()
            .filter(|name| name.len() >= LONG || !name.is_ascii() || LONG_ENOUGH.contains(&name.as_str()))
            .cloned()
            .collect();
        Self {
            longest: secret.keys().map(String::len).max().unwrap_or(0),
            secret,
            keep,
            long,
            allow: spec.allow.as_ref().map(|names| Allowed::new(names, spec.action_of("allow"))),
        }
    }

    /// The treatment of a field's value. An allow-list alone decides it, if there is one.
    pub fn of_field(&self, name: &str) -> Treatment {
        match &self.allow {
            Some(allow) if allow.has(name) => Treatment::Search,
            Some(allow) => Treatment::Secret(allow.action),
            None => self.of(name),
        }
    }

    pub const fn has_allow_list(&self) -> bool {
        self.allow.is_some()
    }

    /// The treatment of the value under a key of a mapping, or after a name in a text.
    pub fn of(&self, name: &str) -> Treatment {
        let words = words(name);
        let whole = words.concat();
        if self.keep.contains(&whole) {
            return Treatment::Search;
        }
        // Numbers at the end tell several of the same kind apart.
        let bare = without_numbers(&words);
        for words in [&words[..bare], &words[..]] {
            if let Some((_, treatment)) = self.at_end_of(words, &whole) {
                return treatment;
            }
        }
        if let Some(treatment) = self.at_end_of_long(&words[..bare]) {
            return treatment;
        }
        self.before_which(&words, &whole).unwrap_or(Treatment::Search)
    }

    /// The longest key that these words, the first of a name, end with.
    fn at_end_of(&self, words: &[String], whole: &str) -> Option<(&str, Treatment)> {
        // From the last word on back, as far as a key can reach: names may have any length.
        let length = words.iter().map(String::len).sum();
        let (mut from, mut found) = (length, None);
        for (index, word) in words.iter().enumerate().rev() {
            from -= word.len();
            if length - from > self.longest {
                break;
            }
            let end = &whole[from..length];
            let counted = end == "token" && index > 0 && COUNTED.contains(&words[index - 1].as_str());
            found = self.secret.get_key_value(end).filter(|_| !counted).or(found);
        }
        found.map(|(key, treatment)| (key.as_str(), *treatment))
    }

    /// A key at the end of a longer word.
    fn at_end_of_long(&self, words: &[String]) -> Option<Treatment> {
        let last = words.last()?;
        self.long.iter().find(|key| last.ends_with(key.as_str())).and_then(|key| self.secret.get(key)).copied()
    }

    /// A key before words that only say which one it is, or how it is written.
    #[cold]
    fn before_which(&self, words: &[String], whole: &str) -> Option<Treatment> {
        let mut end = words.len();
        let mut ambiguous = true;
        for _ in 0..MOST_WHICH {
            let bare = without_numbers(&words[..end]);
            let word = words.get(bare.checked_sub(1)?)?;
            // `v2` is two words, and `base64`.
            let is_version = bare < end && matches!(word.as_str(), "v" | "base" | "b");
            if !is_version && !WHICH.contains(&word.as_str()) {
                break;
            }
            ambiguous &= is_version || WHICH_OF_AMBIGUOUS.contains(&word.as_str());
            end = bare - 1;
            let found = self.at_end_of(&words[..without_numbers(&words[..end])], whole);
            if let Some((key, treatment)) = found {
                return (ambiguous || !AMBIGUOUS.contains(&key)).then_some(treatment);
            }
            if let Some(treatment) = self.at_end_of_long(&words[..end]) {
                return Some(treatment);
            }
        }
        None
    }

    /// Whether a name is that of a key, written in any way.
    pub fn has(&self, name: &str) -> bool {
        self.secret.contains_key(&normal(name))
    }
}

impl Allowed {
    fn new(names: &[String], action: Action) -> Self {
        let (beginnings, whole): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.ends_with('*'));
        Self {
            whole: whole.into_iter().map(|name| normal(name)).collect(),
            beginnings: beginnings.into_iter().map(|name| normal(name)).collect(),
            action,
        }
    }

    fn has(&self, name: &str) -> bool {
        let name = normal(name);
        self.whole.contains(&name) || self.beginnings.iter().any(|beginning| name.starts_with(beginning.as_str()))
    }
}

/// How many words there are before the numbers at the end.
fn without_numbers(words: &[String]) -> usize {
    words.iter().rposition(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).map_or(0, |last| last + 1)
}

/// A name without case and without what stands between its words.
pub fn normal(name: &str) -> String {
    words(name).concat()
}

/// The words of a name, without case: `access_token`, `Access-Token` and `accessToken` have the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut characters = name.chars().map(narrow).peekable();
    while let Some(character) = characters.next() {
        let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let begins = match (before, character) {
            (a, b) if b.is_uppercase() => a.is_lowercase() || a.is_ascii_digit() || a.is_uppercase() && next_is_lower,
            (a, b) => a.is_ascii_digit() != b.is_ascii_digit(),
        };
        if (begins || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// A letter, digit or sign of ASCII in the full width it may have beside Chinese, as it is in ASCII.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xff01 + 0x21).unwrap_or(character),
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(spec: &Spec) -> Keys {
        Keys::new(spec)
    }

    #[test]
    fn words_end_at_separators_case_and_digits() {
        assert_eq!(words("db.userPassword_2"), ["db", "user", "password", "2"]);
        assert_eq!(words("APIKey"), ["api", "key"]);
        assert_eq!(words("X-API-KEY"), ["x", "api", "key"]);
        assert_eq!(words("__"), Vec::<String>::new());
    }

    #[test]
    fn secrets_are_known_however_their_names_are_written() {
        let keys = keys(&Spec::default());
        #[rustfmt::skip]
        let names = [
            "password", "Password", "PASSWORD", "pass_word", "db_password", "userPassword", "userpassword",
            "password2", "user.password", "api_key", "apikey", "X-Api-Key", "api key", "OPENAI_API_KEY",
            "openaiApiKey", "Authorization", "Proxy-Authorization", "Set-Cookie", "cookie", "session", "session_id",
            "sessionid", "client_secret", "AWS_SECRET_ACCESS_KEY", "private_key", "token", "access_token",
            "refreshToken", "csrf-token", "secret", "credentials", "用户密码", "x-auth-token", "ｐａｓｓｗｏｒｄ",
            "ＡＰＩ＿ＫＥＹ", "pass\u{200b}word", "pass\u{ad}word", "password_confirmation", "passwordConfirm",
            "password_confirmation2", "SecretString", "dbpasswd", "DBPWD", "rootpw", "bind_pw", "token_v2", "tokenV2",
            "tokenOld", "DB_PASS", "smtpPass", "API_KEY_PROD", "apiKeyLive", "authorization_header", "authHeader",
            "password_hash", "passwordNewConfirm", "mysecret", "OPENAIAPIKEY", "secret_value_base64", "_csrf", "jwt",
            "connect.sid", "Ocp-Apim-Subscription-Key", "X-Amz-Signature", "Пароль", "passwort_neu_password",
            "SECRET_KEY_BASE", "secretKeyBase", "RAILS_SECRET_KEY_BASE", "SECRET_KEY_FALLBACKS", "private_key_pem",
        ];
        for name in names {
            assert_eq!(keys.of(name), Treatment::SecretUnlessFlag(Action::Replace), "{name}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_secret_is_none() {
        let keys = keys(&Spec::default());
        #[rustfmt::skip]
        let names = [
            "prompt_tokens", "completion_tokens", "tokens", "total_tokens", "max_tokens", "token_count", "token_type",
            "tokens_per_second", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "time_to_first_token",
            "ms_per_token", "next_page_token", "stop_token", "user", "key", "primary_key", "public_key", "passed",
            "bypass", "author", "authority", "sessions", "session_count", "secretary", "cookie_count",
            "password_length", "compass", "", "_", "1", "message", "author_id", "keyboard", "token_text", "token_str",
            "tokenString", "session_test", "auth_test", "password_reset_url", "token_count_v2", "first_pass", "pass",
            "passes", "bypass_value", "v2", "value", "old_value", "new", "text", "plain_text", "header", "subtoken",
            "nexttoken", "secret_name", "password_policy", "api_key_id", "card", "psk_mode", "primary_pw_state",
            "session_count_new", "max_tokens_default", "sig", "signature",
            "base", "key_base", "database", "knowledge_base", "fallback", "token_fallback", "api_key_base_url",
        ];
        for name in names {
            assert_eq!(keys.of(name), Treatment::Search, "{name}");
        }
    }

    /// Seen to take minutes with every end of the name built again.
    #[test]
    fn a_name_of_very_many_words_is_no_trouble() {
        let keys = keys(&Spec::default());
        let name = "a_".repeat(200_000);
        assert_eq!(keys.of(&name), Treatment::Search);
        assert_eq!(keys.of(&(name + "Api_Key")), Treatment::SecretUnlessFlag(Action::Replace));
        assert_eq!(keys.of(&"value_".repeat(200_000)), Treatment::Search);
    }

    #[test]
    fn names_are_added_and_taken_away() {
        let spec = Spec {
            keys: vec!["IBAN".into()],
            keep_keys: vec!["session".into(), "test-token".into()],
            ..Spec::default()
        };
        let keys = keys(&spec);
        assert_eq!(keys.of("customer_iban"), Treatment::Secret(Action::Replace));
        assert_eq!(keys.of("session"), Treatment::Search);
        assert_eq!(keys.of("testToken"), Treatment::Search);
        assert_eq!(keys.of("token"), Treatment::SecretUnlessFlag(Action::Replace));
    }

    #[test]
    fn a_key_can_have_an_action_of_its_own() {
        let actions = [("keys".to_owned(), Action::Mask), ("api_key".to_owned(), Action::Hash)].into();
        let keys = keys(&Spec { actions, ..Spec::default() });
        assert_eq!(keys.of("my-api-key"), Treatment::SecretUnlessFlag(Action::Hash));
        assert_eq!(keys.of("password"), Treatment::SecretUnlessFlag(Action::Mask));
    }

    #[test]
    fn an_allow_list_decides_alone() {
        let spec = Spec { allow: Some(vec!["order_id".into(), "gen_ai.*".into(), "token".into()]), ..Spec::default() };
        let keys = keys(&spec);
        for name in ["orderId", "gen_ai.usage.input_tokens", "token"] {
            assert_eq!(keys.of_field(name), Treatment::Search, "{name}");
        }
        for name in ["order", "user", "my_order_id"] {
            assert_eq!(keys.of_field(name), Treatment::Secret(Action::Replace), "{name}");
        }
    }
}
