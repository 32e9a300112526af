// Text that is written into JSON: an argument of a format string that escapes what JSON asks for.
#pragma once

#include <array>
#include <fmt/format.h>
#include <string_view>

struct json_text {
    std::string_view text;
};

namespace json_escapes {

// For each byte what stands for it: 0 for itself, 'u' for \u00XX, else the letter behind the backslash.
constexpr std::array<char, 256> table() {
    std::array<char, 256> letters{};
    for (int byte = 0; byte < 0x20; ++byte) letters[byte] = 'u';
    letters['\b'] = 'b';
    letters['\f'] = 'f';
    letters['\n'] = 'n';
    letters['\r'] = 'r';
    letters['\t'] = 't';
    letters['"'] = '"';
    letters['\\'] = '\\';
    return letters;
}
inline constexpr auto letters = table();

// How many bytes from the start of a text stand for themselves.
inline std::size_t plain(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && letters[static_cast<unsigned char>(text[end])] == 0) ++end;
    return end;
}

} // namespace json_escapes

template <> struct fmt::formatter<json_text> : fmt::formatter<std::string_view> {
    template <typename Context> auto format(json_text value, Context &context) const -> decltype(context.out()) {
        std::string_view rest = value.text;
        for (;;) {
            const std::size_t end = json_escapes::plain(rest);
            context.advance_to(fmt::formatter<std::string_view>::format(rest.substr(0, end), context));
            if (end == rest.size()) return context.out();
            const auto byte = static_cast<unsigned char>(rest[end]);
            const char letter = json_escapes::letters[byte];
            context.advance_to(letter == 'u' ? fmt::format_to(context.out(), "\\u{:04x}", byte)
                                             : fmt::format_to(context.out(), "\\{}", letter));
            rest.remove_prefix(end + 1);
        }
    }
};
