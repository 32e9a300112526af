//! The guide's record as the binding captures it: a Chinese message, five fields, a request's ids, all names interned.

use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::record::{Header, INLINE, Record, Site, flag, put_context};
use unified_logger_core::value::{Put, Value};

const MESSAGE: &str = "API 请求处理";
const FIELDS: [(&str, Value<'_>); 5] = [
    ("endpoint", Value::Text("/api/ai/chat")),
    ("method", Value::Text("POST")),
    ("user_id", Value::Text("user_001")),
    ("latency_ms", Value::Integer(234)),
    ("status_code", Value::Integer(200)),
];

/// What is known before the call.
#[derive(Debug)]
pub struct Guide {
    header: Header,
    context: Vec<u8>,
}

impl Guide {
    /// Of level INFO, with no fields in its context.
    pub fn new() -> Self {
        let names = names::here();
        let site = Site {
            module: "wechat_backend.api".into(),
            function: "handle".into(),
            line: 42,
            fields: FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            ..Site::default()
        };
        let header = Header {
            time: 1_767_225_600_123_456_789,
            sequence: 0,
            level: level::INFO,
            site: names.site(site).unwrap_or(INLINE),
            logger: names.logger("wechat_backend.api".into()).unwrap_or(INLINE),
            thread: names.thread("MainThread".into()).unwrap_or(INLINE),
            flags: flag::CONTEXT,
            extra: 0,
        };
        assert!([header.site, header.logger, header.thread].iter().all(|number| *number != INLINE), "tables have room");
        let mut context = Vec::new();
        put_context(&mut context, Some("abc-123-xyz"), Some("def-456"));
        Self { header, context }
    }

    pub fn at_level(mut self, level: i32) -> Self {
        self.header.level = level;
        self
    }

    /// With a field that follows the request: the encoder then compares names.
    pub fn with_context_field(mut self) -> Self {
        self.context.put_text("tenant");
        self.context.put_value(Value::Text("acme"));
        self
    }

    /// Captures it.
    #[inline]
    pub fn put(&self, out: &mut impl Put) {
        out.put(&self.header.to_bytes());
        out.put_text(MESSAGE);
        out.put(&(self.context.len() as u32).to_le_bytes());
        out.put(&self.context);
        for (_, value) in FIELDS {
            out.put_value(value);
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.put(&mut bytes);
        bytes
    }
}

/// Reads what `Guide` captured.
#[inline]
pub fn read(bytes: &[u8]) -> Record<'_> {
    // SAFETY: texts were captured from texts.
    unsafe { Record::read(bytes) }.expect("a captured record is whole")
}
