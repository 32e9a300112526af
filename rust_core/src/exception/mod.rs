//! Exceptions as they travel through the queue, and how they are rendered behind it.
use json_escape_simd::escape_into;
#[derive(Debug, Default)]
pub struct SourceCache;
pub fn text(blob: &[u8], _: &mut SourceCache) -> String {
    String::from_utf8_lossy(blob).into_owned()
}
pub fn stack_text(blob: &[u8], _: &mut SourceCache) -> String {
    String::from_utf8_lossy(blob).into_owned()
}
pub fn write_json(blob: &[u8], _: &mut SourceCache, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"traceback\":");
    escape_into(&*String::from_utf8_lossy(blob), out);
    out.push(b'}');
}
pub fn write_stack_json(blob: &[u8], _: &mut SourceCache, out: &mut Vec<u8>) {
    escape_into(&*String::from_utf8_lossy(blob), out);
}
