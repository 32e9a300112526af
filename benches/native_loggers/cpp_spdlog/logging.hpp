// spdlog as it is set up for JSON in files: one thread that writes, a queue at which callers wait when it is full.
#pragma once

// Levels are decided when the program runs, as everywhere in these benches.
#define SPDLOG_ACTIVE_LEVEL SPDLOG_LEVEL_TRACE

#include "json_text.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <thread>

// Slots. A few per cent faster than with spdlog's usual 8,192.
constexpr std::size_t QUEUE_SIZE = 65'536;

// spdlog has no context that a line takes its trace from (mapped contexts came with 1.14): the program has one.
struct trace {
    std::string_view trace_id;
    std::string_view span_id;
};
inline thread_local trace current{"abc-123-xyz", "def-456"};

// Takes no records and counts flushes: spdlog's own flush does not wait.
class flush_count final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    flush_count() { set_level(spdlog::level::off); }
    std::uint64_t seen() const { return flushes_.load(std::memory_order_acquire); }

protected:
    void sink_it_(const spdlog::details::log_msg &) override {}
    void flush_() override { flushes_.fetch_add(1, std::memory_order_release); }

private:
    std::atomic<std::uint64_t> flushes_{0};
};

class logging {
public:
    // Logs to `app.log` in `folder`.
    explicit logging(const std::string &folder) {
        spdlog::init_thread_pool(QUEUE_SIZE, 1);
        // Only the pool's thread touches the sinks, so they need no lock.
        auto file = std::make_shared<spdlog::sinks::basic_file_sink_st>(folder + "/app.log", true);
        logger_ = std::make_shared<spdlog::async_logger>("wechat_backend.api", spdlog::sinks_init_list{file, flushes_},
                                                         spdlog::thread_pool(), spdlog::async_overflow_policy::block);
        logger_->set_level(spdlog::level::info);
        logger_->set_pattern(R"({"timestamp":"%Y-%m-%dT%H:%M:%S.%f+00:00","level":"%l","logger":"%n",)"
                             R"("module":"%s","function":"%!","line":%#,"thread":%t,"process":%P,%v})",
                             spdlog::pattern_time_type::utc);
    }
    ~logging() { spdlog::shutdown(); }

    // So many calls.
    void calls(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            SPDLOG_LOGGER_INFO(logger_, RECORD, json_text{"API 请求处理"}, json_text{current.trace_id},
                               json_text{current.span_id}, json_text{"/api/ai/chat"}, json_text{"POST"},
                               json_text{"user_001"}, 234, 200);
        }
    }

    // So many calls below the level.
    void disabled(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            SPDLOG_LOGGER_DEBUG(logger_, RECORD, json_text{"API 请求处理"}, json_text{current.trace_id},
                                json_text{current.span_id}, json_text{"/api/ai/chat"}, json_text{"POST"},
                                json_text{"user_001"}, 234, 200);
        }
    }

    // Returns when everything logged so far is in the file.
    void finish() {
        const auto before = flushes_->seen();
        logger_->flush();
        while (flushes_->seen() == before) std::this_thread::sleep_for(std::chrono::microseconds(20));
    }

private:
    static constexpr const char RECORD[] =
        R"("message":"{}","trace_id":"{}","span_id":"{}","endpoint":"{}","method":"{}","user_id":"{}",)"
        R"("latency_ms":{},"status_code":{})";

    std::shared_ptr<flush_count> flushes_ = std::make_shared<flush_count>();
    std::shared_ptr<spdlog::async_logger> logger_;
};
