// The C interface of cbench.h over Google Benchmark. Opaque C pointers are the library's own objects.
#include "bench/cbench.h"

#include <benchmark/benchmark.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <string>
#include <vector>

namespace
{

std::atomic<bool> failed;

benchmark::internal::Benchmark *of(struct cbench *b)
{
    return reinterpret_cast<benchmark::internal::Benchmark *>(b);
}

benchmark::State &of(struct cbench_state *s)
{
    return *reinterpret_cast<benchmark::State *>(s);
}

const benchmark::State &of(const struct cbench_state *s)
{
    return *reinterpret_cast<const benchmark::State *>(s);
}

} // namespace

bool cbench_smoke(void)
{
    const char *value = getenv("CBENCH_SMOKE");
    return value != nullptr && strcmp(value, "") != 0 && strcmp(value, "0") != 0;
}

bool cbench_init(int *argc, char **argv)
{
    // The library keeps pointers into the vector.
    static std::vector<std::string> options(argv, argv + *argc);
    static std::vector<char *> words;
    if (cbench_smoke()) {
        options.insert(options.begin() + 1, {"--benchmark_min_time=0.001", "--benchmark_repetitions=1"});
    }
    for (std::string &option : options) {
        words.push_back(option.data());
    }
    int count = static_cast<int>(words.size());
    words.push_back(nullptr);
    benchmark::Initialize(&count, words.data());
    *argc = 1;
    argv[1] = nullptr;
    return !benchmark::ReportUnrecognizedArguments(count, words.data());
}

int cbench_run(void)
{
    const size_t count = benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return count == 0 || failed.load() ? 1 : 0;
}

int cbench_pin(unsigned index)
{
    // The CPUs of the program's start: a thread that was pinned sees only its own.
    static const cpu_set_t start = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        sched_getaffinity(0, sizeof set, &set);
        return set;
    }();
    const unsigned count = static_cast<unsigned>(CPU_COUNT(&start));
    if (count == 0) {
        return -EINVAL;
    }
    unsigned left = index % count;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &start) || left-- != 0) {
            continue;
        }
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        return sched_setaffinity(0, sizeof one, &one) == 0 ? cpu : -errno;
    }
    return -EINVAL;
}

struct cbench *cbench_add(const char *name, cbench_fn *fn, void *arg)
{
    benchmark::internal::Benchmark *b = benchmark::RegisterBenchmark(
        name, [fn, arg](benchmark::State &state) { fn(reinterpret_cast<struct cbench_state *>(&state), arg); });
    return reinterpret_cast<struct cbench *>(b);
}

void cbench_arg(struct cbench *b, int64_t value)
{
    of(b)->Arg(value);
}

void cbench_args(struct cbench *b, const int64_t *values, size_t count)
{
    of(b)->Args(std::vector<int64_t>(values, values + count));
}

void cbench_arg_range(struct cbench *b, int64_t lo, int64_t hi)
{
    of(b)->Range(lo, hi);
}

void cbench_threads(struct cbench *b, int count)
{
    of(b)->Threads(count);
}

void cbench_real_time(struct cbench *b)
{
    of(b)->UseRealTime();
}

void cbench_manual_time(struct cbench *b)
{
    of(b)->UseManualTime();
}

void cbench_fix_iterations(struct cbench *b, int64_t count)
{
    if (!cbench_smoke()) {
        of(b)->Iterations(count);
    }
}

void cbench_min_time(struct cbench *b, double seconds)
{
    if (!cbench_smoke()) {
        of(b)->MinTime(seconds);
    }
}

void cbench_repetitions(struct cbench *b, int count)
{
    if (!cbench_smoke()) {
        of(b)->Repetitions(count);
    }
}

void cbench_unit(struct cbench *b, enum cbench_unit unit)
{
    static const benchmark::TimeUnit units[] = {benchmark::kNanosecond, benchmark::kMicrosecond,
                                                benchmark::kMillisecond, benchmark::kSecond};
    of(b)->Unit(units[unit]);
}

int64_t cbench_begin(struct cbench_state *s)
{
    const int64_t count = static_cast<int64_t>(of(s).max_iterations);
    return of(s).KeepRunningBatch(count) ? count : 0;
}

bool cbench_end(struct cbench_state *s)
{
    // All iterations were taken by cbench_begin(): this stops the clock. After a failure there is nothing to stop.
    if (!of(s).error_occurred()) {
        of(s).KeepRunningBatch(1);
    }
    return false;
}

int64_t cbench_take(struct cbench_state *s, int64_t batch)
{
    return of(s).KeepRunningBatch(batch) ? batch : 0;
}

int64_t cbench_range(const struct cbench_state *s, size_t index)
{
    return of(s).range(index);
}

int64_t cbench_iterations(const struct cbench_state *s)
{
    return static_cast<int64_t>(of(s).iterations());
}

int cbench_thread_index(const struct cbench_state *s)
{
    return of(s).thread_index();
}

int cbench_thread_count(const struct cbench_state *s)
{
    return of(s).threads();
}

void cbench_pause(struct cbench_state *s)
{
    of(s).PauseTiming();
}

void cbench_resume(struct cbench_state *s)
{
    of(s).ResumeTiming();
}

void cbench_set_time(struct cbench_state *s, double seconds)
{
    of(s).SetIterationTime(seconds);
}

void cbench_items(struct cbench_state *s, int64_t count)
{
    of(s).SetItemsProcessed(count);
}

void cbench_bytes(struct cbench_state *s, int64_t count)
{
    of(s).SetBytesProcessed(count);
}

void cbench_counter(struct cbench_state *s, const char *name, double value, int flags)
{
    int known = benchmark::Counter::kDefaults;
    known |= (flags & CBENCH_RATE) ? benchmark::Counter::kIsRate : 0;
    known |= (flags & CBENCH_PER_THREAD) ? benchmark::Counter::kAvgThreads : 0;
    known |= (flags & CBENCH_PER_ITERATION) ? benchmark::Counter::kAvgIterations : 0;
    known |= (flags & CBENCH_INVERTED) ? benchmark::Counter::kInvert : 0;
    of(s).counters[name] = benchmark::Counter(value, static_cast<benchmark::Counter::Flags>(known));
}

void cbench_label(struct cbench_state *s, const char *text)
{
    of(s).SetLabel(text);
}

void cbench_compare(struct cbench_state *s, const char *name)
{
    of(s).SetLabel(std::string("vs ") + name);
}

void cbench_fail(struct cbench_state *s, const char *message)
{
    failed.store(true);
    of(s).SkipWithError(message);
}

void cbench_fail_all(struct cbench_state *s, char failed[CBENCH_FAILED_BYTES], const char *why)
{
    if (why != failed)
        snprintf(failed, CBENCH_FAILED_BYTES, "%s", why);
    cbench_fail(s, failed);
}
