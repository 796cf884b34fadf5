/*
 * cbench: Google Benchmark from C.
 *
 * Shape     A benchmark program registers functions and runs them:
 *
 *               static void lookup(struct cbench_state *s, void *arg)
 *               {
 *                   struct table *t = prepare(cbench_range(s, 0));
 *                   CBENCH_LOOP (s)
 *                       CBENCH_USE(find(t, next()));
 *                   cbench_items(s, cbench_iterations(s));
 *                   release(t);
 *               }
 *
 *               int main(int argc, char **argv)
 *               {
 *                   if (!cbench_init(&argc, argv))
 *                       return 1;
 *                   struct cbench *b = cbench_add("lookup", lookup, NULL);
 *                   cbench_arg(b, 4096);
 *                   return cbench_run();
 *               }
 *
 * Units     Times handed in are seconds, times printed are per iteration in the unit of cbench_unit() (nanoseconds).
 * Overlap   Registration belongs to the main thread. With cbench_threads(b, n) the function runs in n threads at once,
 *           each with a state of its own.
 * Errors    Google Benchmark ends the program when it is used wrongly; cbench_init() returns false for an unknown
 *           option.
 *
 * Comparisons. scripts/bench.sh prints ratios by two rules:
 *   - a benchmark `foo/ARGS` is compared with every `foo_ref/ARGS` and `foo_ref_WHAT/ARGS` (same arguments, same
 *     program);
 *   - a benchmark that called cbench_compare(s, "NAME") is compared with the benchmark NAME of the same program, for
 *     example `close/1000000` with `close/1`.
 * What is compared is the time of an item where both count items (cbench_items), else of an iteration.
 *
 * Pinning. scripts/bench.sh pins each program: to one CPU, or to as many as the program's source asks for in a comment,
 * `bench-cpus: 2`. Threads and processes place themselves among these with cbench_pin().
 *
 * Smoke. With CBENCH_SMOKE=1 in the environment every benchmark runs about a millisecond, once: repetitions, iteration
 * counts and minimum times that the program asks for are ignored. Benchmarks with expensive preparations ask
 * cbench_smoke() and prepare less.
 */
#ifndef CALLFAN_BENCH_CBENCH_H
#define CALLFAN_BENCH_CBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cbench;       /* a registered benchmark */
struct cbench_state; /* one run of it, in one thread */

typedef void cbench_fn(struct cbench_state *s, void *arg);

enum cbench_unit { CBENCH_NS, CBENCH_US, CBENCH_MS, CBENCH_S };

/* How a counter is printed. Flags may be combined, as CBENCH_RATE | CBENCH_PER_THREAD. */
enum cbench_counter_flag {
    CBENCH_PLAIN = 0,         /* the value; over threads the sum */
    CBENCH_RATE = 1,          /* divided by the seconds of the run */
    CBENCH_PER_THREAD = 2,    /* divided by the number of threads */
    CBENCH_PER_ITERATION = 4, /* divided by the iterations */
    CBENCH_INVERTED = 8,      /* one over the value: with CBENCH_RATE, seconds per item */
};

/* ---- The program
 * ------------------------------------------------------------------------------------------------------- */

/* Takes the --benchmark_* options out of argv. False, with a message, when something is left over that is not known. */
bool cbench_init(int *argc, char **argv);

/* Runs what was registered and is selected by --benchmark_filter. Returns main's exit status: 0, or 1 when nothing ran
 * or a benchmark was given up with cbench_fail(). */
int cbench_run(void);

/* Whether this is the short run of CBENCH_SMOKE=1. */
bool cbench_smoke(void);

/* Binds the calling thread to the index-th CPU (modulo their number) of those that the program was started on. Returns
 * the CPU's number or a negative errno. */
int cbench_pin(unsigned index);

/* ---- Registration
 * ------------------------------------------------------------------------------------------------------ */

/* Registers `fn` under `name`; `arg` is handed to each run and must live until cbench_run() returns. The name is
 * copied. */
struct cbench *cbench_add(const char *name, cbench_fn *fn, void *arg);

/* One run with this argument; several calls are several runs. */
void cbench_arg(struct cbench *b, int64_t value);

/* One run with `count` arguments. */
void cbench_args(struct cbench *b, const int64_t *values, size_t count);

