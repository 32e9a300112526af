//! Texts with a secret in each.

use super::super::Treatment;
use super::super::tests::usual;
use super::{assert_shown, shown};

#[test]
fn the_value_of_a_header_ends_with_its_line_or_the_string_it_is_in() {
    assert_shown(&[
        (r#"Cookie: prefs="dark"; sid=hunter2"#, "Cookie: *"),
        (r#"Cookie: prefs={"a":"b","c":1}; sid=hunter2"#, "Cookie: *"),
        (r#"Cookie: "a=b"; sid=hunter2"#, "Cookie: *"),
        (r#"Set-Cookie: a="b"; sid=hunter2; Path=/"#, "Set-Cookie: *"),
        (r#"Authorization: Digest username="bob", response="hunter2""#, "Authorization: *"),
        (r#"Proxy-Authorization: Digest username="bob", response="hunter2", qop=auth"#, "Proxy-Authorization: *"),
        ("Cookie: a=\"b\"; sid=hunter2\r\nHost: x", "Cookie: *\r\nHost: x"),
        (r#"b'GET / HTTP/1.1\r\nCookie: a="b"; sid=hunter2\r\nHost: x'"#, r"b'GET / HTTP/1.1\r\nCookie: *\r\nHost: x'"),
        (r#"curl -H "Cookie: a=b; sid=hunter2" https://x.example/y"#, r#"curl -H "Cookie: *" https://x.example/y"#),
        (r#"curl -H 'Cookie: a="b"; sid=hunter2' https://x.example/y"#, "curl -H 'Cookie: *' https://x.example/y"),
        (r#"curl -H "Authorization: Token hunter2==" -v"#, r#"curl -H "Authorization: *" -v"#),
        (r#"{"sent": "Cookie: a=\"b\"; sid=hunter2", "n": 1}"#, r#"{"sent": "Cookie: *", "n": 1}"#),
        (r#"{"message": "sent Cookie: sid=hunter2", "n": 1}"#, r#"{"message": "sent Cookie: *", "n": 1}"#),
        (r#"5" disk; Cookie: prefs="dark"; sid=hunter2"#, r#"5" disk; Cookie: *"#),
        ("can't send Cookie: a='b'; sid=hunter2", "can't send Cookie: *"),
        ("map[Authorization:[Bearer hunter2] Host:[x]]", "map[Authorization:* Host:[x]]"),
        ("Authorization='Bearer hunter2' host=x", "Authorization='*' host=x"),
    ]);
}

#[test]
fn what_stands_in_an_element_is_found_with_prefix_attributes_and_sections() {
    assert_shown(&[
        (
            r#"<wsse:Password Type="http://x.example/a#PasswordText">hunter2</wsse:Password>"#,
            r#"<wsse:Password Type="http://x.example/a#PasswordText">*</wsse:Password>"#,
        ),
        ("<wsse:Password>hunter2</wsse:Password>", "<wsse:Password>*</wsse:Password>"),
        (r#"<password type="x">hunter2</password>"#, r#"<password type="x">*</password>"#),
        ("<password\n  type='x'>hunter2</password>", "<password\n  type='x'>*</password>"),
        ("<password><![CDATA[hunter2]]></password><n>1</n>", "<password><![CDATA[*]]></password><n>1</n>"),
        ("<password> <![CDATA[hun</ter2]]> </password><n>1</n>", "<password> <![CDATA[*]]> </password><n>1</n>"),
        ("<password>hun<![CDATA[ter2]]></password>", "<password>*</password>"),
        ("<password><value>hunter2</value></password> x", "<password>*</password> x"),
        ("<user>bob</user><password>hunter2", "<user>bob</user><password>*"),
        (r#"<add key="DbPassword" value="hunter2"/>"#, r#"<add key="DbPassword" value="*"/>"#),
        (r#"<entry key="password">hunter2</entry>"#, r#"<entry key="password">*</entry>"#),
        ("<key>password</key><string>hunter2</string>", "<key>password</key><string>*</string>"),
        (
            "<member><name>password</name><value><string>hunter2</string></value></member>",
            "<member><name>password</name><value>*</value></member>",
        ),
        (r#"<input type="text" name="password" value="hunter2">"#, r#"<input type="text" name="password" value="*">"#),
        ("&lt;password&gt;hunter2&lt;/password&gt;", "&lt;password&gt;*&lt;/password&gt;"),
        (r"\u003cpassword\u003ehunter2\u003c/password\u003e", r"\u003cpassword\u003e*\u003c/password\u003e"),
        ("<db:Token xmlns:db='x'>hunter2</db:Token>", "<db:Token xmlns:db='x'>*</db:Token>"),
    ]);
}

#[test]
fn passwords_in_urls_are_found_whatever_signs_they_have() {
    assert_shown(&[
        ("postgres://bob:hun/ter2@db/x", "postgres://bob:*@db/x"),
        ("postgres://bob:hun#ter2@db/x", "postgres://bob:*@db/x"),
        ("postgres://bob:hun?ter2@db/x", "postgres://bob:*@db/x"),
        ("postgres://bob:hun'ter2@db/x", "postgres://bob:*@db/x"),
        ("postgres://bob:hun@ter2@db/x", "postgres://bob:*@db/x"),
        ("postgres://bob:hunter2@db/x?mail=a@b", "postgres://bob:*@db/x?mail=a@b"),
        ("'postgres://bob:hunter2@db/x','a@b'", "'postgres://bob:*@db/x','a@b'"),
        (r"https:\/\/bob:hunter2@db\/x", r"https:\/\/bob:*@db\/x"),
        ("https%3A%2F%2Fbob%3Ahunter2%40db.example%2Fx", "https%3A%2F%2Fbob%*%2Fx"),
        ("mongodb://bob:hunter2@h1:27017,h2:27017/db?a=1", "mongodb://bob:*@h1:27017,h2:27017/db?a=1"),
        ("redis://:hunter2@h1,redis://:hunter2@h2", "redis://:*@h1,redis://:*@h2"),
    ]);
}

#[test]
fn escapes_of_any_kind_hide_nothing() {
    assert_shown(&[
        (r#"{"\u5bc6\u7801": "hunter2"}"#, r#"{"\u5bc6\u7801": "*"}"#),
        (r#"{"\u0070assword": "hunter2", "n": 1}"#, r#"{"\u0070assword": "*", "n": 1}"#),
        (r#""{\"password\": \"hunter2\", \"n\": 1}""#, r#""{\"password\": \"*\", \"n\": 1}""#),
        (r#"{\\\"password\\\": \\\"hunter2\\\", \\\"n\\\": 1}"#, r#"{\\\"password\\\": \\\"*\\\", \\\"n\\\": 1}"#),
        (r#"{\"password\": \"hun\\\"ter2\", \"n\": 1}"#, r#"{\"password\": \"*\", \"n\": 1}"#),
        ("password%3Dhunter2", "password%3D*"),
        ("user%3Dbob%26password%3Dhun%20ter2%26n%3D1", "user%3Dbob%26password%3D*%26n%3D1"),
        ("q=%7B%22password%22%3A%22hunter2%22%2C%22n%22%3A1%7D", "q=%7B%22password%22%3A%22*%22%2C%22n%22%3A1%7D"),
        ("user%255Bpassword%255D%3Dhunter2", "user%255Bpassword%255D%3D*"),
        ("&quot;password&quot;: &quot;hunter2&quot;, n", "&quot;password&quot;: &quot;*&quot;, n"),
        ("{&#34;token&#34;:&#34;hunter2&#34;}", "{&#34;token&#34;:&#34;*&#34;}"),
        (r"b'\xe5\xaf\x86\xe7\xa0\x81=hunter2'", r"b'\xe5\xaf\x86\xe7\xa0\x81=*'"),
        ("{\"\"password\"\": \"\"hunter2\"\", \"\"n\"\": 1}", "{\"\"password\"\": \"\"*\"\", \"\"n\"\": 1}"),
        ("pass\u{200b}word=hunter2", "pass\u{200b}word=*"),
        (r"password=hunter2\nuser=bob", r"password=*\nuser=bob"),
        (r#"body={"url":"https:\/\/x\/?token=hunter2\u0026n=1"}"#, r#"body={"url":"https:\/\/x\/?token=*"}"#),
    ]);
}

#[test]
fn a_value_is_replaced_to_its_end() {
    assert_shown(&[
        ("password=hun,ter2", "password=*"),
        ("password=hun;ter2", "password=*"),
        ("password=hun&ter2", "password=*"),
        ("password=hun'ter2", "password=*"),
        ("password=hun\"ter2", "password=*"),
        ("password=hun(ter2)x", "password=*"),
        ("password=hun)ter2", "password=*"),
        ("password=hun<ter2>x", "password=*"),
        ("password=hun|ter2", "password=*"),
        ("password=hun,ter2, user=bob", "password=*, user=bob"),
        ("password=hunter2,user=bob", "password=*,user=bob"),
        ("Server=x;Password=hun;ter2;Initial Catalog=y", "Server=x;Password=*;Initial Catalog=y"),
        ("/x?token=hunter2&page=2", "/x?token=*&page=2"),
        ("/x?token=hunter2&amp;page=2", "/x?token=*&amp;page=2"),
        ("f(user=bob, password=hunter2)", "f(user=bob, password=*)"),
        ("{password: hunter2,user: bob}", "{password: *,user: bob}"),
        ("<p>password=hunter2</p> <b>x</b>", "<p>password=*</p> <b>x</b>"),
        ("password=hunter2<br>user=bob", "password=*<br>user=bob"),
        ("password=SecretStr('hunter2') user='bob'", "password=* user='bob'"),
        ("Login(password=Secret(value='hunter2'), n=1)", "Login(password=*, n=1)"),
        ("secrets=['a]b', 'hunter2'] n=1", "secrets=* n=1"),
        ("SET password='hun''ter2', n='1'", "SET password='*', n='1'"),
        (r#"export PASSWORD='hun'"'"'ter2' N=1"#, "export PASSWORD='*' N=1"),
        ("password='''hun'ter2''' n", "password='''*''' n"),
        ("password = \"\" and n", "password = \"\" and n"),
        ("\"password=hunter2\", \"user=bob\"", "\"password=*\", \"user=bob\""),
    ]);
}

#[test]
fn names_are_found_in_brackets_lists_and_beside_their_values() {
    assert_shown(&[
        ("api key: hunter2", "api key: *"),
        ("api key: 1234567890", "api key: *"),
        ("the Access Token: abc123def, ok", "the Access Token: *, ok"),
        ("client secret: a1b2c3d4", "client secret: *"),
        ("refresh token: \"abcdef\"", "refresh token: \"*\""),
        ("security code: 123", "security code: *"),
        ("the API KEY = hunter2", "the API KEY = *"),
        ("user[password]=hunter2&user[name]=bob", "user[password]=*&user[name]=bob"),
        ("user%5Bpassword%5D=hunter2&n=1", "user%5Bpassword%5D=*&n=1"),
        ("[password] => hunter2", "[password] => *"),
        ("config[\"password\"] = \"hunter2\"", "config[\"password\"] = \"*\""),
        (r#"{"name": "DB_PASSWORD", "value": "hunter2"}"#, r#"{"name": "DB_PASSWORD", "value": "*"}"#),
        (r#"{"value": "hunter2", "name": "DB_PASSWORD"}"#, r#"{"value": "*", "name": "DB_PASSWORD"}"#),
        (
            r#"[{"name":"A","value":"b"},{"name":"API_KEY","value":"hunter2"},{"name":"C","value":"d"}]"#,
            r#"[{"name":"A","value":"b"},{"name":"API_KEY","value":"*"},{"name":"C","value":"d"}]"#,
        ),
        (
            "{'name': 'DB_PASSWORD', 'value': 'hunter2', 'value_from': None}",
            "{'name': 'DB_PASSWORD', 'value': '*', 'value_from': None}",
        ),
        (
            "- name: DB_PASSWORD\n  value: hunter2\n- name: A\n  value: b",
            "- name: DB_PASSWORD\n  value: *\n- name: A\n  value: b",
        ),
        (
            "{'ParameterKey': 'DbPassword', 'ParameterValue': 'hunter2'}",
            "{'ParameterKey': 'DbPassword', 'ParameterValue': '*'}",
        ),
        (
            "Content-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--x\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1",
            "Content-Disposition: form-data; name=\"password\"\r\n\r\n*\r\n--x\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1",
        ),
        (
            r#"b'form-data; name="password"\r\nContent-Type: text/plain\r\n\r\nhunter2\r\n--x--'"#,
            r#"b'form-data; name="password"\r\nContent-Type: text/plain\r\n\r\n*\r\n--x--'"#,
        ),
        ("password: |\n  hunter2\n  hunter2\nuser: bob", "password: |\n  *\nuser: bob"),
        ("a:\n  token: >-\n    hunter2\n  user: bob", "a:\n  token: >-\n    *\n  user: bob"),
        ("got password: |\n  hunter2\nuser: bob", "got password: |\n  *\nuser: bob"),
        ("password:\n  hunter2\nuser: bob", "password:\n  *\nuser: bob"),
        (r"a: 1\npassword: |\n  hunter2\nuser: bob", r"a: 1\npassword: |\n  *\nuser: bob"),
        (
            "[(b'host', b'x'), (b'authorization', b'Bearer hunter2'), (b'cookie', b'hunter2')]",
            "[(b'host', b'x'), (b'authorization', b'*'), (b'cookie', b'*')]",
        ),
        ("('password', 'hunter2')", "('password', '*')"),
        ("['mysql', '--password', 'hunter2', '--user', 'bob']", "['mysql', '--password', '*', '--user', 'bob']"),
        ("mysql --password hunter2 --user bob", "mysql --password * --user bob"),
        ("mysql --password=hunter2 --user=bob", "mysql --password=* --user=bob"),
        ("ALTER USER bob WITH PASSWORD 'hunter2' x", "ALTER USER bob WITH PASSWORD '*' x"),
        ("CREATE USER bob IDENTIFIED BY 'hun''ter2' x", "CREATE USER bob IDENTIFIED BY '*' x"),
        ("password_confirmation=hunter2 passwordConfirm=hunter2", "password_confirmation=* passwordConfirm=*"),
        (
            r#"{"SecretString": "hunter2", "dbpasswd": "hunter2", "rootpw": "hunter2", "token_v2": "hunter2"}"#,
            r#"{"SecretString": "*", "dbpasswd": "*", "rootpw": "*", "token_v2": "*"}"#,
        ),
        ("https://x.example/y?sv=2022&sig=hunter2%3D&se=1", "https://x.example/y?sv=2022&sig=*&se=1"),
        ("token: 9f8e7d6c5b4a3210ffee", "token: *"),
    ]);
}

/// What leaked from other programs and was reported there.
#[test]
fn what_other_programs_were_seen_to_leak_is_found() {
    assert_shown(&[
        (
            "Redirected to https://x.example/reset?token=hunter2&id=1",
            "Redirected to https://x.example/reset?token=*&id=1",
        ),
        (
            r##"#<User id: 1, password_digest: "hunter2", name: "bob">"##,
            r##"#<User id: 1, password_digest: "*", name: "bob">"##,
        ),
        (
            "{'DATABASES': {'default': {'PASSWORD': 'hunter2', 'HOST': 'db'}}}",
            "{'DATABASES': {'default': {'PASSWORD': '*', 'HOST': 'db'}}}",
        ),
        (
            "{'HTTP_COOKIE': 'a=b; sid=hunter2', 'HTTP_X_API_KEY': 'hunter2'}",
            "{'HTTP_COOKIE': '*', 'HTTP_X_API_KEY': '*'}",
        ),
        (
            "Looking in indexes: https://bob:hunter2@pypi.example/simple",
            "Looking in indexes: https://bob:*@pypi.example/simple",
        ),
        (
            "fatal: unable to access 'https://oauth2:hunter2@git.example/x.git/': 403",
            "fatal: unable to access 'https://oauth2:*@git.example/x.git/': 403",
        ),
        (
            "'Authorization': b'AWS4-HMAC-SHA256 Credential=x, Signature=hunter2', 'n': 1",
            "'Authorization': b'*', 'n': 1",
        ),
        ("host:x\nx-amz-security-token:hunter2\n\nhost", "host:x\nx-amz-security-token:*\n\nhost"),
        (
            r"send: b'POST / HTTP/1.1\r\nAuthorization: Basic hunter2\r\n\r\n'",
            r"send: b'POST / HTTP/1.1\r\nAuthorization: *\r\n\r\n'",
        ),
        (r#""ansible_become_pass": "hunter2", "n": 1"#, r#""ansible_become_pass": "*", "n": 1"#),
        (
            r#"{"annotations": {"last-applied": "{\"data\":{\"password\":\"hunter2\"}}"}}"#,
            r#"{"annotations": {"last-applied": "{\"data\":{\"password\":\"*\"}}"}}"#,
        ),
        ("java -Ddb.password=hunter2 -jar x.jar", "java -Ddb.password=* -jar x.jar"),
        ("dbname=x user=bob password='hun ter2' host=db", "dbname=x user=bob password='*' host=db"),
        ("userPassword:: hunter2==\ncn: bob", "userPassword:: *\ncn: bob"),
        (
            "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=hunter2==;EndpointSuffix=y",
            "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=*;EndpointSuffix=y",
        ),
        (
            r#"mutation { login(user: \"bob\", password: \"hunter2\") { id } }"#,
            r#"mutation { login(user: \"bob\", password: \"*\") { id } }"#,
        ),
        ("docker build --build-arg NPM_TOKEN=hunter2 .", "docker build --build-arg NPM_TOKEN=* ."),
        ("X-Vault-Token: hunter2", "X-Vault-Token: *"),
    ]);
}

#[test]
fn cards_are_found_however_their_digits_are_written() {
    assert_shown(&[
        ("card_4111111111111111", "card_*"),
        ("4111111111111111_front.png", "*_front.png"),
        ("PAN4111111111111111", "PAN*"),
        ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "*"),
        ("4111\u{2009}1111\u{2009}1111\u{2009}1111", "*"),
        ("4111.1111.1111.1111", "*"),
        ("4111\u{2011}1111\u{2011}1111\u{2011}1111", "*"),
        ("卡号４１１１１１１１１１１１１１１１。", "卡号*。"),
        ("4111111111111111.0", "*.0"),
        (r"4111\u00a01111\u00a01111\u00a01111", "*"),
        ("4111%201111%201111%201111", "*"),
    ]);
}

#[test]
fn the_word_before_a_cut_is_not_shown() {
    let long = "word ".repeat(20_000);
    for (end, expected) in [
        ("4111 1111 1111 1…(+3 characters)", "*…(+3 characters)"),
        ("ghp_aB3dE5fG7h…(+30 characters)", "*…(+30 characters)"),
        ("a Bearer hunter…(+1 characters)", "a Bearer *…(+1 characters)"),
        ("hunter \u{4e2d}\u{6587}…(+1 characters)", "hunter *…(+1 characters)"),
    ] {
        assert_eq!(shown(&format!("{long}{end}")), format!("{long}{expected}"));
    }
    assert_eq!(shown("a short text…(+3 characters)"), "a short text…(+3 characters)");
    assert_eq!(shown(&format!("{long}…(+three characters)")), format!("{long}…(+three characters)"));
}

#[test]
fn floats_that_are_cards_are_found_and_others_stay() {
    let json = r#"[4111111111111111.0,4.111111111111111e15,4111111111111111.5,1771497000123.0,1e300,0.5]"#;
    let expected = r#"["[REDACTED:card]","[REDACTED:card]",4111111111111111.5,1771497000123.0,1e300,0.5]"#;
    assert_eq!(usual().json(json, true).unwrap(), expected);
    let card = usual().value(crate::value::Value::Float(4_111_111_111_111_111.0), Treatment::Search);
    assert_eq!(card, Some(super::super::Replaced::Text("[REDACTED:card]".into())));
}

#[test]
fn a_name_beside_its_value_is_found_in_structures() {
    for (json, expected) in [
        (r#"{"name":"DB_PASSWORD","value":"hunter2"}"#, r#"{"name":"DB_PASSWORD","value":"[REDACTED]"}"#),
        (r#"{"value":{"a":[1]},"x":1,"Key":"apiKey","y":2}"#, r#"{"value":"[REDACTED]","x":1,"Key":"apiKey","y":2}"#),
        (
            r#"[["authorization","Bearer"],["cookie","a"]]"#,
            r#"[["authorization","[REDACTED]"],["cookie","[REDACTED]"]]"#,
        ),
        (r#"["password","hunter2"]"#, r#"["password","[REDACTED]"]"#),
    ] {
        assert_eq!(usual().json(json, true).as_deref(), Some(expected));
    }
    for json in [
        r#"["password","email"]"#,
        r#"["password","hunter2","x"]"#,
        r#"{"name":"DB_USER","value":"bob"}"#,
        r#"{"name":"password","value":null}"#,
        r#"{"name":"token","value":true}"#,
        r#"[{"name":"password"},{"value":"x"}]"#,
    ] {
        assert_eq!(usual().json(json, true), None, "{json}");
    }
}
