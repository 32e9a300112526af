// Run when it was built: what is escaped, and what is not.
#include "json_text.hpp"

#include <cstdio>
#include <string>

int main() {
    using namespace std::string_view_literals;
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"API 请求处理", "API 请求处理"},
        {"\"quoted\" and \\", "\\\"quoted\\\" and \\\\"},
        {"\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
        {"\0 \x1f"sv, "\\u0000 \\u001f"},
        {"before\nafter \x7f", "before\\nafter \x7f"},
    };
    for (const auto &[text, wanted] : cases) {
        const std::string seen = fmt::format("{}", json_text{text});
        if (seen != wanted) {
            std::fprintf(stderr, "escaped as %s instead of %s\n", seen.c_str(), std::string(wanted).c_str());
            return 1;
        }
    }
    return 0;
}
