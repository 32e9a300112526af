//! Values after names.

use super::super::keys::Keys;
use super::super::spec::Spec;
use super::*;

fn redacted(text: &str) -> String {
    let keys = Keys::new(&Spec::default());
    let mut found = Vec::new();
    find(text, Kinds::of(text), false, |name| keys.of(name), &mut found);
    let mut out = text.to_owned();
    found.sort_by_key(|found| found.range.start);
    found.iter().rev().for_each(|found| out.replace_range(found.range.clone(), "*"));
    out
}

#[test]
fn values_after_names_are_found() {
    for (text, expected) in [
        ("login password=hunter2 failed", "login password=* failed"),
        ("/path?token=abc&page=2", "/path?token=*&page=2"),
        (r#"{"password": "a \" b", "user": "x"}"#, r#"{"password": "*", "user": "x"}"#),
        (r#"{"api_key": 12345, "user": 1}"#, r#"{"api_key": *, "user": 1}"#),
        (r#"{\"password\": \"hunter2\", \"user\": \"x\"}"#, r#"{\"password\": \"*\", \"user\": \"x\"}"#),
        ("{'token': 'abc', 'n': 1}", "{'token': '*', 'n': 1}"),
        ("{'token': b'abc', 'n': 1}", "{'token': b'*', 'n': 1}"),
        ("Login(user='bob', password='two words')", "Login(user='bob', password='*')"),
        ("password: hunter2", "password: *"),
        ("Authorization: Digest a=b, c=\"d\"", "Authorization: *"),
        ("Cookie: a=b; c=d\r\nHost: x", "Cookie: *\r\nHost: x"),
        ("secrets=['a', 'b'] x", "secrets=* x"),
        ("credentials={'a': {'b': 1}}, y", "credentials=*, y"),
        ("<user>x</user><password>hunter2</password>", "<user>x</user><password>*</password>"),
        ("密码：x 密码=甲乙", "密码：* 密码=*"),
        ("用户：bob，密码：hunter2，登录失败", "用户：bob，密码：*，登录失败"),
        ("ｐａｓｓｗｏｒｄ＝hunter2", "ｐａｓｓｗｏｒｄ＝*"),
        ("my password is: hunter2", "my password is: *"),
        ("The API key was: x7y8z9", "The API key was: *"),
        ("用户密码是：hunter2，密码为: x", "用户密码是：*，密码为: *"),
        ("password        = hunter2", "password        = *"),
        ("password\t:\t\thunter2", "password\t:\t\t*"),
        ("password:      hunter2", "password:      *"),
        ("password is password=`hun ter2`!", "password is password=`*`!"),
        ("password=<hun ter2>!", "password=*!"),
        ("password = \"never closed", "password = \"*"),
    ] {
        assert_eq!(redacted(text), expected, "{text}");
    }
}

#[test]
fn in_source_only_what_is_written_out_is_one() {
    let keys = Keys::new(&Spec::default());
    let found = |text: &str| {
        let mut found = Vec::new();
        find(text, Kinds::of(text), true, |name| keys.of(name), &mut found);
        found.len()
    };
    for text in
        ["session = requests.Session()", "f(password=password)", "token=self.token, x", "secret = os.environ[\"X\"]"]
    {
        assert_eq!(found(text), 0, "{text}");
    }
    for text in
        ["f(password='hunter2')", "\"host=x password=hunter2\"", "{'token': \"x\"}", "secret = 'a(b)'", "pwd=b\"x\""]
    {
        assert_eq!(found(text), 1, "{text}");
    }
}

#[test]
fn what_only_looks_like_one_stays() {
    for text in [
        "Invalid token: unexpected end",
        "token：无效",
        "missing field `token`: expected a text",
        "prompt_tokens=12",
        "x == y",
        "a => b",
        "password=",
        "password=None",
        "{'token': None}",
        "12:30:00",
        "session: started",
        "the session is: started",
        "the token was: rejected",
        "is: x",
        "this is: a test",
        "是：x",
        "if a > b: pass",
        "<b>x</b>",
        "=",
        ":",
        ">",
        "'':",
        "error: no such file",
        "http://example.com:80/a=b",
    ] {
        assert_eq!(redacted(text), text);
    }
}