/* One run with each of lo, lo * 8, lo * 64, ..., hi. */
void cbench_arg_range(struct cbench *b, int64_t lo, int64_t hi);

/* One run with that many threads; several calls are several runs. Implies nothing about the clock: see
 * cbench_real_time(). */
void cbench_threads(struct cbench *b, int count);

/* Rates by the wall clock instead of the main thread's CPU time: for runs with several threads or processes. */
void cbench_real_time(struct cbench *b);

/* The run says itself how long it took, with cbench_set_time(). */
void cbench_manual_time(struct cbench *b);

/* Exactly that many iterations, instead of as many as fill the minimum time. */
void cbench_fix_iterations(struct cbench *b, int64_t count);

/* At least that long per repetition. */
void cbench_min_time(struct cbench *b, double seconds);

/* That many repetitions; mean, median, standard deviation and coefficient of variation are printed. */
void cbench_repetitions(struct cbench *b, int count);

void cbench_unit(struct cbench *b, enum cbench_unit unit);

/* ---- Inside a run
 * ------------------------------------------------------------------------------------------------------ */

/*
 * The timed loop. The library is asked once for all iterations, so an empty body costs what an empty loop in C costs.
 * It must run to its end: no break, no return. Exactly one CBENCH_LOOP, or one loop over cbench_take(), per run.
 */
#define CBENCH_LOOP(s) for (int64_t cbench_left_ = cbench_begin(s); cbench_left_ > 0 || cbench_end(s); cbench_left_--)

/*
 * The timed loop in batches, for bodies that work on many items at a time or prepare between batches:
 *
 *     for (int64_t n; (n = cbench_take(s, 1000)) != 0;)
 *         release_many(t, n);
 *
 * Returns `batch` until the run is over, then 0. Counts as `batch` iterations each time.
 */
int64_t cbench_take(struct cbench_state *s, int64_t batch);

/* What CBENCH_LOOP is made of. */
int64_t cbench_begin(struct cbench_state *s);
bool cbench_end(struct cbench_state *s);

/* The index-th argument of this run. */
int64_t cbench_range(const struct cbench_state *s, size_t index);

/* Iterations done so far; after the loop, all of them. */
int64_t cbench_iterations(const struct cbench_state *s);

int cbench_thread_index(const struct cbench_state *s);
int cbench_thread_count(const struct cbench_state *s);

/* Stops the clock and starts it again, inside the loop; costs some 100 ns, so only between large batches. */
void cbench_pause(struct cbench_state *s);
void cbench_resume(struct cbench_state *s);

/* Adds to the run's time; only after cbench_manual_time(). */
void cbench_set_time(struct cbench_state *s, double seconds);

/* Items and bytes of the whole run (of this thread): printed per second. */
void cbench_items(struct cbench_state *s, int64_t count);
void cbench_bytes(struct cbench_state *s, int64_t count);

/* A named figure of the run; flags of enum cbench_counter_flag. */
void cbench_counter(struct cbench_state *s, const char *name, double value, int flags);

/* A text beside the run's line. Replaces that of cbench_compare(). */
void cbench_label(struct cbench_state *s, const char *text);

/* scripts/bench.sh prints the ratio of this run to the benchmark `name` (with arguments: "close/1"). */
void cbench_compare(struct cbench_state *s, const char *name);

/* Gives the run up with a message, before its loop; the run returns then. The program's exit status will be 1. */
void cbench_fail(struct cbench_state *s, const char *message);

/*
 * The same, from then on in every repetition: Google Benchmark 1.7 crashes when the first has failed and others have not. why is kept in `failed`, in which
 * the caller finds whether an earlier one was given up; it may be `failed` itself.
 */
#define CBENCH_FAILED_BYTES 256
void cbench_fail_all(struct cbench_state *s, char failed[CBENCH_FAILED_BYTES], const char *why);

#ifdef __cplusplus
}
#endif

/* The compiler must have computed the value (an integer or a pointer), but need not keep it. */
#define CBENCH_USE(value) __asm__ volatile("" : : "r"(value) : "memory")

/* The compiler must have done all writes to memory, and knows nothing about its content any more. */
#define CBENCH_CLOBBER() __asm__ volatile("" : : : "memory")

#endif
