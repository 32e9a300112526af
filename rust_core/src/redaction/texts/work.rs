//! The work that a text is.

use super::super::tests::usual;
use super::super::work;

/// Names that are looked up, and bytes that are read for a value, of a text and of one that is twice as long: no more than twice as many.
#[test]
fn no_text_takes_more_work_than_its_length() {
    let work = |piece: &str, count: usize| {
        work::take();
        let text = piece.repeat(count);
        let _ = usual().text(&text);
        work::take()
    };
    for piece in [
        "password=",
        "password:",
        "password=a(",
        "password=[",
        "password=<",
        "password='",
        "password=\"a\\",
        "token:",
        "token:a",
        "token: ",
        "api key:",
        "api key: a1b2c3(",
        "cookie:",
        "cookie: \"",
        "Cookie: a=\"b",
        "<password>",
        "<password><a>",
        "<password></x>",
        "<password><![CDATA[",
        "<name>",
        "<name><value>",
        "<value>",
        "<name>password</name>",
        "<a key='password'>",
        "name=password ",
        "name=password value=",
        "value=\"",
        "value='a",
        "value=\\\"a ",
        "name=",
        "\"name\":\"password\",",
        "{\"value\":",
        "form-data; name=password ",
        "form-data; name=\"password\"\n\n",
        "password:\n",
        "password: |\n",
        "password: |\n  a\n",
        "a: |\n",
        "--password ",
        "--password a1",
        "'--password', ",
        "('password', 'a",
        "('password',\"",
        "password '",
        "identified by ",
        "\\\"",
        "\\\\",
        "\\u0022",
        "%25",
        "%22password%22%3A",
        "&amp;",
        "&quot;password&quot;:",
        "'",
        "\"",
        "'\"",
        "a'b ",
        "b'",
        "[password]=>",
        "密码：",
        "：",
        "\u{a0}",
        "１",
        "４１１１",
        "4 ",
        "4.",
        "4111.",
        "a4",
        "://a:",
        "://a:b@",
        "://a:b/c@",
        "@",
        "a@b.example,",
        "%40",
        "…(+3 characters)",
        "sk-",
        "eyJaaaaaaaa.",
        "?sig=",
        "secret_value_",
        "password=a,",
        "password=a,b",
        "password=a&b",
        "password=a;b=",
        "password=a<b",
        "password=a'b",
        "password=None ",
        "session=self.x,",
        "password=password,",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        const PIECES: usize = 400;
        let (once, twice) = (work(piece, PIECES), work(piece, 2 * PIECES));
        // The first pieces may be read as what they are no more when there are many.
        assert!(
            twice <= 2 * once + 40 * (piece.len() as u64 + 64),
            "{piece}: {once} for {PIECES}, {twice} for twice as many"
        );
        assert!(twice <= 200 * (2 * PIECES * piece.len()) as u64, "{piece}: {twice}");
    }
}
