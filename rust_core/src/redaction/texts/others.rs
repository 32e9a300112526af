//! Texts without a secret.

use super::shown;

/// Prose, code, URLs and output of programs as they are in logs.
#[rustfmt::skip]
const NO_SECRETS: &[&str] = &[
    "Invalid token: unexpected end of input", "token: invalid", "session: started in 12 ms", "auth: 3 attempts left",
    "access token: none given", "api keys: 120 loaded", "next page token: 12ab", "client secret: see the vault", "the token: 123abc",
    "secret: not found in namespace default", "api key: not found", "API key: please check your settings", "ssh key: 2 keys loaded",
    "private key: permission denied (publickey)", "usage: login <user> <password> [options]", "GET /users/<token>/reset HTTP/1.1",
    "GET /users/<string:token>/reset", "<requests.sessions.Session object at 0x7f3a5c2d1e80> closed",
    "<Session object at 0x7f> and <b>bold</b>", "if a > b and c < d: pass", "x => y, a -> b", "SELECT password FROM users WHERE id = 1",
    "INSERT INTO users (name, password) VALUES (%s, %s)", "fields: ('username', 'password')", "['user', 'password', 'token']",
    "('password', 'username')", "use --password to set it", "use --token or --secret-file", "-- password is required --", "a -- b",
    "100% of 50 & more", r"C:\temp\new\users", r"regex \d+\.\w*\s", "%s and %d and %(name)s", "a%20b%2Fc", "https://example.com/a%20b?x=1&y=2",
    "http://localhost:8080/a@b", "http://example.com:8080/a?b=c@d", "https://[::1]:8080/a@b", "git@github.com:org/repo",
    "ssh://git@github.com:org/repo", "http://a.example:80,http://b.example:81/x@y", "see https://example.com/@user/post",
    "{'name': 'user', 'value': 'bob'}", "<name>bob</name><value>x</value>", r#"<add key="Timeout" value="30"/>"#, "name: web\nvalue: 3",
    "key: value\nother: |\n  text\n  more", "steps:\n  - name: build\n    run: make", "form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ntext\r\n--x",
    "time=2026-02-19T10:30:00 level=info msg=\"done\"", "127.0.0.1 - - [19/Feb/2026:10:30:00 +0000] \"GET / HTTP/1.1\" 200 12 \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
    "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    main()\nValueError: it's not 'a' valid \"b\"",
    "order_4111111111111112", "id d4111111111111111f", "v4111111111111111", "0x4111111111111111", "5f4111111111111111", "a1-4111111111111111",
    "1.2.3.4", "10.20.30.40:5000", "2026.02.19 10.30.00", "4111.111111111111", "4111111111111111.5", "12345678901234567890123",
    "token_text=Hello token_str=World prompt_tokens=12", "password_policy=strict", "sig=abc", "signature: valid", "…(+3 characters)",
    "“quoted” — text – with ‘signs’", "中文，标点：“引号”。全角ＡＢＣ１２３", "\u{feff}text", "zero\u{200b}width", "naïve café",
    "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}}}", "key=value; other=thing, more=(1, 2)", "[INFO] [auth]: ok", "(session) = 3 > 2",
    "<html><body><p>Hello</p><br/></body></html>", "a <b> c </b> d", "1 < 2 > 1", "<<EOF", "->", "=>", "==", "--", "''", "\"\"", "\\", "\\\\", "\\u", "%", "&", "<", ">",
    "password", "the password", "password:", "password=", "password =", "password: None", "'password': None", "\"password\": null", "<password></password>",
    "<password/>", "has_password=True", "What is your password?", "password is required", "Enter password", "forgot password link sent",
    "Digest: sha-256=abc", "the password \"must not be empty\"", "password::hash(x) in module", "\"password\" is a required property", "'password' is not of type 'string'", "pass", "first_pass=12", "test passed: 12",
    "DEBUG urllib3.connectionpool https://api.example.com:443 \"POST /v1/items?page=2&sort=name HTTP/1.1\" 201 None",
    "SELECT * FROM \"users\" WHERE \"users\".\"id\" = $1 LIMIT 1", "def f(a: int = 3, *, b: str = 'x') -> None: ...", "lambda x: x['a']['b']",
];

#[test]
fn what_is_no_secret_stays() {
    let wrong: Vec<_> = NO_SECRETS
        .iter()
        .filter(|text| shown(text) != **text)
        .map(|text| format!("{text}\n  becomes  {}", shown(text)))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
