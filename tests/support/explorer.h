/*
 * The interleaving explorer: runs a few threads over real code and tries, one execution after the other, every way in which they can
 * interleave and in which their stores can be late.
 *
 * Shape      threads are coroutines; a scheduling point stands before every access of shm/atomics.h in a build with CF_MODEL. Depth
 *            first over the choices, with at most `delays` of them: switches away from a thread that could go on, and stores that
            have not arrived when another thread looks at their word
 * Memory     a store waits in its thread's buffer until somebody sees it or the thread fences or does a read-modify-write. Stores of
 *            a thread become visible in order, but a relaxed one may overtake others to other words: what x86-TSO allows, and what
 *            a compiler or a weaker machine may make of a relaxed store. Loads are not reordered; a word that its own thread
 *            also reads plainly arrives by then
 * Races      plain accesses (the compiler's -fsanitize=thread calls, memcpy, memset) are held against the happens-before order that
 *            acquire and release make; two that are not ordered, one of them a store, fail the execution
 * Invariant  an execution follows from its choices alone; a choice is offered only at words that two threads use and one stores. When
 *            such a word turns up the search starts anew, so that none is missed
 * Errors     the first failure is printed with the choices that lead to it, and the program ends with 1
 */
#ifndef CF_TESTS_SUPPORT_EXPLORER_H
#define CF_TESTS_SUPPORT_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CF_EXPLORER_THREADS = 3 };

/* A function that plays the kernel: what it touches is nobody's memory. */
#define CF_EXPLORER_KERNEL __attribute__((noinline, no_sanitize_thread))

struct cf_explored {
    const char *name;
    uint32_t delays;     /* unless the command line says otherwise */
    void (*setup)(void); /* before each execution, alone */
    void (*thread[CF_EXPLORER_THREADS])(void);
    void (*finish)(void); /* after it, alone: the assertions about the end */
};

/*
 * main() of a test. Options: --case NAME, --delays N (of every case), --more N (so many more than the case says), --most N
 * executions of a case (then it must end within them), --replay CHOICES. Returns the exit status.
 */
int cf_explorer_main(int argc, char **argv, const struct cf_explored *cases, size_t cases_count);

/* Ends the execution as failed. Where it is false. */
void cf_explorer_assert(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Waits until the word holds value; what somebody stored to it arrives then. */
void cf_explorer_wait(const void *word, uint32_t bytes, uint64_t value);

/* The same until it holds another value. */
void cf_explorer_wait_change(const void *word, uint32_t bytes, uint64_t value);

/*
 * An operation of the kernel on the object: a scheduling point, and stores before it arrive, as they do before FUTEX_WAKE (a full
 * barrier by contract) and before a byte that is read from a pipe. Objects of the kernel are not buffered.
 */
void cf_explorer_kernel(const void *object);

/* Sleeps in the kernel until ready() is true. Nobody left to make it true is a failure: the wake-up was lost. */
void cf_explorer_sleep(bool (*ready)(void *arg), void *arg);

#endif
