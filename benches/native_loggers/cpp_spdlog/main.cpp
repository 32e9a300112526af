// `cpp_spdlog FOLDER ROUNDS RECORDS SECONDS`: measures, and prints the results as one JSON array.
//
// Each result names its group, its best round in seconds (`min`) and how many lines it asked for (`logged`).
#include "logging.hpp"

#include <algorithm>
#include <sys/resource.h>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint64_t LOOP = 5'000;
constexpr auto PACE = std::chrono::microseconds(50);

double since(steady::time_point start) { return std::chrono::duration<double>(steady::now() - start).count(); }

// CPU seconds of this process, all threads.
double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval &time) { return static_cast<double>(time.tv_sec) + 1e-6 * time.tv_usec; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Rounds of calls, the queue empty before each; only the calls are timed.
std::string call(logging &logger, std::uint64_t rounds) {
    double best = 1e9;
    // The first round warms up.
    for (std::uint64_t round = 0; round <= rounds; ++round) {
        logger.finish();
        const auto start = steady::now();
        logger.calls(LOOP);
        if (const double taken = since(start); round > 0) best = std::min(best, taken);
    }
    logger.finish();
    return fmt::format(R"({{"group":"call","min":{},"loop":{},"logged":{}}})", best, LOOP, LOOP * (rounds + 1));
}

// Rounds of calls below the level.
std::string disabled(logging &logger, std::uint64_t rounds) {
    double best = 1e9;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const auto start = steady::now();
        logger.disabled(LOOP);
        best = std::min(best, since(start));
    }
    return fmt::format(R"({{"group":"disabled","min":{},"loop":{},"logged":0}})", best, LOOP);
}

// From the first call until the last byte is in the file, twice.
std::string throughput(logging &logger, std::uint64_t records) {
    double best = 1e9;
    const double before = cpu_seconds();
    for (int round = 0; round < 2; ++round) {
        const auto start = steady::now();
        logger.calls(records);
        logger.finish();
        best = std::min(best, since(start));
    }
    const double cpu = (cpu_seconds() - before) / static_cast<double>(2 * records) * 1e6;
    return fmt::format(R"({{"group":"throughput","min":{},"records":{},"cpu_s_per_million":{},"logged":{}}})", best,
                       records, cpu, 2 * records);
}

// The same from four threads, once.
std::string four_threads(logging &logger, std::uint64_t records) {
    const auto start = steady::now();
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) threads.emplace_back([&] { logger.calls(records / 4); });
    for (auto &thread : threads) thread.join();
    logger.finish();
    const double taken = since(start);
    records = records / 4 * 4;
    return fmt::format(R"({{"group":"throughput, 4 threads","min":{},"records":{},"logged":{}}})", taken, records,
                       records);
}

// 20,000 calls a second, each timed from outside.
std::string paced(logging &logger, double seconds) {
    const auto count = static_cast<std::size_t>(20'000 * seconds);
    std::vector<std::int64_t> taken;
    taken.reserve(count);
    const auto start = steady::now();
    auto due = start;
    for (std::size_t i = 0; i < count; ++i) {
        due += PACE;
        while (steady::now() < due) {
        }
        const auto called = steady::now();
        logger.calls(1);
        taken.push_back(std::chrono::nanoseconds(steady::now() - called).count());
    }
    const double all = since(start);
    logger.finish();
    std::sort(taken.begin(), taken.end());
    const auto at = [&](double share) {
        return taken[std::min(count - 1, static_cast<std::size_t>(static_cast<double>(count) * share))];
    };
    return fmt::format(R"({{"group":"paced","min":{},"p50":{},"p99":{},"p99.9":{},"p99.99":{},"logged":{}}})", all,
                       at(0.5), at(0.99), at(0.999), at(0.9999), count);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 5) {
        fmt::print(stderr, "usage: cpp_spdlog FOLDER ROUNDS RECORDS SECONDS\n");
        return 2;
    }
    const std::uint64_t rounds = std::stoull(argv[2]), records = std::stoull(argv[3]);
    const double seconds = std::stod(argv[4]);
    logging logger(argv[1]);
    fmt::print("[{}", call(logger, rounds));
    fmt::print(",{}", disabled(logger, rounds));
    fmt::print(",{}", throughput(logger, records));
    fmt::print(",{}", four_threads(logger, records));
    fmt::print(",{}]\n", paced(logger, seconds));
    return 0;
}
